/**
 * The layout of a published folder, read back: `name → ..data/name`, `..data → ..v-XXXXXX`, the files in there.
 *
 * Whatever is not exactly as it was written counts as different: a reader of these functions repairs by publishing
 * again, so an unreadable or foreign entry is never an error here.
 */
import type * as nodeFs from "node:fs/promises";
import { join } from "node:path";
import { SecretValue } from "../core/secret-value.ts";
import type { FileEntry, FileSet } from "./file-set.ts";
import { foldersOf } from "./path-rules.ts";

/** What publishing uses of the file system. */
export type PublishFs = Pick<
  typeof nodeFs,
  | "chmod"
  | "lstat"
  | "mkdir"
  | "mkdtemp"
  | "readdir"
  | "readFile"
  | "readlink"
  | "rename"
  | "rm"
  | "symlink"
  | "writeFile"
>;

export const dataLink = "..data";
export const versionPrefix = "..v-";
export const folderMode = 0o755;

/** The folder name that `..data` points to; undefined when there is none that could be ours. */
export async function currentVersion(folder: string, fs: PublishFs): Promise<string | undefined> {
  const target = await linkTarget(join(folder, dataLink), fs);
  return target?.startsWith(versionPrefix) && !target.includes("/") ? target : undefined;
}

export async function linkTarget(path: string, fs: PublishFs): Promise<string | undefined> {
  return fs.readlink(path).catch(() => undefined);
}

/** Whether `root` holds exactly these files with these modes and contents, and nothing else. */
export async function holdsExactly(root: string, files: FileSet, fs: PublishFs): Promise<boolean> {
  const wanted = new Map(files.map((file) => [file.path, file]));
  const folders = new Set(files.flatMap((file) => foldersOf(file.path)));
  let found = 0;
  const walk = async (folder: string): Promise<boolean> => {
    for (const name of await fs.readdir(join(root, folder))) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const file = wanted.get(path);
      if (file) {
        if (!(await isFile(join(root, path), file, fs))) return false;
        found++;
      } else if (!folders.has(path) || !(await isFolder(join(root, path), fs)) || !(await walk(path))) return false;
    }
    return true;
  };
  try {
    return (await isFolder(root, fs)) && (await walk("")) && found === wanted.size;
  } catch {
    return false;
  }
}

async function isFile(path: string, file: FileEntry, fs: PublishFs): Promise<boolean> {
  const stat = await fs.lstat(path);
  if (!stat.isFile() || (stat.mode & 0o7777) !== file.mode || stat.size !== file.contents.byteLength) return false;
  return file.contents.equals(new SecretValue(await fs.readFile(path)));
}

async function isFolder(path: string, fs: PublishFs): Promise<boolean> {
  const stat = await fs.lstat(path);
  return stat.isDirectory() && (stat.mode & 0o7777) === folderMode;
}
