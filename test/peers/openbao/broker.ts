/**
 * A RabbitMQ management API as far as the rabbitmq engine asks: users that are made and removed. The engine in front of
 * it is the real one, so leases are real, and a credential's making and its end are seen where they happen.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { OpenBao } from "./openbao.ts";

export interface Broker {
  /** Password by user name. */
  readonly users: ReadonlyMap<string, string>;
  /** Mounts the engine at `rabbitmq`, with the role `app` whose leases last a minute. */
  serve(bao: OpenBao): Promise<void>;
  close(): Promise<void>;
}

export async function startBroker(): Promise<Broker> {
  const users = new Map<string, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const user = /^\/api\/users\/([^/]+)$/.exec(request.url ?? "")?.[1];
      if (user !== undefined && request.method === "PUT") {
        const { password } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { password: string };
        users.set(user, password);
      }
      if (user !== undefined && request.method === "DELETE") users.delete(user);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    users,
    async serve(bao) {
      const connection = { connection_uri: url, username: "admin", password: "admin", verify_connection: false };
      await bao.call("POST", "sys/mounts/rabbitmq", { type: "rabbitmq" });
      await bao.call("POST", "rabbitmq/config/connection", connection);
      await bao.call("POST", "rabbitmq/config/lease", { ttl: 60, max_ttl: 600 });
      await bao.call("POST", "rabbitmq/roles/app", { vhosts: '{"/": {"write": ".*", "read": ".*"}}' });
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
