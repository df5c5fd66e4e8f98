/**
 * One request to the API server and its whole answer: proof attached, deadlines kept, repeated when that is safe.
 *
 * Repeated are: any request that was answered with 429, or with 5xx and a Retry-After (the API server sends it when it
 * did nothing); any that cannot have arrived; and reads after a lost or late answer or another 5xx.
 */
import type { Clock } from "../../core/clock.ts";
import { joinUnderSignal, pause, withDeadline } from "../../core/deadline.ts";
import { Failure, toFailure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { retryAfterMs } from "../../stores/http-retry-after.ts";
import { KubeFailure } from "../contract.ts";
import type { KubeHttp, KubeHttpAnswer, KubeHttpRequest } from "../http.ts";
import { KubeHttpProblem } from "../http.ts";
import type { KubeConnection, KubeCredentials } from "./connection.ts";
import type { KubeLimits } from "./limits.ts";
import { refusalOf } from "./refusal.ts";

export interface ExchangeDeps {
  readonly http: KubeHttp;
  readonly connection: KubeConnection;
  readonly clock: Clock;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly limits: KubeLimits;
  /** E.g. `keyferry/1.2.3`. */
  readonly userAgent: string;
}

export interface KubeCall {
  readonly method: KubeHttpRequest["method"];
  /** With its query. */
  readonly path: string;
  /** For messages: verb, resource and name, e.g. `get secrets shop/db`. */
  readonly what: string;
  /** JSON to be. */
  readonly body?: unknown;
  /** `application/json` unless given. */
  readonly contentType?: string;
  /** One attempt may take as long as the whole request. */
  readonly large?: boolean;
}

const attempts = 4;
const firstPauseMs = 250;
const longestWaitMs = 30_000;

/** Opens an answer; its status may be any. The token is looked up anew once when it is refused. */
export async function openAnswer(deps: ExchangeDeps, call: KubeCall, signal: AbortSignal): Promise<KubeHttpAnswer> {
  const credentials = await joinUnderSignal(deps.connection.credentials(), signal);
  const answer = await deps.http(requestOf(deps, call, credentials), signal);
  if (answer.status !== 401) return answer;
  const renewed = await joinUnderSignal(deps.connection.credentials(credentials), signal);
  if (renewed === credentials) return answer;
  await readWhole(answer.body, deps.limits.answerBytes);
  return deps.http(requestOf(deps, call, renewed), signal);
}

function requestOf(deps: ExchangeDeps, call: KubeCall, { tls, authorization }: KubeCredentials): KubeHttpRequest {
  const url = new URL(deps.connection.server);
  const [path = "", query = ""] = call.path.split("?", 2);
  // Member by member, so that no path can name another host.
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  url.search = query;
  const body = call.body === undefined ? undefined : SecretValue.fromText(JSON.stringify(call.body));
  return {
    method: call.method,
    url,
    tls,
    headers: {
      // The token keys have a type of their own, and whoever does not take it gets 406.
      accept: "application/json, */*",
      "user-agent": deps.userAgent,
      ...(authorization ? { authorization } : {}),
      ...(body ? { "content-type": call.contentType ?? "application/json" } : {}),
    },
    ...(body ? { body } : {}),
  };
}

/** The parsed body of a 2xx. Rejects with KubeFailure, or with the signal's reason. */
export async function exchange(deps: ExchangeDeps, call: KubeCall, signal: AbortSignal): Promise<unknown> {
  const { clock, limits, random } = deps;
  const endMs = clock.monotonicMs() + limits.requestMs;
  for (let attempt = 1; ; attempt++) {
    const leftMs = endMs - clock.monotonicMs();
    const outcome = await attemptOnce(deps, call, Math.min(leftMs, call.large ? leftMs : limits.attemptMs), signal);
    if ("document" in outcome) return outcome.document;
    const backoffMs = firstPauseMs * 2 ** (attempt - 1) * (1 + random());
    const waitMs = Math.min(outcome.failure.retryAfterMs || backoffMs, longestWaitMs);
    const inTime = clock.monotonicMs() + waitMs < endMs;
    if (!outcome.repeatable || attempt === attempts || !inTime) throw outcome.failure;
    await pause(clock, waitMs, signal);
  }
}

type Outcome = { readonly document: unknown } | { readonly failure: KubeFailure; readonly repeatable: boolean };

async function attemptOnce(deps: ExchangeDeps, call: KubeCall, limitMs: number, signal: AbortSignal): Promise<Outcome> {
  const isRead = call.method === "GET";
  try {
    return await withDeadline(signal, limitMs, deps.clock, call.what, async (own) => {
      const answer = await openAnswer(deps, call, own);
      const body = await readWhole(answer.body, deps.limits.answerBytes);
      if (body === undefined) return { failure: tooMuch(call.what, deps.limits.answerBytes), repeatable: false };
      const document = parsed(body.toString("utf8"));
      if (answer.status >= 200 && answer.status <= 299)
        return document === undefined ? { failure: notJson(call.what), repeatable: isRead } : { document };
      const failure = refusalOf(call.what, answer.status, document, retryAfterMs(answer.headers, deps.clock));
      const announced = answer.status >= 500 && failure.retryAfterMs !== undefined;
      return { failure, repeatable: answer.status === 429 || announced || (isRead && answer.status >= 500) };
    });
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    return { failure: lost(call.what, thrown), repeatable: isRead || didNotArrive(thrown) };
  }
}

function didNotArrive(thrown: unknown): boolean {
  return thrown instanceof KubeHttpProblem && !thrown.maybeArrived;
}

/** What was thrown instead of an answer, as a KubeFailure. */
export function lost(what: string, thrown: unknown): KubeFailure {
  if (thrown instanceof KubeFailure) return thrown;
  if (thrown instanceof KubeHttpProblem) return new KubeFailure(`${what}: ${thrown.message}`, { status: 0 });
  const late = thrown instanceof Failure && thrown.code === "store_timeout";
  const text = late ? "no answer from the API server in time" : toFailure(thrown).message;
  return new KubeFailure(`${what}: ${text}`, { status: 0 });
}

/** The answer was larger than allowed; lists are asked again in smaller pages. */
export class AnswerTooLarge extends KubeFailure {}

function tooMuch(what: string, limitBytes: number): KubeFailure {
  return new AnswerTooLarge(`${what}: the answer is larger than ${limitBytes} bytes`, { status: 0 });
}

function notJson(what: string): KubeFailure {
  return new KubeFailure(`${what}: the answer is not JSON; is it the API server that answers?`, { status: 0 });
}

/** Undefined when there is more than `limitBytes`. */
export async function readWhole(body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Buffer | undefined> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > limitBytes) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}

/** Undefined when it is not JSON. V8 quotes the text in its error, so that error goes nowhere. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
