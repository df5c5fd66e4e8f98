/** One Akeyless account, by its own address or through a gateway: one token for each session. */
import { Failure } from "../../core/failure.ts";
import type { JsonValue } from "../../core/json.ts";
import { caOfProof } from "../ca-bundle.ts";
import type { Located, Proof, Session, Store, StoreAnswer, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import type { HttpAnswer } from "../http.ts";
import { answerJson } from "../json-answer.ts";
import { requestIdOf } from "../request-id.ts";
import { locate, locateFind } from "./address.ts";
import { akeylessApi, createCall } from "./api.ts";
import type { Body, Call } from "./api.ts";
import type { AkeylessConfig } from "./config.ts";
import { readDescription, readValue } from "./items.ts";
import { listNames } from "./listing.ts";
import { logIn } from "./login.ts";
import { itemRefusal, listRefusal } from "./refusal.ts";

export interface AkeylessSession extends Session {
  /** Shows this session's token; nothing else has it. */
  readonly call: Call;
}

export function createAkeylessStore(
  config: AkeylessConfig,
  { clock, http, countCall }: Pick<StoreDeps, "clock" | "http" | "countCall">,
): Store<AkeylessSession> {
  const { server, login, ignoreCache } = config;

  async function read(located: Located, { call }: AkeylessSession, signal: AbortSignal): Promise<StoreAnswer> {
    const ask = (name: string, operation: string, body: Body): Promise<HttpAnswer> =>
      counted(name, countCall, async () => {
        const answer = await call(operation, body, signal);
        if (answer.status !== 200) throw itemRefusal(answer, located, clock);
        return answer;
      });
    const { address, version } = located;
    const described = await ask("DescribeItem", "describe-item", { name: address });
    const description = readDescription(answerJson(described, akeylessApi), located);
    const { kind } = description;
    const answer = await ask(kind.call, kind.operation, {
      ...kind.body(address),
      ...(version === "" ? {} : { version: Number(version) }),
      ...(ignoreCache && kind.isCached ? { "ignore-cache": "true" } : {}),
    });
    const value = readValue(answerJson(answer, akeylessApi), located, description, clock.nowMs());
    return { ...value, ...requestIdOf(answer.headers) };
  }

  return {
    proofNeed: login.proof,
    loginRealm: `akeyless ${server} ${login.method === "kubernetesAuth" ? login.accessId : login.method}`,
    locate: (ref) => locate(ref),
    async login(proof, signal) {
      const send = http(tlsOf(config, proof));
      const { member, expiresAtMs } = await counted("Auth", countCall, () =>
        logIn(login, proof, { call: createCall(server, send), clock }, signal),
      );
      return { call: createCall(server, send, member), expiresAtMs };
    },
    fetch: read,
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
