/** One Akeyless account, by its own address or through a gateway: one token for each session. */
import { Failure } from "../../core/failure.ts";
import type { JsonValue } from "../../core/json.ts";
import { caOfProof } from "../ca-bundle.ts";
import type { Proof, Store, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import { answerJson } from "../json-answer.ts";
import { locate, locateFind } from "./address.ts";
import { akeylessApi, createCall } from "./api.ts";
import type { Body } from "./api.ts";
import type { AkeylessConfig } from "./config.ts";
import { createItemCalls } from "./item-calls.ts";
import { KnownItems } from "./known-items.ts";
import { listNames } from "./listing.ts";
import { logIn } from "./login.ts";
import { createFetch } from "./reads.ts";
import { listRefusal } from "./refusal.ts";
import type { AkeylessSession } from "./session.ts";
import { createTogether } from "./together.ts";

export function createAkeylessStore(
  config: AkeylessConfig,
  { clock, http, countCall }: Pick<StoreDeps, "clock" | "http" | "countCall">,
): Store<AkeylessSession> {
  const { server, login, ignoreCache } = config;

  const calls = createItemCalls({ ignoreCache, clock, countCall });

  return {
    proofNeed: login.proof,
    loginRealm: `akeyless ${server} ${login.method === "kubernetesAuth" ? login.accessId : login.method}`,
    locate: (ref) => locate(ref),
    async login(proof, signal) {
      const send = http(tlsOf(config, proof));
      const { member, expiresAtMs } = await counted("Auth", countCall, () =>
        logIn(login, proof, { call: createCall(server, send), clock }, signal),
      );
      return { call: createCall(server, send, member), items: new KnownItems(), expiresAtMs };
    },
    fetch: createFetch(calls),
    batch: createTogether(calls),
    find: {
      by: ["path", "name", "tags"],
      locate: locateFind,
      async list(wish, { call }, signal) {
        const { address: folder } = locateFind(wish);
        const page = (body: Body): Promise<JsonValue> =>
          counted("ListItems", countCall, async () => {
            const answer = await call("list-items", body, signal);
            if (answer.status !== 200) throw listRefusal(answer, folder, clock);
            return answerJson(answer, akeylessApi);
          });
        return (await listNames(wish, page)).map((name) => ({ name, key: name }));
      },
    },
  };
}

function tlsOf({ ca }: AkeylessConfig, proof: Proof): { ca?: string } {
  if (!ca.ref) return ca.pem === undefined ? {} : { ca: ca.pem };
  const shown = proof.kind === "none" ? undefined : proof.secrets?.["ca"];
  if (!shown) throw new Failure("internal", "the proof for the akeyless login lacks its CA");
  return { ca: caOfProof(shown, ca.ref) };
}
