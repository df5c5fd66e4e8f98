/**
 * The `keyferry.dev/*` annotations of an ExternalSecret, as sync understands them.
 *
 * None is ignored: one that is misspelt, wrongly valued or not built yet is a problem that stops the object.
 * They never reach the Secret.
 */
import { parseGoDuration } from "../core/duration.ts";
import { nearestName } from "../core/names.ts";
import type { ExternalSecret, ObjectMeta, Parsed, Problem } from "../manifests/objects.ts";
import { optionalKeysOf } from "../read/request-of.ts";

export const ownPrefix = "keyferry.dev/";

export type Adopt = "Replace" | "Merge" | "Refuse";

export interface SyncOptions {
  /** What to do with a Secret that already exists and was never written by an ExternalSecret. */
  readonly adopt: Adopt;
  /** End of the pause, wall clock epoch milliseconds; absent when nothing is paused. */
  readonly pausedUntilMs?: number;
  /** Drift of an Orphan is repaired too. */
  readonly repair: boolean;
  readonly allowMassDelete: boolean;
  /** Absent = the process's --max-stale. */
  readonly maxStaleMs?: number;
}

const longestPauseMs = 24 * 3_600_000;

/**
 * `optional-keys` shapes the read (read/request-of.ts), `template-engine` is a matter of the manifest; any value of
 * `force-sync` is a wish in itself.
 */
const known = [
  ...["optional-keys", "adopt", "pause-until", "repair", "allow-mass-delete", "max-stale", "force-sync"],
  "template-engine",
];
const notBuilt = ["keep-previous", "dry-run", "immediate"];

export function parseOptions({ meta, spec }: ExternalSecret, nowMs: number): Parsed<SyncOptions> {
  const { annotations } = meta;
  const problems: Problem[] = [];
  const read = <T>(name: string, absent: T, parse: (text: string) => T | string): T => {
    const text = annotations[ownPrefix + name];
    const value = text === undefined ? absent : parse(text);
    if (typeof value !== "string" || isAdopt(value)) return value as T;
    problems.push({ path: fieldOf(name), problem: value });
    return absent;
  };
  const pausedUntilMs = read<number | undefined>("pause-until", undefined, (text) => pauseEnd(text, nowMs));
  const maxStaleMs = read<number | undefined>("max-stale", undefined, staleness);
  const options: SyncOptions = {
    adopt: read<Adopt>("adopt", "Replace", (text) => (isAdopt(text) ? text : "must be Replace, Merge or Refuse")),
    repair: read("repair", false, flag),
    allowMassDelete: read("allow-mass-delete", false, flag),
    ...(pausedUntilMs !== undefined && pausedUntilMs > nowMs && { pausedUntilMs }),
    ...(maxStaleMs !== undefined && { maxStaleMs }),
  };
  const secretKeys = spec.data.map((entry) => entry.secretKey);
  problems.push(...unknownNames(annotations), ...unknownKeys(meta, secretKeys));
  const [first, ...rest] = problems;
  return first ? { ok: false, problems: [first, ...rest] } : { ok: true, value: options };
}

function unknownNames(annotations: ObjectMeta["annotations"]): readonly Problem[] {
  const names = Object.keys(annotations).filter((name) => name.startsWith(ownPrefix));
  return names.flatMap((name) => {
    const short = name.slice(ownPrefix.length);
    if (known.includes(short)) return [];
    if (notBuilt.includes(short)) return [{ path: fieldOf(short), problem: "not supported yet; remove it" }];
    const nearest = nearestName(short, known);
    const wayOut = nearest ? `did you mean ${ownPrefix}${nearest}?` : `known: ${known.join(", ")}`;
    return [{ path: fieldOf(short), problem: `unknown annotation; ${wayOut}` }];
  });
}

function unknownKeys(meta: ObjectMeta, secretKeys: readonly string[]): readonly Problem[] {
  return [...optionalKeysOf(meta)]
    .filter((key) => !secretKeys.includes(key))
    .map((key) => {
      const nearest = nearestName(key, secretKeys);
      const wayOut = nearest ? `did you mean ${nearest}?` : "list secretKeys of spec.data";
      return { path: fieldOf("optional-keys"), problem: `${key} is no secretKey of spec.data; ${wayOut}` };
    });
}

const fieldOf = (name: string): string => `metadata.annotations[${ownPrefix}${name}]`;

function isAdopt(text: string): text is Adopt {
  return text === "Replace" || text === "Merge" || text === "Refuse";
}

function flag(text: string): boolean | string {
  return text === "true" || (text === "false" ? false : 'must be "true" or "false"');
}

function staleness(text: string): number | string {
  const ms = parseGoDuration(text);
  return ms === undefined || ms < 0 ? "must be a duration such as 24h" : ms;
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

function pauseEnd(text: string, nowMs: number): number | string {
  const endMs = rfc3339.test(text) ? Date.parse(text.toUpperCase()) : NaN;
  if (Number.isNaN(endMs)) return "must be a time such as 2026-01-31T18:00:00Z";
  if (endMs - nowMs > longestPauseMs) return "must be at most 24 hours ahead";
  return endMs;
}
