/** Paths compared as the disk has them: symlinks resolved, also those above something that does not exist yet. */
import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isAbsent } from "./replace-file.ts";

export async function realOrFuturePath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    const above = dirname(path);
    if (!isAbsent(thrown) || above === path) return path;
    return join(await realOrFuturePath(above), basename(path));
  }
}

/** Both as realOrFuturePath gives them. */
export function isBelowOrSame(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? folder : `${folder}/`);
}
