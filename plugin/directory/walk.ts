/**
 * Which manifests there are: every *.yaml, *.yml and *.json below a folder, without what begins with a dot.
 *
 * Symlinks are followed, a folder inside itself is not; a file reached in two ways counts once. What cannot be listed is
 * told apart from what is not there, so that a lost mount never looks like deletion.
 */
import type { BigIntStats, Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, isAbsent } from "./replace-file.ts";

export interface FoundFile {
  /** Absolute, as reached from the root (symlinks not resolved): what watch events name. */
  readonly path: string;
  /** Changes when the file is written or replaced. */
  readonly signature: string;
}

export interface Walk {
  /** By name relative to the root, in order. */
  readonly files: ReadonlyMap<string, FoundFile>;
  /** Names of folders and files that are there and cannot be looked at, with the errno. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** Identity of the root folder: another one after a mount, an unmount or a new mkdir. */
  readonly rootId: string;
}

interface Folder {
  /** Relative to the root, ending in `/`; empty for the root. */
  readonly name: string;
  readonly path: string;
  /** Without symlinks. */
  readonly real: string;
  /** Itself and those above it, without symlinks. */
  readonly trail: readonly string[];
  /** Below the root, a symlink leads here. */
  readonly isLink: boolean;
}

const manifestName = /\.(ya?ml|json)$/;

/** A manifest file in one of the ways it can be reached. */
interface Way extends FoundFile {
  readonly name: string;
  /** Without symlinks. */
  readonly real: string;
  readonly isLink: boolean;
}

/** Rejects with the system's error when `root` itself cannot be listed. `isExcluded` gets paths without symlinks. */
export async function walkManifests(root: string, isExcluded: (real: string) => boolean): Promise<Walk> {
  const real = await realpath(root);
  const { dev, ino } = await stat(root, { bigint: true });
  const ways: Way[] = [];
  const unreadable = new Map<string, string>();

  const visitEntry = async (folder: Folder, dirent: Dirent): Promise<Folder | undefined> => {
    const [name, path] = [folder.name + dirent.name, join(folder.path, dirent.name)];
    const isLink = dirent.isSymbolicLink();
    try {
      const at = isLink ? await realpath(path) : join(folder.real, dirent.name);
      const found = await stat(path, { bigint: true });
      if (isExcluded(at)) return undefined;
      if (found.isDirectory() && !folder.trail.includes(at))
        return { name: `${name}/`, path, real: at, trail: [...folder.trail, at], isLink: isLink || folder.isLink };
      if (found.isFile() && manifestName.test(dirent.name))
        ways.push({ name, path, real: at, isLink: isLink || folder.isLink, signature: signatureOf(found) });
    } catch (thrown) {
      if (!isAbsent(thrown)) unreadable.set(name, errnoOf(thrown) ?? "unknown");
    }
    return undefined;
  };

  const visitFolder = async (folder: Folder): Promise<void> => {
    let entries: Dirent[];
    try {
      entries = await readdir(folder.path, { withFileTypes: true });
    } catch (thrown) {
      if (folder.name === "") throw thrown;
      if (!isAbsent(thrown)) unreadable.set(folder.name, errnoOf(thrown) ?? "unknown");
      return;
    }
    const shown = entries.filter(({ name }) => !name.startsWith("."));
    const below = await Promise.all(shown.map((entry) => visitEntry(folder, entry)));
    for (const subfolder of below) if (subfolder) await visitFolder(subfolder);
  };

  await visitFolder({ name: "", path: root, real, trail: [real], isLink: false });
  return { files: oneWayEach(ways), unreadable, rootId: `${dev}-${ino}` };
}

/** The file itself before links to it, then the first name: the same choice at every look. */
function oneWayEach(ways: readonly Way[]): ReadonlyMap<string, FoundFile> {
  const byName = (a: Way, b: Way): number => (a.name < b.name ? -1 : 1);
  const chosen = new Map<string, Way>();
  for (const way of ways.toSorted((a, b) => Number(a.isLink) - Number(b.isLink) || byName(a, b)))
    if (!chosen.has(way.real)) chosen.set(way.real, way);
  return new Map([...chosen.values()].sort(byName).map(({ name, path, signature }) => [name, { path, signature }]));
}

function signatureOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}-${ino}-${size}-${mtimeNs}-${ctimeNs}`;
}
