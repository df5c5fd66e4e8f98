/**
 * A Reader whose store is a map, on the fake clock. It behaves as the read path does towards sync: answers are shared
 * by all consumers, an answer that is young enough is not fetched again, last-good stands in for a store that is down,
 * and a fetch that brings another version makes the other consumers due.
 */
import { Failure, ReadFailure, type FailureCode } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { ExternalSecretCaller } from "../../plugin/read/caller.ts";
import type { ConsumerDue, Consumers } from "../../plugin/read/consumers.ts";
import type {
  BundleValue,
  Reader,
  ReadRequest,
  ReadTerms,
  RefEntry,
  SecretBundle,
  Source,
  TemplatePlan,
} from "../../plugin/read/request.ts";
import type { Address } from "../../plugin/stores/contract.ts";
import type { FakeClock } from "../fakes/clock.ts";

interface Cached {
  readonly source: Source;
  readonly secret: Readonly<Record<string, string>>;
}

const consumerId = ({ namespace, name }: ExternalSecretCaller): string => `${namespace}/${name}`;

export class ScriptedReader implements Reader, Consumers {
  /** Remote key → its properties. A key that is not there is `ref_not_found`. */
  readonly secrets = new Map<string, Readonly<Record<string, string>>>();
  /** Remote keys in the order in which they were fetched. */
  readonly fetched: string[] = [];
  readonly terms: ReadTerms[] = [];
  /** Remote keys whose answers are leased: each is fetched once. */
  readonly leased = new Set<string>();
  /** Every read fails with this. */
  refusal: FailureCode | undefined;
  retryAfterMs: number | undefined;
  /** Awaited before each answer. */
  gate: (signal: AbortSignal) => Promise<void> = async () => undefined;
  readonly #clock: FakeClock;
  readonly #cache = new Map<string, Cached>();
  readonly #lastGood = new Map<string, SecretBundle>();
  readonly #readers = new Map<string, Map<string, ExternalSecretCaller>>();
  readonly #listeners = new Set<(due: ConsumerDue) => void>();
  readonly forgotten: string[] = [];
  readonly released: string[] = [];

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async read(request: ReadRequest, terms: ReadTerms, signal: AbortSignal): Promise<SecretBundle> {
    this.terms.push(terms);
    const caller = terms.caller as ExternalSecretCaller;
    await this.gate(signal);
    const requestId = `${consumerId(caller)} ${JSON.stringify(request)}`;
    try {
      const bundle = templated(this.#assemble(request.entries as readonly RefEntry[], terms, caller), request.template);
      this.#lastGood.set(requestId, bundle);
      return bundle;
    } catch (failure) {
      return this.#stale(requestId, failure as ReadFailure, terms);
    }
  }

  onDue(listener: (due: ConsumerDue) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  forget(consumer: ExternalSecretCaller): void {
    this.forgotten.push(consumerId(consumer));
    for (const readers of this.#readers.values()) readers.delete(consumerId(consumer));
  }

  release(consumer: ExternalSecretCaller): void {
    this.released.push(`${consumerId(consumer)} ${consumer.uid}`);
    for (const readers of this.#readers.values()) readers.delete(consumerId(consumer));
  }

  /** The store reports a change of something that this consumer reads. */
  tell(consumer: ExternalSecretCaller): void {
    for (const tell of this.#listeners) tell({ consumer, acceptBegunFromMs: this.#clock.monotonicMs() });
  }

  /** What a restart of the process leaves: nothing. */
  restarted(): ScriptedReader {
    const next = new ScriptedReader(this.#clock);
    for (const [key, secret] of this.secrets) next.secrets.set(key, secret);
    next.refusal = this.refusal;
    return next;
  }

  #stale(requestId: string, failure: ReadFailure, terms: ReadTerms): SecretBundle {
    if (failure.handling.class === "no") this.#lastGood.delete(requestId);
    const lastGood = this.#lastGood.get(requestId);
    const sinceMs = lastGood?.sources[0]?.fetchedAtMs ?? 0;
    const tooOld = this.#clock.nowMs() - sinceMs > terms.maxStaleMs;
    if (failure.handling.class !== "unavailable" || !lastGood || tooOld) throw failure;
    return { ...lastGood, stale: { sinceMs, code: failure.code, message: failure.message } };
  }

  #assemble(entries: readonly RefEntry[], terms: ReadTerms, caller: ExternalSecretCaller): SecretBundle {
    const values = new Map<string, { value: SecretValue; source: number; field: string }>();
    const sources: Source[] = [];
    const missing: { field: string; key: string }[] = [];
    const failures: Failure[] = [];
    for (const entry of entries) {
      const answer = this.#answer(entry, terms, caller);
      if (answer === undefined && entry.optional) missing.push({ field: entry.field, key: entry.ref.key });
      else if (answer === undefined)
        failures.push(new Failure("ref_not_found", `${entry.ref.key} is not there`, { field: entry.field }));
      else if (answer instanceof Failure) failures.push(answer);
      else {
        for (const [name, text] of valuesOf(entry, answer.secret))
          values.set(name, { value: SecretValue.fromText(text), source: sources.length, field: entry.field });
        sources.push(answer.source);
      }
    }
    const [first, ...rest] = failures;
    if (first) throw new ReadFailure([first, ...rest]);
    return { values, sources, missing };
  }

  #answer(entry: RefEntry, terms: ReadTerms, caller: ExternalSecretCaller): Cached | Failure | undefined {
    const { key } = entry.ref;
    const readers = this.#readers.get(key) ?? new Map<string, ExternalSecretCaller>();
    this.#readers.set(key, readers.set(consumerId(caller), caller));
    const cached = this.#cache.get(key);
    if (cached && (cached.source.leased || cached.source.begunAtMs >= terms.acceptBegunFromMs))
      return { ...cached, source: { ...cached.source, cache: "hit" } };
    if (this.refusal !== undefined) {
      const wait = this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs };
      return new Failure(this.refusal, "the store said so", { field: entry.field, ...wait });
    }
    this.fetched.push(key);
    const secret = this.secrets.get(key);
    if (secret === undefined) return undefined;
    const fresh = { secret, source: this.#sourceOf(entry, JSON.stringify(secret)) };
    this.#cache.set(key, fresh);
    if (cached && cached.source.version !== fresh.source.version) this.#tellOthers(readers, caller, fresh.source);
    return fresh;
  }

  #sourceOf(entry: RefEntry, version: string): Source {
    return {
      store: entry.store,
      storeNamespace: entry.store.kind === "SecretStore" ? "shop" : "",
      storeKindName: "fake",
      address: entry.ref.key as Address,
      version,
      begunAtMs: this.#clock.monotonicMs(),
      fetchedAtMs: this.#clock.nowMs(),
      ...(this.leased.has(entry.ref.key) ? { leased: true } : {}),
      cache: "miss",
    };
  }

  #tellOthers(
    readers: ReadonlyMap<string, ExternalSecretCaller>,
    caller: ExternalSecretCaller,
    { begunAtMs }: Source,
  ): void {
    for (const [id, consumer] of readers)
      if (id !== consumerId(caller))
        for (const tell of this.#listeners) tell({ consumer, acceptBegunFromMs: begunAtMs });
  }
}

/** `{{ .key }}` is the value of that key; nothing else of a template is understood. */
function templated(bundle: SecretBundle, plan: TemplatePlan | undefined): SecretBundle {
  if (!plan || bundle.values.size === 0) return bundle;
  const { labels, annotations, data, mergePolicy, templateFrom } = plan.template;
  const rendered = (part: string, texts: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [
        name,
        text.replace(/\{\{ \.(\w+) \}\}/g, (_, key: string) => {
          const found = bundle.values.get(key)?.value.reveal().toString();
          if (found !== undefined) return found;
          const failure = new Failure("template_failed", `no ${key}`, { field: `${plan.field}.${part}[${name}]` });
          throw new ReadFailure([failure]);
        }),
      ]),
    );
  const isWhole = mergePolicy === "Merge" || (Object.keys(data).length === 0 && templateFrom.length === 0);
  const values = new Map<string, BundleValue>(isWhole ? bundle.values : []);
  for (const [name, text] of Object.entries(rendered("data", data)))
    values.set(name, { value: SecretValue.fromText(text), field: plan.field });
  const metadata = { labels: rendered("labels", labels), annotations: rendered("annotations", annotations) };
  return { ...bundle, values, metadata };
}

function valuesOf(entry: RefEntry, secret: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  if (entry.take.as === "map") return Object.entries(secret);
  return [[entry.take.name, entry.property === undefined ? JSON.stringify(secret) : (secret[entry.property] ?? "")]];
}
