/**
 * The open connections of one gRPC server, and their end.
 *
 * grpc-js 1.14 without channelz forgets its sessions, so its forceShutdown ends none; and under Node 24 its tryShutdown
 * does not wait for them. Both are made good here.
 */
import { ServerCredentials, type Server } from "@grpc/grpc-js";
import type { Socket } from "node:net";
import type { Clock } from "../core/clock.ts";

export interface Connections {
  accept(connection: Socket): void;
  /** Lets running calls end, for at most `limitMs`; then ends the connections, which cancels their calls. */
  drain(limitMs: number): Promise<void>;
}

export function serveConnections(server: Server, clock: Clock): Connections {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const open = new Set<Socket>();
  let onLastClosed = (): void => undefined;
  return {
    accept(connection) {
      open.add(connection);
      connection.once("close", () => {
        open.delete(connection);
        if (open.size === 0) onLastClosed();
      });
      injector.injectConnection(connection);
    },
    drain(limitMs) {
      return new Promise((resolve) => {
        const cancel = clock.after(limitMs, () => {
          for (const connection of open) connection.destroy();
          resolve();
        });
        onLastClosed = () => {
          cancel();
          resolve();
        };
        // Tells each driver to bring its next call elsewhere.
        server.tryShutdown(() => undefined);
        if (open.size === 0) onLastClosed();
      });
    },
  };
}
