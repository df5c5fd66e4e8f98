/** One AWS region's Secrets Manager or Parameter Store: logs in and reads through the SDK, one client for each session. */
import { Failure } from "../../core/failure.ts";
import type { Located, Session, Store, StoreAnswer, StoreDeps } from "../contract.ts";
import { locate } from "./address.ts";
import type { AwsConfig } from "./config.ts";
import { logIn } from "./login.ts";
import { callFor } from "./reads.ts";
import type { ServiceReads } from "./reads.ts";
import { readRefusal } from "./refusal.ts";
import { createRequestHandler } from "./request-handler.ts";
import { called } from "./sdk.ts";

export interface AwsSession extends Session {
  /** Reads as this session's identity, and holds its credentials. */
  readonly reads: ServiceReads;
}

/** Each service's part of the SDK is loaded at the first login: a process without such a store does not pay for it. */
const services = {
  SecretsManager: {
    load: async () => (await import("./secrets-manager.ts")).openReads,
    endpoint: "AWS_SECRETSMANAGER_ENDPOINT",
    label: "AWS/SecretsManager",
  },
  ParameterStore: {
    load: async () => (await import("./parameter-store.ts")).openReads,
    endpoint: "AWS_SSM_ENDPOINT",
    label: "AWS/ParameterStore",
  },
} as const;

export function createAwsStore(
  config: AwsConfig,
  { clock, http, countCall, endpoints = {} }: Pick<StoreDeps, "clock" | "http" | "countCall" | "endpoints">,
): Store<AwsSession> {
  const { service, region, login } = config;
  const { load, endpoint, label } = services[service];
  const send = http({});
  // Shared by all clients: each of them would otherwise keep connections of its own.
  const target = { region, endpoint: endpoints[endpoint], handler: createRequestHandler(send) };
  const loginDeps = { region, send, clock, countCall, endpoint: endpoints["AWS_STS_ENDPOINT"] };

  async function read(located: Located, session: AwsSession, signal: AbortSignal): Promise<StoreAnswer> {
    signal.throwIfAborted();
    const { name, action, run } = callFor(located, session.reads);
    try {
      const refusal = (refused: Parameters<typeof readRefusal>[0]): Failure =>
        readRefusal(refused, located, { action, service }, clock);
      const answer = await called(() => run(located, signal), refusal, signal);
      countCall(name, "success", label);
      return answer;
    } catch (thrown) {
      countCall(name, isAnswer(thrown) ? "success" : "error", label);
      throw thrown;
    }
  }

  return {
    proofNeed: login.proof,
    loginRealm: ["aws", loginDeps.endpoint ?? region, login.method].join(" "),
    locate: (ref) => locate(config, ref),
    async login(proof, signal) {
      const { credentials, expiresAtMs } = await logIn(config, proof, loginDeps, signal);
      const openReads = await load();
      const sendsNothing = login.method === "keys" && config.roles.length === 0;
      return {
        reads: openReads(target, credentials),
        ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
        ...(sendsNothing ? { given: true as const } : {}),
      };
    },
    fetch: read,
  };
}

/** "Not found" is an answer, not a failed call: ESO counts it as a success too. */
function isAnswer(thrown: unknown): boolean {
  return thrown instanceof Failure && /^(ref|version)_not_found$/.test(thrown.code);
}
