/**
 * One watch, from its opening to its end: the events of the stream, checked and named.
 *
 * Its only time limit is silence: no byte, bookmarks included, for about `silenceMs`. Then the connection may be dead
 * although nobody closed it. It may also be well: where nobody writes a resource, no bookmarks of it come either.
 */
import type { Clock } from "../../core/clock.ts";
import { retryAfterMs } from "../../stores/http-retry-after.ts";
import type { KubeObject } from "../contract.ts";
import { KubeFailure } from "../contract.ts";
import { lost, openAnswer, parsed, readWhole } from "./exchange.ts";
import type { ExchangeDeps, KubeCall } from "./exchange.ts";
import { LineTooLong, wholeLines } from "./lines.ts";
import { refusalOf } from "./refusal.ts";

export type WatchEvent =
  | { readonly type: "opened" }
  | { readonly type: "put" | "gone"; readonly object: KubeObject }
  | { readonly type: "bookmark"; readonly resourceVersion: string };

/** The stream says what no API server says. Asking again from the same place may bring the same again. */
export class BrokenStream extends KubeFailure {}

/** Nothing came for too long: what the connection swallowed is unknown. */
export class SilentWatch extends KubeFailure {}

/**
 * Ends when the server ends it. Rejects with KubeFailure (of an ERROR event: its status, e.g. 410), or with the
 * signal's reason. Leaving it early ends the connection.
 */
export async function* watchOnce(deps: ExchangeDeps, call: KubeCall, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  const silence = createSilence(deps.clock, signal);
  try {
    silence.limit(deps.limits.requestMs, new KubeFailure(`${call.what}: no answer in time`, { status: 0 }));
    const answer = await openAnswer(deps, call, silence.signal);
    if (answer.status !== 200) {
      const body = await readWhole(answer.body, deps.limits.answerBytes);
      const wishMs = retryAfterMs(answer.headers, deps.clock);
      throw refusalOf(call.what, answer.status, body && parsed(body.toString("utf8")), wishMs);
    }
    // Spread, so that quiet watches that began together do not end together.
    const limitMs = deps.limits.silenceMs * (1 - deps.random() / 6);
    silence.limit(limitMs, new SilentWatch(`${call.what}: no sign of life`, { status: 0 }));
    yield { type: "opened" };
    for await (const line of wholeLines(heard(answer.body, silence), deps.limits.eventBytes)) {
      const event = eventOf(call.what, line);
      if (event) yield event;
    }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    if (silence.signal.aborted) throw silence.signal.reason;
    if (thrown instanceof LineTooLong) throw new BrokenStream(`${call.what}: ${thrown.message}`, { status: 0 });
    throw lost(call.what, thrown);
  } finally {
    silence.end();
  }
}

interface Silence {
  /** Aborts with the parent, and with the limit's failure when nothing was heard for so long. */
  readonly signal: AbortSignal;
  limit(ms: number, failure: KubeFailure): void;
  heard(): void;
  end(): void;
}

function createSilence(clock: Clock, parent: AbortSignal): Silence {
  const own = new AbortController();
  const follow = (): void => own.abort(parent.reason);
  let cancel = (): void => undefined;
  let heardAtMs = clock.monotonicMs();
  if (parent.aborted) follow();
  else parent.addEventListener("abort", follow, { once: true });
  // One timer that looks again when it falls due, instead of a new one for each byte.
  const arm = (limitMs: number, delayMs: number, failure: KubeFailure): void => {
    cancel = clock.after(delayMs, () => {
      const leftMs = heardAtMs + limitMs - clock.monotonicMs();
      if (leftMs > 0) arm(limitMs, leftMs, failure);
      else own.abort(failure);
    });
  };
  return {
    signal: own.signal,
    limit(ms, failure) {
      cancel();
      heardAtMs = clock.monotonicMs();
      arm(ms, ms, failure);
    },
    heard() {
      heardAtMs = clock.monotonicMs();
    },
    end() {
      cancel();
      parent.removeEventListener("abort", follow);
    },
  };
}

async function* heard(chunks: AsyncIterable<Uint8Array>, silence: Silence): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    silence.heard();
    yield chunk;
  }
}

interface RawEvent {
  readonly type?: unknown;
  readonly object?: { readonly code?: unknown; readonly metadata?: Partial<KubeObject["metadata"]> } | null;
}

/** Undefined for a type that is not known here. */
function eventOf(what: string, line: string): WatchEvent | undefined {
  const raw = parsed(line) as RawEvent | null | undefined;
  if (typeof raw !== "object" || raw === null) throw broken(what, "a line is not a JSON object");
  const { type, object } = raw;
  if (type === "ERROR") {
    const code = typeof object?.code === "number" && object.code >= 400 ? object.code : 500;
    const failure = refusalOf(what, code, object);
    throw code === 429 ? failure : new BrokenStream(failure.message, failure);
  }
  if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED" && type !== "BOOKMARK") return undefined;
  const resourceVersion = object?.metadata?.resourceVersion;
  if (typeof resourceVersion !== "string" || resourceVersion === "")
    throw broken(what, "an event has no resourceVersion");
  if (type === "BOOKMARK") return { type: "bookmark", resourceVersion };
  if (typeof object?.metadata?.name !== "string") throw broken(what, "an event's object has no name");
  return { type: type === "DELETED" ? "gone" : "put", object: object as KubeObject };
}

function broken(what: string, problem: string): BrokenStream {
  return new BrokenStream(`${what}: ${problem}`, { status: 0 });
}
