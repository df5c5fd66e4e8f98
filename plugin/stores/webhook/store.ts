/** One HTTP API: renders the store's templates for a ref, sends one request and takes the value out of the answer. */
import { withDeadline } from "../../core/deadline.ts";
import { Failure } from "../../core/failure.ts";
import { caOfProof } from "../ca-bundle.ts";
import type { Located, Proof, ProofNeed, SecretKeyRef, Session, Store, StoreAnswer, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import type { HttpAnswer, HttpSend } from "../http.ts";
import { requestIdOf } from "../request-id.ts";
import { argumentsOf, locate } from "./address.ts";
import type { WebhookConfig } from "./config.ts";
import { refusal } from "./refusal.ts";
import { createComposer } from "./request.ts";
import type { Compose } from "./request.ts";
import { valueOf } from "./result.ts";
import { proofName, secretVariables } from "./variables.ts";
import type { SecretVariables } from "./variables.ts";

export interface WebhookSession extends Session {
  readonly namespace: string;
  readonly secrets: SecretVariables;
  readonly send: HttpSend;
  readonly compose: Compose;
}

export function createWebhookStore(
  config: WebhookConfig,
  deps: Pick<StoreDeps, "clock" | "http" | "countCall">,
): Store<WebhookSession> {
  const { clock, http, countCall } = deps;
  const need = proofNeedOf(config);
  let composer: Promise<Compose> | undefined;
  /** Kept for all sessions; what could not be loaded is tried again. */
  const compose = (): Promise<Compose> =>
    (composer ??= loadComposer(config, clock).catch((thrown: unknown) => {
      composer = undefined;
      throw thrown;
    }));

  async function read(located: Located, session: WebhookSession, signal: AbortSignal): Promise<StoreAnswer> {
    const { property = "", members = false } = argumentsOf(located);
    const { address: key, version } = located;
    const { namespace, secrets, send } = session;
    const { request, taking } = await session.compose({ key, version, property, namespace }, secrets, signal);
    const answer = await within(config.timeoutMs, signal, (bounded) => send(request, bounded));
    if (answer.status < 200 || answer.status > 299 || answer.status === 204) throw refusal(answer, located, clock);
    return { value: valueOf(answer.body, taking, members), version: "", ...requestIdOf(answer.headers) };
  }

  function within(
    limitMs: number | undefined,
    signal: AbortSignal,
    work: (bounded: AbortSignal) => Promise<HttpAnswer>,
  ): Promise<HttpAnswer> {
    return limitMs === undefined ? work(signal) : withDeadline(signal, limitMs, clock, "the webhook", work);
  }

  return {
    proofNeed: need,
    loginRealm: `webhook ${config.origin}`,
    locate: (ref) => locate(config.method, ref),
    async login(proof, signal, { namespace }) {
      signal.throwIfAborted();
      return {
        given: true,
        namespace,
        secrets: secretVariables(config, proof),
        send: http(tlsOf(config, proof)),
        compose: await compose(),
      };
    },
    fetch: (located, session, signal) => counted("HTTPRequest", countCall, () => read(located, session, signal)),
  };
}

async function loadComposer(config: WebhookConfig, clock: StoreDeps["clock"]): Promise<Compose> {
  const [templates, paths] = await Promise.all([import("./engine.ts"), import("./json-path.ts")]);
  return createComposer(config, { ...templates, ...paths }, clock);
}

function proofNeedOf({ secrets, ca }: WebhookConfig): ProofNeed {
  const refs: Record<string, SecretKeyRef> = Object.fromEntries(secrets.map(({ ref }, i) => [proofName(i), ref]));
  if (ca.ref) refs["ca"] = ca.ref;
  if (Object.keys(refs).length === 0) return { kind: "none" };
  const anonymous = secrets.length === 0 ? ({ anonymous: true } as const) : {};
  return { kind: "static", method: "webhook", secrets: refs, ...anonymous };
}

function tlsOf({ ca }: WebhookConfig, proof: Proof): { ca?: string } {
  if (!ca.ref) return ca.pem === undefined ? {} : { ca: ca.pem };
  const shown = proof.kind === "static" ? proof.secrets["ca"] : undefined;
  if (!shown) throw new Failure("internal", "the proof for the webhook lacks its CA");
  return { ca: caOfProof(shown, ca.ref) };
}
