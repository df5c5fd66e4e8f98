/** An API server in memory and stores on it, for one test file: what the stores count is forgotten before each test. */
import { after, beforeEach } from "node:test";
import type { Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { startKubeServer } from "../../fakes/kube-server.ts";
import type { FakeKube } from "../../fakes/kube-server.ts";
import type { StoredObject } from "../../fakes/kube-server-types.ts";
import { byToken, openKubernetes } from "./opened.ts";

export interface SecretWish {
  readonly data?: Readonly<Record<string, string | Buffer>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Default: prod. */
  readonly namespace?: string;
}

export interface KubeWorld {
  readonly server: FakeKube;
  readonly clients: HttpClients;
  /** A store on the server, for namespace prod. */
  readonly block: typeof byToken & { readonly server: { readonly url: string }; readonly remoteNamespace: string };
  readonly calls: readonly string[];
  readonly open: (block?: object) => Store;
  readonly put: (name: string, wish?: SecretWish) => StoredObject;
}

export async function startWorld(): Promise<KubeWorld> {
  const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  const server = await startKubeServer();
  const block = { ...byToken, server: { url: server.url }, remoteNamespace: "prod" };
  const calls: string[] = [];
  beforeEach(() => {
    calls.length = 0;
    server.acceptTokens(undefined);
  });
  after(async () => {
    await clients.close();
    await server.close();
  });
  return {
    server,
    clients,
    block,
    calls,
    open: (given = block) => openKubernetes(given, { clients, calls }),
    put(name, { data = {}, namespace = "prod", ...meta } = {}) {
      const coded = Object.entries(data).map(
        ([key, value]) => [key, Buffer.from(value as string).toString("base64")] as const,
      );
      const object = { apiVersion: "v1", kind: "Secret", metadata: { name, namespace, ...meta } };
      return server.put({ group: "", plural: "secrets" }, { ...object, data: Object.fromEntries(coded) });
    },
  };
}
