/**
 * Writes whole files: a reader sees the old content or the new one, and a failed write leaves the old one.
 *
 * Not flushed to disk: after a power cut the next sync compares and repairs.
 */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { Failure } from "../core/failure.ts";

/** Ending of the draft beside the file; the name begins with a dot, so nobody takes it for a manifest or a Secret. */
const draftEnding = ".draft";

/** Whether a path is a write under way: its events say nothing. */
export function isDraft(path: string): boolean {
  return path.endsWith(draftEnding) && basename(path).startsWith(".");
}

export interface OutFile {
  /** The folder that messages are relative to, absolute. */
  readonly out: string;
  /** Absolute. */
  readonly path: string;
}

/** One call at a time for one path. Rejects with Failure `target_refused`. */
export async function replaceFile({ out, path }: OutFile, text: string, mode: number): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}${draftEnding}`);
  try {
    await mkdir(dirname(path), { recursive: true });
    // Left by a kill, or put there to be written through.
    await rm(draft, { force: true, recursive: true });
    const handle = await open(draft, "wx", mode);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    await rename(draft, path);
  } catch (thrown) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw writeFailure(relative(out, path), thrown);
  }
}

/** A file that is not there is removed already. Rejects with Failure `target_refused`. */
export async function removeFile({ out, path }: OutFile): Promise<void> {
  try {
    await rm(path, { force: true, recursive: true });
  } catch (thrown) {
    throw writeFailure(relative(out, path), thrown);
  }
}

const waysOut: Readonly<Record<string, string>> = {
  EACCES: "; let the user of this process write there",
  EPERM: "; let the user of this process write there",
  EROFS: "; mount it writable",
  ENOSPC: "; free some space",
  EDQUOT: "; free some space",
  ENOTDIR: "; remove the file that stands where a folder must be",
  EEXIST: "; remove the file that stands where a folder must be",
  EISDIR: "; remove the folder that stands where the file must be",
};

function writeFailure(what: string, thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const errno = errnoOf(thrown) ?? "unexpected error";
  const problem = `${what} under the output folder cannot be written (${errno}); it is as before`;
  return new Failure("target_refused", problem + (waysOut[errno] ?? ""), { cause: thrown });
}

export function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
}

/** Nothing of that name: also when a file stands where the path needs a folder. */
export function isAbsent(thrown: unknown): boolean {
  return errnoOf(thrown) === "ENOENT" || errnoOf(thrown) === "ENOTDIR";
}
