/**
 * Answers of stores, kept and shared.
 *
 * Takes nothing but an Access, so nobody is handed what was not allowed and proven for them. A consumer says from when
 * on an answer must have been asked for; whoever asks for the same thing at the same time shares one fetch. "Not found"
 * is remembered for 10 s, a refusal never; an authoritative no removes what was kept.
 */
import type { Clock } from "../core/clock.ts";
import { toFailure } from "../core/failure.ts";
import type { Failure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { StoreAnswer } from "../stores/contract.ts";
import type { Access } from "./access.ts";
import type { Caller } from "./caller.ts";
import { startFlight } from "./flight.ts";
import type { Flight } from "./flight.ts";
import { leaseLifeFrom, lifetimeFrom } from "./lifetime.ts";
import type { Lifetime } from "./lifetime.ts";
import { createWeighedLru } from "./lru.ts";

export interface Answer extends StoreAnswer {
  /** Monotonic milliseconds when the fetch was sent. */
  readonly begunAtMs: number;
  /** Wall clock epoch milliseconds when the answer was complete. */
  readonly fetchedAtMs: number;
  readonly life: Lifetime;
  /** Keyed digest of the value, hex. */
  readonly digest: string;
}

/**
 * One fetch from the store. Calls `begin` each time that it sends the request. `known`: what is kept, too old, and may
 * turn out to be still the answer.
 */
export type Fetch = (
  signal: AbortSignal,
  begin: () => void,
  known: Answer | undefined,
) => Promise<StoreAnswer | "unchanged">;

export interface AnswerCache {
  /** Undefined when nothing kept began late enough. Throws the remembered "not found" where that did. */
  kept(access: Access, acceptBegunFromMs: number): Answer | undefined;
  /** Joins a fetch that began, or will begin, late enough; else starts one. `joined` says which. */
  fetched(access: Access, acceptBegunFromMs: number, ask: Fetch, signal: AbortSignal): Promise<Fetched>;
  /** A leased answer that lives, however old it is. */
  leased(access: Access): Answer | undefined;
  /** The same answer with another end, wall clock epoch milliseconds. */
  renewed(access: Access, answer: Answer, expiresAtMs: number): Answer;
  /** It must not be served any more, nor what is being read in its place; with `answer` only that one. */
  drop(answerKey: string, answer?: Answer): void;
  /** The identity behind these sessions lost its right: what it read goes, what it is reading is not kept. */
  dropSession(sessionKey: string): void;
  /** What stores of this configuration hold may have changed: likewise. */
  dropStore(configHash: string): void;
}

export interface Fetched {
  readonly answer: Answer;
  readonly joined: boolean;
}

export interface AnswerCacheDeps {
  readonly clock: Clock;
  readonly limits: { readonly entries: number; readonly bytes: number };
  readonly digest: (value: SecretValue) => string;
  /** A new answer was kept; `callers` wait for this very fetch. */
  readonly onAnswer: (access: Access, answer: Answer, callers: readonly Caller[]) => void;
  /** The store itself said an authoritative no. */
  readonly onNo: (access: Access, failure: Failure) => void;
}

const absentKeptMs = 10_000;
/** What an entry weighs beside its value, bytes: key, numbers, list links. A round figure. */
const entryBytes = 512;

type Entry = { readonly access: Pick<Access, "answerKey" | "sessionKey">; readonly configHash: string } & (
  { readonly answer: Answer } | { readonly absent: Failure; readonly begunAtMs: number; readonly forgetAtMs: number }
);

interface Running {
  readonly access: Access;
  readonly flight: Flight<Answer>;
  readonly callers: Caller[];
  /** Absent until the request is sent. */
  begunAtMs?: number;
  /** True: whoever waits gets the answer, and nobody after them. */
  outdated: boolean;
}

export function createAnswerCache({ clock, limits, digest, onAnswer, onNo }: AnswerCacheDeps): AnswerCache {
  const entries = createWeighedLru<Entry>({
    ...limits,
    bytesOf: (entry) => entryBytes + ("answer" in entry ? entry.answer.value.byteLength : 0),
  });
  /** Several of one key only where a later one demands a younger answer. */
  const running = new Map<string, readonly Running[]>();
  const runningOf = (key: string): readonly Running[] => running.get(key) ?? [];

  function start(access: Access, ask: Fetch): Running {
    const flight = startFlight((signal) => carryOut(run, ask, signal));
    const run: Running = { access, flight, callers: [], outdated: false };
    running.set(access.answerKey, [...runningOf(access.answerKey), run]);
    return run;
  }

  async function carryOut(run: Running, ask: Fetch, signal: AbortSignal): Promise<Answer> {
    const key = run.access.answerKey;
    const known = comparable(entries.peek(key));
    try {
      const found = await ask(signal, () => (run.begunAtMs = clock.monotonicMs()), known);
      return keep(run, found === "unchanged" ? known! : found);
    } catch (thrown) {
      const failure = toFailure(thrown);
      if (failure.handling.class === "no") forget(run, failure);
      throw failure;
    } finally {
      const others = runningOf(key).filter((other) => other !== run);
      if (others.length > 0) running.set(key, others);
      else running.delete(key);
    }
  }

  /** A lease is a new thing with each read. */
  function comparable(entry: Entry | undefined): Answer | undefined {
    if (!entry || !("answer" in entry)) return undefined;
    const { answer } = entry;
    return clock.monotonicMs() < answer.life.endsAtMs && answer.lease === undefined ? answer : undefined;
  }

  function keep(run: Running, found: StoreAnswer): Answer {
    const { access } = run;
    const begunAtMs = run.begunAtMs ?? clock.monotonicMs();
    const life = (found.lease ? leaseLifeFrom : lifetimeFrom)(clock, found.expiresAtMs);
    const answer = { ...found, begunAtMs, fetchedAtMs: clock.nowMs(), life, digest: digest(found.value) };
    const known = entries.peek(access.answerKey);
    if (!run.outdated && (known === undefined || begunAt(known) <= begunAtMs)) {
      entries.set(access.answerKey, { ...tags(access), answer });
      onAnswer(access, answer, run.callers);
    }
    return answer;
  }

  /** Also what others are reading of this key just now: it was asked for before the no was heard. */
  function forget({ access, begunAtMs }: Running, failure: Failure): void {
    for (const other of runningOf(access.answerKey)) other.outdated = true;
    const nowMs = clock.monotonicMs();
    if (failure.code === "ref_not_found" || failure.code === "version_not_found")
      entries.set(access.answerKey, {
        ...tags(access),
        absent: failure,
        begunAtMs: begunAtMs ?? nowMs,
        forgetAtMs: nowMs + absentKeptMs,
      });
    else entries.delete(access.answerKey);
    onNo(access, failure);
  }

  function outdate(matches: (run: Running) => boolean): void {
    for (const run of running.values().flatMap((runs) => runs)) if (matches(run)) run.outdated = true;
  }

  function drop(matches: (entry: Entry) => boolean): void {
    for (const [key, entry] of entries.entries()) if (matches(entry)) entries.delete(key);
  }

  function holds(answerKey: string, answer: Answer): boolean {
    const entry = entries.peek(answerKey);
    return entry !== undefined && "answer" in entry && entry.answer === answer;
  }

  return {
    kept(access, acceptBegunFromMs) {
      const entry = entries.get(access.answerKey);
      if (!entry || begunAt(entry) < acceptBegunFromMs) return undefined;
      const nowMs = clock.monotonicMs();
      if ("answer" in entry) return nowMs < entry.answer.life.endsAtMs ? entry.answer : undefined;
      if (nowMs < entry.forgetAtMs) throw entry.absent;
      return undefined;
    },
    async fetched(access, acceptBegunFromMs, ask, signal) {
      const shared = runningOf(access.answerKey).find(
        ({ flight, outdated, begunAtMs = Infinity }) => flight.joinable && !outdated && begunAtMs >= acceptBegunFromMs,
      );
      const run = shared ?? start(access, ask);
      run.callers.push(access.grant.caller);
      return { answer: await run.flight.join(signal), joined: shared !== undefined };
    },
    leased({ answerKey }) {
      const entry = entries.get(answerKey);
      if (!entry || !("answer" in entry) || !entry.answer.lease) return undefined;
      return clock.monotonicMs() < entry.answer.life.endsAtMs ? entry.answer : undefined;
    },
    renewed(access, answer, expiresAtMs) {
      const renewed = { ...answer, expiresAtMs, life: leaseLifeFrom(clock, expiresAtMs) };
      if (holds(access.answerKey, answer)) entries.set(access.answerKey, { ...tags(access), answer: renewed });
      return renewed;
    },
    drop(answerKey, answer) {
      if (answer && !holds(answerKey, answer)) return;
      entries.delete(answerKey);
      if (!answer) outdate((run) => run.access.answerKey === answerKey);
    },
    dropSession(sessionKey) {
      outdate((run) => run.access.sessionKey === sessionKey);
      drop((entry) => entry.access.sessionKey === sessionKey);
    },
    dropStore(configHash) {
      outdate((run) => run.access.grant.store.configHash === configHash);
      drop((entry) => entry.configHash === configHash);
    },
  };
}

function begunAt(entry: Entry): number {
  return "answer" in entry ? entry.answer.begunAtMs : entry.begunAtMs;
}

/** An entry outlives its read, so it keeps no proof. */
function tags({ answerKey, sessionKey, grant }: Access): Pick<Entry, "access" | "configHash"> {
  return { access: { answerKey, sessionKey }, configHash: grant.store.configHash };
}
