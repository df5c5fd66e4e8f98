/**
 * The least that a provider can be, to compare with: a grpc-js server on a unix socket that answers each Mount with the
 * same files. Arguments: the socket, the number of files, their size in bytes.
 *
 * Bundled and started with the same flags as keyferry, so that the difference is what keyferry does.
 */
import { Server, ServerCredentials, type handleUnaryCall } from "@grpc/grpc-js";
import { providerService, type MountRequest, type MountResponse } from "../proto/provider.ts";

const [socket, count, bytes] = process.argv.slice(2);

const answer: MountResponse = {
  object_version: Array.from({ length: Number(count) }, (_, i) => ({ id: `key-${i}`, version: "1" })),
  files: Array.from({ length: Number(count) }, (_, i) => ({
    path: `key-${i}`,
    mode: 0o444,
    contents: Buffer.alloc(Number(bytes), "x"),
  })),
};

const mount: handleUnaryCall<MountRequest, MountResponse> = (_call, reply) => reply(null, answer);

const server = new Server();
server.addService(providerService, { Mount: mount });
server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (problem) => {
  if (problem) throw problem;
});
process.once("SIGTERM", () => server.forceShutdown());
