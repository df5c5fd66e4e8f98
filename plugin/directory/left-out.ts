/**
 * Which folders below the manifests hold values instead of manifests: those that file stores read.
 *
 * A store has no say when its own manifest lies in such a folder: whoever may write values there could otherwise hide
 * manifests. Files nearer to the root speak first. A store cannot hide the manifest that it is defined in.
 */
import type { StoreManifest } from "../manifests/objects.ts";
import type { FileState } from "./manifest-index.ts";
import { isBelowOrSame, realOrFuturePath } from "./real-paths.ts";

/** Absolute paths that an opened store reads from this machine; none when its block is wrong. */
export type LocalPathsOf = (store: StoreManifest) => readonly string[] | Promise<readonly string[]>;

/** `root` is the real path of the manifests folder. */
export async function leftOutPaths(
  root: string,
  files: ReadonlyMap<string, FileState>,
  localPathsOf: LocalPathsOf,
): Promise<ReadonlySet<string>> {
  const leftOut = new Set<string>();
  for (const [file, state] of [...files].sort(byDepthThenName)) {
    const stores = storesOf(state);
    if (stores.length === 0) continue;
    const own = await realOrFuturePath(`${root}/${file}`);
    if (isLeftOut(leftOut, own)) continue;
    for (const store of stores)
      for (const path of await localPathsOf(store)) {
        const real = await realOrFuturePath(path);
        if (!isBelowOrSame(real, own)) leftOut.add(real);
      }
  }
  return leftOut;
}

export function isLeftOut(leftOut: Iterable<string>, real: string): boolean {
  for (const path of leftOut) if (isBelowOrSame(path, real)) return true;
  return false;
}

function storesOf({ objects, kept }: FileState): readonly StoreManifest[] {
  const all = [...objects, ...[...kept.values()].map(({ object }) => object)];
  return all.flatMap(({ content }) =>
    (content.kind === "SecretStore" || content.kind === "ClusterSecretStore") && content.parsed.ok
      ? [content.parsed.value]
      : [],
  );
}

function byDepthThenName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  const depth = (name: string): number => name.split("/").length;
  return depth(a) - depth(b) || (a < b ? -1 : 1);
}
