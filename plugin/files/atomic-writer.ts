/**
 * Writes a set of files into a folder so that every reader sees all of the old set or all of the new one.
 *
 * Layout as consumers of Kubernetes volumes know it: a folder per version, `..data` pointing at the current one, and a
 * symlink per first path component. One rename of `..data` switches all files; watch `..data` or the folder.
 * A process killed at any step leaves the old or the new set whole; its debris goes with the next publish.
 * One publisher per folder at a time. Not flushed to disk: after a power cut the next publish compares and repairs.
 */
import * as nodeFs from "node:fs/promises";
import { basename, join } from "node:path";
import { Failure } from "../core/failure.ts";
import type { FileSet } from "./file-set.ts";
import { filePathProblem, foldersOf, pathClash } from "./path-rules.ts";
import {
  currentVersion,
  dataLink,
  folderMode,
  holdsExactly,
  linkTarget,
  versionPrefix,
  type PublishFs,
} from "./published.ts";

const dataLinkDraft = "..data_tmp";
/** A link draft must never look like a name of a file set, which cannot begin with `..`. */
const nameLinkDraft = "..link_tmp";

/**
 * Makes `folder` hold exactly `files`. Names that were published before and are no longer wanted go; a plain file in
 * the place of a wanted name is replaced; other entries that this module did not make stay.
 * "unchanged": every name, mode and content was already so, and no file was touched.
 * Rejects with Failure `target_refused` (disk full, no permission, a name that cannot be a file); the old set stays.
 */
export async function publishFiles(
  folder: string,
  files: FileSet,
  fs: PublishFs = nodeFs,
): Promise<"changed" | "unchanged"> {
  refuseUnsafePaths(folder, files);
  try {
    await fs.mkdir(folder, { recursive: true, mode: folderMode });
    const current = await currentVersion(folder, fs);
    const upToDate = current !== undefined && (await holdsExactly(join(folder, current), files, fs));
    const relinked = upToDate
      ? await linkNames(folder, files, fs)
      : await publishVersion(folder, files, fs).catch(async (thrown: unknown) => {
          await removeDebris(folder, fs).catch(() => undefined);
          throw thrown;
        });
    const unlinked = await unlinkObsoleteNames(folder, files, fs);
    await removeDebris(folder, fs);
    return relinked || unlinked ? "changed" : "unchanged";
  } catch (thrown) {
    const reason = (thrown as NodeJS.ErrnoException).code ?? "unexpected error";
    throw new Failure("target_refused", `cannot write ${folder}: ${reason}; the files there are as before`, {
      cause: thrown,
    });
  }
}

function refuseUnsafePaths(folder: string, files: FileSet): void {
  const clash = pathClash(files.map((file) => file.path));
  if (clash) throw new Failure("target_refused", `${folder}: file ${JSON.stringify(clash.path)} ${clash.problem}`);
  for (const file of files) {
    const problem = filePathProblem(file.path);
    if (problem) throw new Failure("target_refused", `${folder}: file name ${JSON.stringify(file.path)} ${problem}`);
  }
}

async function publishVersion(folder: string, files: FileSet, fs: PublishFs): Promise<true> {
  const version = await fs.mkdtemp(join(folder, versionPrefix));
  await writeVersion(version, files, fs);
  // Before the switch: afterwards a new name would be missing for a moment, and after a kill for good.
  await linkNames(folder, files, fs);
  const draft = join(folder, dataLinkDraft);
  const data = join(folder, dataLink);
  await fs.rm(draft, { recursive: true, force: true });
  await fs.symlink(basename(version), draft);
  // A rename replaces a link or a file, but not a folder that somebody made there.
  if ((await fs.lstat(data).catch(() => undefined))?.isDirectory()) await fs.rm(data, { recursive: true });
  await fs.rename(draft, data);
  return true;
}

/** The new folder stays closed (0700) until everything in it has its mode: no file is ever more open than asked. */
async function writeVersion(version: string, files: FileSet, fs: PublishFs): Promise<void> {
  for (const folder of new Set(files.flatMap((file) => foldersOf(file.path)))) {
    await fs.mkdir(join(version, folder), { mode: folderMode });
    await fs.chmod(join(version, folder), folderMode);
  }
  for (const file of files) {
    const path = join(version, file.path);
    await fs.writeFile(path, file.contents.reveal(), { flag: "wx", mode: 0o600 });
    await fs.chmod(path, file.mode);
  }
  await fs.chmod(version, folderMode);
}

/** True when a link was missing or was something else. */
async function linkNames(folder: string, files: FileSet, fs: PublishFs): Promise<boolean> {
  let changed = false;
  const draft = join(folder, nameLinkDraft);
  for (const name of firstComponents(files)) {
    const path = join(folder, name);
    const target = `${dataLink}/${name}`;
    if ((await linkTarget(path, fs)) === target) continue;
    changed = true;
    await fs.rm(draft, { recursive: true, force: true });
    await fs.symlink(target, draft);
    if ((await fs.lstat(path).catch(() => undefined))?.isDirectory()) await fs.rm(path, { recursive: true });
    await fs.rename(draft, path);
  }
  return changed;
}

async function unlinkObsoleteNames(folder: string, files: FileSet, fs: PublishFs): Promise<boolean> {
  const wanted = firstComponents(files);
  let changed = false;
  for (const name of await fs.readdir(folder)) {
    if (name.startsWith("..") || wanted.has(name)) continue;
    if (!(await linkTarget(join(folder, name), fs))?.startsWith(`${dataLink}/`)) continue;
    changed = true;
    await fs.rm(join(folder, name));
  }
  return changed;
}

/** Versions that `..data` does not point to and drafts of links: left by a kill, or by the switch just made. */
async function removeDebris(folder: string, fs: PublishFs): Promise<void> {
  const current = await currentVersion(folder, fs);
  for (const name of await fs.readdir(folder)) {
    const ours = name.startsWith(versionPrefix) || name === dataLinkDraft || name === nameLinkDraft;
    if (!ours || name === current) continue;
    await fs.rm(join(folder, name), { recursive: true, force: true });
  }
}

function firstComponents(files: FileSet): Set<string> {
  return new Set(files.map((file) => file.path.split("/", 1)[0]!));
}
