/** One look at the disk → what is known of every file now. Re-reads only what changed. */
import { readManifestFile, type ReadFile } from "./manifest-file.ts";
import { nextFileState, type FileState } from "./manifest-index.ts";
import type { Walk } from "./walk.ts";

export interface LookDeps {
  readonly walk: Walk;
  readonly before: ReadonlyMap<string, FileState>;
  /** Files that events named: read again whatever their time stamps say, which can be too coarse. */
  readonly touched: ReadonlySet<string>;
  /** When an object that is missing from now on may be dropped, monotonic milliseconds. */
  readonly keepUntilMs: number;
  /** Whether a file of before is one no longer, because it lies in a folder of values. */
  readonly isLeftOut: (file: string) => Promise<boolean>;
  readonly onUnknown: (file: string, unknown: ReadFile["unknown"]) => void;
}

export async function nextFileStates(look: LookDeps): Promise<Map<string, FileState>> {
  const { walk, before, keepUntilMs } = look;
  const next = new Map<string, FileState>();
  for (const [name, { path, signature }] of walk.files) {
    const known = before.get(name);
    if (known?.signature === signature && !look.touched.has(path)) next.set(name, known);
    else {
      const read = await readManifestFile(path);
      if (!read) continue;
      next.set(name, nextFileState(known, { ...read, signature }, keepUntilMs));
      look.onUnknown(name, read.unknown);
    }
  }
  for (const [name, known] of before) {
    if (next.has(name) || (await look.isLeftOut(name))) continue;
    const problems = problemsAbove(walk.unreadable, name);
    next.set(name, nextFileState(known, { signature: "", objects: [], problems }, keepUntilMs));
  }
  for (const [name, errno] of walk.unreadable)
    if (!next.has(name)) next.set(name, { signature: "", objects: [], kept: new Map(), problems: [unreadable(errno)] });
  return new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A file that is missing because it, or a folder above it, cannot be looked at. */
function problemsAbove(faults: ReadonlyMap<string, string>, name: string): readonly string[] {
  for (const [path, errno] of faults)
    if (name === path || (path.endsWith("/") && name.startsWith(path))) return [unreadable(errno)];
  return [];
}

function unreadable(errno: string): string {
  return `cannot be read (${errno}); let the user of this process read it`;
}
