/** The fake Secret Manager over gRPC, by the protos that Google's client comes with. */
import { createRequire } from "node:module";
import * as grpc from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import { crc32c } from "../../plugin/stores/gcp/crc32c.ts";
import type { GcpIdentities } from "./gcp-identities.ts";
import { codes, GcpProblem } from "./gcp-secrets.ts";
import type { GcpSecrets, SecretRequest } from "./gcp-secrets.ts";

export interface GcpGrpc {
  readonly port: number;
  close(): void;
}

type Call = grpc.ServerUnaryCall<Record<string, string | number>, unknown>;

const protos = createRequire(import.meta.url)("@google-cloud/secret-manager/build/protos/protos.json") as object;
const service = "google.cloud.secretmanager.v1.SecretManagerService";
const methods = ["accessSecretVersion", "getSecret", "listSecrets", "listSecretVersions"] as const;

/** `tls`: PEM. Google's client sends tokens over TLS alone. */
export async function startGcpGrpc(
  secrets: GcpSecrets,
  identities: GcpIdentities,
  tls: { readonly certificate: string; readonly key: string },
): Promise<GcpGrpc> {
  const definition = fromJSON(protos, { longs: String, enums: String, defaults: true })[service];
  const server = new grpc.Server();
  const handlers = Object.fromEntries(
    methods.map((method) => [
      method,
      (call: Call, done: grpc.sendUnaryData<unknown>) => {
        try {
          done(null, answer(method, call));
        } catch (thrown) {
          if (!(thrown instanceof GcpProblem)) throw thrown;
          done({ code: codes[thrown.status][0], details: thrown.message });
        }
      },
    ]),
  );
  server.addService(definition as grpc.ServiceDefinition, handlers);

  function answer(method: SecretRequest["method"], { request, metadata }: Call): unknown {
    const principal = identities.whose(metadata.get("authorization")[0]?.toString());
    const { name, parent, filter, pageSize, pageToken } = request;
    const page = { filter: String(filter ?? ""), pageSize: Number(pageSize ?? 0), pageToken: String(pageToken ?? "") };
    const asked = { method, name: String(name ?? parent), ...(parent === undefined ? {} : page) };
    const done = secrets.run(asked, principal);
    if ("access" in done) {
      const { name: full, data } = done.access;
      return { name: full, payload: { data, dataCrc32c: String(crc32c(data)) } };
    }
    return method === "getSecret" && "secrets" in done ? done.secrets[0] : done;
  }

  const credentials = grpc.ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) },
  ]);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (problem, bound) => (problem ? reject(problem) : resolve(bound))),
  );
  return { port, close: () => server.forceShutdown() };
}
