/** One Vault (or OpenBao) engine: logs in and reads through node-vault, one client for each session. */
import { Failure } from "../../core/failure.ts";
import type { GeneratorCall } from "../../manifests/objects.ts";
import type { Located, Proof, Store, StoreAnswer, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import { apiAnswer, dataOf, isApiRead, locateApi, queryOf } from "./api-read.ts";
import { envelope, metadataAnswer, readSecret } from "./answer.ts";
import { callAnswer, callOf, locateCall, makeCall, writes } from "./call.ts";
import { createVaultClient } from "./client.ts";
import type { WritesSeen } from "./client.ts";
import type { VaultConfig } from "./config.ts";
import { headersOf, tlsOf } from "./connection.ts";
import { createFind } from "./find.ts";
import { endingWith, leaseCalls } from "./leases.ts";
import { givenToken, logIn } from "./login.ts";
import { isMetadata, locate, ownRead, wirePath } from "./path.ts";
import { lookupRefusal, notFound, readRefusal } from "./refusal.ts";
import { openSession, renewSession } from "./session.ts";
import type { VaultSession } from "./session.ts";

export function createVaultStore(
  config: VaultConfig,
  { clock, http, countCall, endpoints = {} }: Pick<StoreDeps, "clock" | "http" | "countCall" | "endpoints">,
): Store<VaultSession> {
  const { server, login } = config;
  const leases = leaseCalls(clock);
  const loginDeps = { clock, countCall, sendToSts: http({}), stsEndpoint: endpoints["AWS_STS_ENDPOINT"] };

  async function open(proof: Proof, signal: AbortSignal): Promise<VaultSession> {
    const send = http(tlsOf(config, proof));
    const writes: { writes?: WritesSeen } = config.readYourWrites ? { writes: {} } : {};
    const connection = { headers: headersOf(config, proof), ...writes };
    if (login.method === "token") return openSession(config, givenToken(proof), connection, send);
    const client = await createVaultClient({ server, namespace: login.namespace, ...connection }, send);
    const granted = await counted("Login", countCall, () => logIn(login, proof, client, loginDeps, signal));
    return openSession(config, granted, connection, send);
  }

  async function read(located: Located, session: VaultSession, signal: AbortSignal): Promise<StoreAnswer> {
    const ofApi = isApiRead(located);
    const query = ofApi ? queryOf(located) : located.version === "" ? "" : `?version=${located.version}`;
    const answer = await session.client.read(wirePath(located.address) + query, signal);
    if (answer.status !== 200) throw readRefusal(answer, located, config, clock);
    const document = envelope(answer);
    if (isMetadata(located)) return metadataAnswer(document);
    const secret = ofApi ? apiAnswer(document, clock) : readSecret(document, located, config.version, clock);
    if (secret === "gone") throw notFound(located, config);
    if (secret.lease && located.method !== ownRead) return refuseLease(located, secret, session, signal);
    return endingWith(session, secret);
  }

  async function generate(
    located: Located,
    wish: GeneratorCall,
    session: VaultSession,
    signal: AbortSignal,
  ): Promise<StoreAnswer> {
    const answer = await makeCall(located, wish, session.client, signal);
    return endingWith(session, callAnswer(answer, located, wish, config, clock));
  }

  /** It was made for one reader and would be handed to several. */
  async function refuseLease(
    { address }: Located,
    { lease }: StoreAnswer,
    session: VaultSession,
    signal: AbortSignal,
  ): Promise<never> {
    await leases.revoke(lease!, session, signal).catch(() => undefined);
    throw new Failure(
      "store_invalid",
      `the engine at "${address}" makes a new credential for each read, so it is no KV engine: remove the store's path and name the mount in the key`,
    );
  }

  async function lookUp({ self }: VaultSession, signal: AbortSignal): Promise<void> {
    const answer = await self.read("auth/token/lookup-self", signal);
    if (answer.status !== 200) throw lookupRefusal(answer, clock);
  }

  return {
    proofNeed: login.proof,
    loginRealm: [server, login.namespace, login.method === "token" ? "token" : `auth/${login.mount}`].join(" "),
    locate: (ref) => (ref.form === undefined ? locate(config, ref) : locateApi(ref)),
    part: dataOf,
    locateCall,
    login: open,
    check: (session, signal) => counted("LookupSelf", countCall, () => lookUp(session, signal)),
    fetch(located, session, signal) {
      const wish = callOf(located);
      const call = wish && writes(wish) ? "WriteSecretData" : "ReadSecretData";
      return counted(call, countCall, () =>
        wish ? generate(located, wish, session, signal) : read(located, session, signal),
      );
    },
    renew: (session, signal) => renewSession(session, clock, signal),
    find: createFind(config, { clock, countCall }),
    leases: {
      renew: (lease, session, signal) => counted("RenewLease", countCall, () => leases.renew(lease, session, signal)),
      revoke: (lease, session, signal) =>
        counted("RevokeLease", countCall, () => leases.revoke(lease, session, signal)),
    },
  };
}
