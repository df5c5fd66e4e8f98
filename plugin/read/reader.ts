/**
 * The read path: the only way from a consumer to a value.
 *
 * resolve → authorize → prove (admit.ts) → kept or shared or fetched answers, and those that listings lead to
 * (obtain-all.ts) → decode, rewrite, bundle (gather.ts) → template (templating.ts) → audit → release. All entries of a
 * request run together under one deadline; if one fails the read fails, unless every failure is an outage and an earlier
 * result of the whole request can stand in.
 */
import type { Clock } from "../core/clock.ts";
import { joinUnderSignal, withDeadline } from "../core/deadline.ts";
import { Failure, ReadFailure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { Audit } from "../observe/audit.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Access } from "./access.ts";
import { admit } from "./admit.ts";
import type { AdmitDeps, Admitted } from "./admit.ts";
import { auditLines } from "./audit-lines.ts";
import type { Answer } from "./cache.ts";
import type { ConsumerRegister } from "./consumers.ts";
import { gather } from "./gather.ts";
import type { EntryFailure, Outcomes } from "./gather.ts";
import { tagOf } from "./last-good.ts";
import type { AllowedEntry, LastGood, Result } from "./last-good.ts";
import type { Leases } from "./leases.ts";
import { foundParts, obtainAll } from "./obtain-all.ts";
import type { ObtainAllDeps } from "./obtain-all.ts";
import { startRendering } from "./rendering.ts";
import type { LoadRenderer } from "./rendering.ts";
import type { Reader, ReadRequest, ReadTerms, SecretBundle } from "./request.ts";
import { rewriteKeys } from "./rewrite.ts";
import type { Templating } from "./templating.ts";

export interface ReaderDeps extends ObtainAllDeps {
  readonly clock: Clock;
  readonly leases: Pick<Leases, "kept" | "used" | "settle">;
  readonly admission: AdmitDeps;
  readonly lastGood: LastGood;
  readonly consumers: ConsumerRegister;
  readonly templating: Templating;
  /** Keyed digest of a value, hex: see cache.ts. */
  readonly digest: (value: SecretValue) => string;
  readonly loadRenderer: LoadRenderer;
  readonly audit: Audit;
  readonly metrics: Pick<Metrics, "cacheAnswer">;
}

export function createReader(deps: ReaderDeps): Reader {
  const { clock, lastGood } = deps;

  async function read(request: ReadRequest, terms: ReadTerms, signal: AbortSignal): Promise<SecretBundle> {
    const deadlineMs = clock.monotonicMs() + terms.limitMs;
    return withDeadline(signal, terms.limitMs, clock, "this read", async (bounded) => {
      const rendering = startRendering(deps.loadRenderer);
      const facts = { request, caller: terms.caller, rendering };
      const prepared = await asRead(deps.templating.prepare(request, terms, bounded));
      const shaped = async (result: Result, until: AbortSignal): Promise<Result> => {
        if (!prepared) return result;
        return { ...result, bundle: await asRead(deps.templating.make(prepared, result, facts, until)) };
      };
      const admitted = await admit(request, terms, deps.admission, bounded);
      const allowed = allAllowed(admitted);
      const standIn = (): Result | undefined => allowed && lastGood.get(allowed, terms.maxStaleMs);
      const patience = { deadlineMs, hasStandIn: () => standIn() !== undefined };

      const obtained = await obtainAll(admitted, terms, patience, deps, bounded);
      signal.throwIfAborted();
      const { outcomes, finds } = obtained;
      const { result, failures } = await gather(admitted, outcomes, finds, (entry, steps, opened) =>
        rewriteKeys(entry, steps, opened, rendering, bounded),
      );
      if (failures.length === 0) {
        if (terms.caller.kind === "ExternalSecret") deps.leases.settle(terms.caller, obtained.accesses);
        lastGood.put(allowed!, result, answersIn(outcomes), foundParts(allowed!, obtained));
        return release(await shaped(result, bounded), terms, deps, bounded);
      }

      const failure = asReadFailure(failures);
      stick(failures, lastGood);
      const earlier = failure.handling.class === "unavailable" ? standIn() : undefined;
      if (!earlier) throw failure;
      // The deadline may be what failed the read; the audit of what stands in is local and ends by itself.
      return release(await shaped(asStale(earlier, failure), signal), terms, deps, signal);
    });
  }

  return { read };
}

/** What goes wrong with a template is a failure of the read, told with its field. */
async function asRead<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw thrown instanceof Failure ? new ReadFailure([thrown]) : thrown;
  }
}

/** Undefined when any entry was refused or failed on the way. */
function allAllowed(admitted: readonly Admitted[]): readonly AllowedEntry[] | undefined {
  const allowed = admitted.flatMap(({ entry, access, reach }) =>
    access ? [{ entry, access, ...(reach && { reach }) }] : [],
  );
  return allowed.length === admitted.length ? allowed : undefined;
}

function answersIn(outcomes: Outcomes): (access: Access) => Answer | undefined {
  return ({ partKey }) => {
    const outcome = outcomes.get(partKey);
    return outcome instanceof Failure ? undefined : outcome?.answer;
  };
}

function asReadFailure([first, ...others]: readonly EntryFailure[]): ReadFailure {
  return new ReadFailure([first!.failure, ...others.map(({ failure }) => failure)]);
}

/** A property that is gone is gone for good; what a store itself denies was noted where it was heard. */
function stick(failures: readonly EntryFailure[], lastGood: LastGood): void {
  for (const { entry, access, failure } of failures)
    if (access && failure.code === "property_not_found" && "ref" in entry)
      lastGood.refuse(tagOf.property(access.answerKey, entry.property));
}

function asStale({ bundle, parts }: Result, { code, message }: Failure): Result {
  const sinceMs = Math.min(...bundle.sources.map((source) => source.fetchedAtMs));
  const sources = bundle.sources.map((source) => ({ ...source, cache: "stale" as const }));
  return { bundle: { ...bundle, sources, stale: { sinceMs, code, message } }, parts };
}

/** Nothing leaves without its audit lines. */
async function release(result: Result, terms: ReadTerms, deps: ReaderDeps, signal: AbortSignal): Promise<SecretBundle> {
  const lines = auditLines(result, terms, deps.clock.monotonicMs());
  try {
    if (lines.length > 0) await joinUnderSignal(deps.audit.record(lines), signal);
  } catch (thrown) {
    throw new ReadFailure([auditFailure(thrown)]);
  }
  for (const { cache } of result.bundle.sources) deps.metrics.cacheAnswer(cache);
  return result.bundle;
}

function auditFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure && thrown.code === "audit_unavailable") return thrown;
  return new Failure(
    "audit_unavailable",
    "the audit lines of this read could not be written, so no value was released",
    {
      cause: thrown,
    },
  );
}
