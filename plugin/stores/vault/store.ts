/** One Vault (or OpenBao) KV engine: logs in and reads through node-vault, one client for each session. */
import { Failure } from "../../core/failure.ts";
import type { Located, Proof, Session, Store, StoreAnswer, StoreDeps } from "../contract.ts";
import { envelope, readSecret } from "./answer.ts";
import { createVaultClient } from "./client.ts";
import type { VaultClient } from "./client.ts";
import type { VaultConfig } from "./config.ts";
import { givenToken, logIn } from "./login.ts";
import { locate, wirePath } from "./path.ts";
import { lookupRefusal, notFound, readRefusal } from "./refusal.ts";

export interface VaultSession extends Session {
  /** Holds the token, as `self` does; nothing else does. */
  readonly client: VaultClient;
  /** For what a token may ask about itself: in the namespace that it comes from. */
  readonly self: VaultClient;
}

export function createVaultStore(
  config: VaultConfig,
  deps: Pick<StoreDeps, "clock" | "http" | "countCall">,
): Store<VaultSession> {
  const { clock, countCall } = deps;
  const send = deps.http(config.ca === undefined ? {} : { ca: config.ca });
  const { login } = config;

  const grant = async (proof: Proof, signal: AbortSignal) =>
    login.method === "token"
      ? givenToken(proof)
      : counted("Login", countCall, () => logIn(config, login, proof, { send, clock }, signal));

  const read = async (located: Located, client: VaultClient, signal: AbortSignal): Promise<StoreAnswer> => {
    const query = located.version === "" ? "" : `?version=${located.version}`;
    const answer = await client.read(wirePath(located.address) + query, signal);
    if (answer.status !== 200) throw readRefusal(answer, located, config, clock);
    const secret = readSecret(envelope(answer), located, config.version, clock);
    if (secret === "gone") throw notFound(located, config);
    return secret;
  };

  const lookUp = async (client: VaultClient, signal: AbortSignal): Promise<void> => {
    const answer = await client.read("auth/token/lookup-self", signal);
    if (answer.status !== 200) throw lookupRefusal(answer, clock);
  };

  return {
    proofNeed: login.proof,
    loginRealm: [config.server, login.namespace, login.method === "token" ? "token" : `auth/${login.mount}`].join(" "),
    locate: (ref) => locate(config, ref),
    async login(proof, signal) {
      const { token, ...end } = await grant(proof, signal);
      const { server, namespace } = config;
      const client = await createVaultClient({ server, namespace, token }, send);
      const isSame = login.namespace === namespace;
      const self = isSame ? client : await createVaultClient({ server, namespace: login.namespace, token }, send);
      const given = login.method === "token" ? ({ given: true } as const) : {};
      return { ...end, ...given, client, self };
    },
    check: (session, signal) => counted("LookupSelf", countCall, () => lookUp(session.self, signal)),
    fetch: (located, session, signal) =>
      counted("ReadSecretData", countCall, () => read(located, session.client, signal)),
  };
}

/** "Not found" is an answer, not a failed call: ESO counts it as a success too. */
async function counted<T>(call: string, count: StoreDeps["countCall"], work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    count(call, "success");
    return result;
  } catch (thrown) {
    const answered = thrown instanceof Failure && /^(ref|version)_not_found$/.test(thrown.code);
    count(call, answered ? "success" : "error");
    throw thrown;
  }
}
