/** One project's secrets, or those of one region in it: logs in, and reads through Google's client. */
import type { SecretValue } from "../../core/secret-value.ts";
import type { Located, Session, Store, StoreAnswer, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import { locate, locateFind, locationIn, metadataArgument, parameterLocation, parentOf } from "./address.ts";
import type { GcpConfig } from "./config.ts";
import { logIn } from "./login.ts";
import { renderParameter } from "./parameters.ts";
import { listSecrets, newestEnabled, readMetadata, readVersion } from "./reads.ts";
import type { MakeCall } from "./reads.ts";
import { readRefusal } from "./refusal.ts";
import { Refused } from "./refused.ts";

export interface GcpSession extends Session {
  /** The header that shows the access token. */
  readonly authorization: SecretValue;
}

type GcpDeps = Pick<StoreDeps, "clock" | "http" | "machineHttp" | "countCall" | "endpoints">;

export function createGcpStore(config: GcpConfig, deps: GcpDeps): Store<GcpSession> {
  const { clock, http, countCall, endpoints = {} } = deps;
  const send = http({});
  const loginDeps = { send, machineSend: deps.machineHttp ?? send, clock, countCall, endpoints };
  const given = endpoints["CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER"];

  function callsOf(
    session: GcpSession,
    location: string | undefined,
    signal: AbortSignal,
    onRefused: (refused: Refused) => void = () => undefined,
  ): MakeCall {
    const endpoint = given ?? endpointIn(location);
    return async (call, work) => {
      // Loaded with the first read: a process without such a store does not pay for Google's client.
      const { callSecretManager } = await import("./sdk.ts");
      return counted(call.name, countCall, async () => {
        try {
          return await callSecretManager({ send, authorization: session.authorization, endpoint }, work, signal);
        } catch (thrown) {
          if (!(thrown instanceof Refused)) throw thrown;
          onRefused(thrown);
          throw readRefusal(thrown, call, clock);
        }
      });
    };
  }

  async function read(located: Located, session: GcpSession, signal: AbortSignal): Promise<StoreAnswer> {
    if (parameterLocation(located.address) !== undefined) {
      const { authorization } = session;
      return renderParameter(located, { send, authorization, clock, countCall, endpoints }, signal);
    }
    let isWithdrawn = false;
    const make = callsOf(session, locationIn(located.address), signal, (refused) => {
      isWithdrawn = refused.isWithdrawn;
    });
    if (located.arguments === metadataArgument) return readMetadata(located, make);
    try {
      return await readVersion(located, make);
    } catch (thrown) {
      if (!isWithdrawn || !config.orNewestEnabled || located.version !== "") throw thrown;
      const version = await newestEnabled(located, make);
      if (version === undefined) throw thrown;
      return readVersion({ address: located.address, version }, make);
    }
  }

  return {
    proofNeed: config.login.proof,
    loginRealm: ["gcp", config.login.method, realmOf(config)].join(" "),
    locate: (ref) => locate(config, ref),
    login: (proof, signal) => logIn(config.login, proof, loginDeps, signal),
    fetch: read,
    find: {
      by: ["path", "name", "tags"],
      locate: (wish) => locateFind(config, wish),
      list: (wish, session, signal) => listSecrets(parentOf(config), wish, callsOf(session, config.location, signal)),
    },
  };
}

function endpointIn(location: string | undefined): string {
  return location === undefined
    ? "https://secretmanager.googleapis.com"
    : `https://secretmanager.${location}.rep.googleapis.com`;
}

/** Identities that go through one pool can be compared with each other. */
function realmOf({ login }: GcpConfig): string {
  switch (login.method) {
    case "workloadIdentity":
      return JSON.stringify(login.cluster);
    case "federation":
      return login.audience;
    case "externalAccount":
      return login.audience ?? "";
    case "key":
    case "metadata":
      return "";
  }
}
