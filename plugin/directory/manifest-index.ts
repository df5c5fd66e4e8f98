/**
 * All manifests as one set of objects: which object is in force, and which files claim the same one.
 *
 * Pure. The object in force stays in force for as long as its file defines it, whatever other files claim; an object
 * that its file has lost lives on (a broken edit, a rename under way) until `keepUntilMs`.
 */
import { objectId, type ManifestObject } from "./manifest-object.ts";

export interface KeptObject {
  readonly object: ManifestObject;
  /** Monotonic milliseconds; absent = for as long as the file is broken. */
  readonly keepUntilMs?: number;
}

/** What is known of one file. */
export interface FileState {
  readonly signature: string;
  readonly objects: readonly ManifestObject[];
  /** Objects that the file held before and does not hold now, by id. */
  readonly kept: ReadonlyMap<string, KeptObject>;
  readonly problems: readonly string[];
}

export interface IndexEntry {
  readonly object: ManifestObject;
  /** The file that the object in force comes from. */
  readonly file: string;
  /** Every file that defines it, in order, when more than one does. A file that does so twice is there twice. */
  readonly claimedBy: readonly string[];
}

export type ManifestIndex = ReadonlyMap<string, IndexEntry>;

export function idOf({ meta, content }: ManifestObject): string {
  return objectId(content.kind, meta.namespace, meta.name);
}

/** The file's state after a new look at it: objects that are gone are kept for a while, or until the file is whole. */
export function nextFileState(
  before: FileState | undefined,
  now: Pick<FileState, "signature" | "objects" | "problems">,
  keepUntilMs: number,
): FileState {
  const kept = new Map<string, KeptObject>();
  if (before) {
    const held = new Set(now.objects.map(idOf));
    const broken = now.problems.length > 0;
    const earlier: (readonly [string, KeptObject])[] = [
      ...before.kept,
      ...before.objects.map((object) => [idOf(object), { object }] as const),
    ];
    for (const [id, { object, keepUntilMs: untilMs = keepUntilMs }] of earlier)
      if (!held.has(id)) kept.set(id, broken ? { object } : { object, keepUntilMs: untilMs });
  }
  return { ...now, kept };
}

/** Without what has been kept long enough, and without files of which nothing is left. */
export function expireKept(files: ReadonlyMap<string, FileState>, nowMs: number): ReadonlyMap<string, FileState> {
  const left = new Map<string, FileState>();
  for (const [file, state] of files) {
    const kept = new Map([...state.kept].filter(([, { keepUntilMs = Infinity }]) => keepUntilMs > nowMs));
    const isThere = state.signature !== "" || state.problems.length > 0;
    if (isThere || kept.size > 0) left.set(file, kept.size === state.kept.size ? state : { ...state, kept });
  }
  return left;
}

/** Monotonic milliseconds; undefined when nothing waits for its end. */
export function firstExpiryMs(files: ReadonlyMap<string, FileState>): number | undefined {
  let firstMs: number | undefined;
  for (const { kept } of files.values())
    for (const { keepUntilMs } of kept.values())
      if (keepUntilMs !== undefined) firstMs = Math.min(firstMs ?? Infinity, keepUntilMs);
  return firstMs;
}

/** Another folder took the place: what was on its way out gets its full time again. */
export function keepAnew(files: ReadonlyMap<string, FileState>): ReadonlyMap<string, FileState> {
  const anew = ({ kept, ...state }: FileState): FileState => ({
    ...state,
    kept: new Map([...kept].map(([id, { object }]) => [id, { object }])),
  });
  return new Map([...files].map(([file, state]) => [file, anew(state)]));
}

/** `files` in the order of their names: the first definer wins where nothing was in force before. */
export function buildIndex(files: ReadonlyMap<string, FileState>, before: ManifestIndex): ManifestIndex {
  const claims = new Map<string, { file: string; object: ManifestObject }[]>();
  for (const [file, { objects }] of files)
    for (const object of objects) {
      const id = idOf(object);
      const others = claims.get(id);
      if (others) others.push({ file, object });
      else claims.set(id, [{ file, object }]);
    }
  const index = new Map<string, IndexEntry>();
  for (const [id, claimants] of claims) {
    const winner = claimants.find(({ file }) => file === before.get(id)?.file) ?? claimants[0]!;
    const claimedBy = claimants.length > 1 ? claimants.map(({ file }) => file) : [];
    index.set(id, { ...winner, claimedBy });
  }
  for (const [file, { kept }] of files)
    for (const [id, { object }] of kept) if (!index.has(id)) index.set(id, { object, file, claimedBy: [] });
  return index;
}

/** Ids of objects that were added, changed or removed, or whose claimants changed. */
export function changedIds(before: ManifestIndex, after: ManifestIndex): readonly string[] {
  const same = (a: IndexEntry | undefined, b: IndexEntry | undefined): boolean =>
    a?.object.fingerprint === b?.object.fingerprint && a?.claimedBy.join("\0") === b?.claimedBy.join("\0");
  const ids = new Set([...before.keys(), ...after.keys()]);
  return [...ids].filter((id) => !same(before.get(id), after.get(id)));
}

/** Names the files; undefined when only one defines the object, and only once. */
export function duplicateProblem({ claimedBy }: IndexEntry): string | undefined {
  if (claimedBy.length === 0) return undefined;
  const files = [...new Set(claimedBy)];
  const where = files.length === 1 ? `twice in ${files[0]}` : `in ${files.join(" and in ")}`;
  return `is defined ${where}; keep one of them`;
}
