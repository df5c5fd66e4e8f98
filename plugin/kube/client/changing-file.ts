/**
 * A small text file that others replace: a projected token, a CA bundle. Read again when it changed on disk, and kept
 * as it was last read when it cannot be read now: a volume is empty for a moment while it is swapped.
 */
import { readFile, stat } from "node:fs/promises";
import { KubeFailure } from "../contract.ts";

export interface ChangingFile {
  /** `anew` reads it even when it looks unchanged. Rejects with KubeFailure when it could never be read. */
  text(anew?: boolean): Promise<string>;
}

/** `wayOut` ends the message when it cannot be read. */
export function createChangingFile(path: string, wayOut: string): ChangingFile {
  let seen = "";
  let kept: string | undefined;
  return {
    async text(anew = false) {
      try {
        const { mtimeNs, ino, size } = await stat(path, { bigint: true });
        const now = `${mtimeNs} ${ino} ${size}`;
        if (kept !== undefined && now === seen && !anew) return kept;
        const text = (await readFile(path, "utf8")).trim();
        if (text === "") throw Object.assign(new Error("empty"), { code: "empty" });
        seen = now;
        kept = text;
        return text;
      } catch (thrown) {
        if (kept !== undefined) return kept;
        const code = (thrown as NodeJS.ErrnoException).code ?? "unknown";
        throw new KubeFailure(`cannot read ${path} (${code}); ${wayOut}`, { status: 0 });
      }
    },
  };
}
