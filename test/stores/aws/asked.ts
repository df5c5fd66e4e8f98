/** An aws store with keys, whose server answers each JSON call as a test says and notes what was asked. */
import type { Session, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import type { CannedAnswer } from "../../fakes/hostile-server.ts";
import { facts } from "../facts.ts";
import { byKeys, keysProof, openAws } from "./opened.ts";

export type Body = Readonly<Record<string, unknown>>;
/** `call`: `ListSecrets`. */
export type Answering = (call: string, body: Body) => CannedAnswer;

export interface AskedStore {
  readonly store: Store;
  readonly session: Session;
  readonly asked: readonly (readonly [call: string, body: Body])[];
  /** `AWS/SecretsManager ListSecrets success` */
  readonly counted: readonly string[];
  readonly close: () => Promise<void>;
}

export const { signal } = new AbortController();

export async function openAsked(block: object, answering: Answering): Promise<AskedStore> {
  const asked: [string, Body][] = [];
  const counted: string[] = [];
  const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  const server = await startHostileServer(({ headers, body }) => {
    const call = headers["x-amz-target"]!.split(".").at(-1)!;
    const parsed = JSON.parse(body) as Body;
    asked.push([call, parsed]);
    return canned(answering(call, parsed));
  });
  const store = openAws({ ...byKeys, ...block }, { url: server.url, clients, calls: counted });
  const session = await store.login(keysProof("AKIA1"), signal, facts);
  return {
    ...{ store, session, asked, counted },
    async close() {
      await clients.close();
      await server.close();
    },
  };
}
