/** One provider name served on one socket: `<directory>/<name>.sock`, plain gRPC, guarded by file permissions alone. */
import { Server } from "@grpc/grpc-js";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { providerService } from "../../proto/provider.ts";
import type { Clock } from "../core/clock.ts";
import { Failure } from "../core/failure.ts";
import type { Mount } from "../mount/mount.ts";
import type { Log } from "../observe/log.ts";
import { providerCalls } from "./calls.ts";
import { serveConnections } from "./connections.ts";
import { openSocket } from "./socket.ts";

export interface ProviderOptions {
  /** As a class names it in `spec.provider`: letters, digits, `-_`, at most 30. */
  readonly name: string;
  /** Made (0755) when absent. */
  readonly directory: string;
  readonly mount: Mount;
  /** keyferry's own version, told to whoever asks. */
  readonly version: string;
  readonly log: Log;
  readonly clock: Clock;
}

export interface ProviderServer {
  readonly path: string;
  /** Removes the socket, lets running calls end for up to 4 s, then ends them. */
  close(): Promise<void>;
}

const providerName = /^[a-zA-Z0-9_-]{1,30}$/;

const serverOptions = {
  // Drivers before 1.6 send the versions of every mounted object.
  "grpc.max_receive_message_length": 16 * 1024 * 1024,
  // Bounds what one connection can make us hold: this many answers of 4 MiB. Further calls wait at the client.
  "grpc.max_concurrent_streams": 128,
  "grpc.enable_channelz": 0,
};

/** The whole process has 5 s from SIGTERM to its end. */
const drainLimitMs = 4_000;

/** Rejects with Failure `internal` that names what is wrong and the way out. */
export async function startProvider(options: ProviderOptions): Promise<ProviderServer> {
  const { name, directory, mount, version, log, clock } = options;
  if (!providerName.test(name))
    throw new Failure("internal", `provider name ${JSON.stringify(name)}: use 1 to 30 letters, digits, "-" and "_"`);
  const path = join(directory, `${name}.sock`);
  await prepareDirectory(directory, log);
  const server = new Server(serverOptions);
  server.addService(providerService, { ...providerCalls(mount, version) });
  const connections = serveConnections(server, clock);
  // The listener is ours, so that the socket can be made again without touching open connections.
  const socket = await openSocket({ path, clock, log, onConnection: (connection) => connections.accept(connection) });
  log.info("provider socket is open", { socket: path });
  return {
    path,
    async close() {
      await socket.close();
      await connections.drain(drainLimitMs);
    },
  };
}

async function prepareDirectory(directory: string, log: Log): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o755 });
    const { mode } = await stat(directory);
    // With the sticky bit (as /tmp has it) others can add files but not replace ours.
    if ((mode & 0o022) !== 0 && (mode & 0o1000) === 0)
      log.warn("others can write the socket directory and so replace its sockets", { file: directory });
  } catch (thrown) {
    const reason = (thrown as NodeJS.ErrnoException).code ?? "unexpected error";
    throw new Failure("internal", `socket directory ${directory}: ${reason}; make it or choose another`, {
      cause: thrown,
    });
  }
}
