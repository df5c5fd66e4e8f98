/** One whole file of one moment, bounded in size. */
import { constants, type BigIntStats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";

export interface WholeFile {
  readonly contents: SecretValue;
  /** Modification time in nanoseconds and inode: what the file system itself says about a change. */
  readonly version: string;
}

const largestBytes = 4 * 1024 ** 2;
/** A file that is written in place is read again until it holds still. */
const attempts = 3;
/** A pipe or a link that took the file's place must neither block nor lead elsewhere. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** `path` has no symlinks left. Rejects with the system's error, or with a Failure that begins with `what`. */
export async function readWholeFile(path: string, what: string): Promise<WholeFile> {
  const handle = await open(path, flags);
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const before = await handle.stat({ bigint: true });
      if (!before.isFile()) throw new Failure("store_invalid", `${what} is not a plain file`);
      const contents = await readAll(handle, what);
      const after = await handle.stat({ bigint: true });
      if (sameMoment(before, after)) return { contents, version: `${after.mtimeNs}-${after.ino}` };
    }
    throw new Failure("store_error", `${what} kept changing while it was read; replace it by a rename`);
  } finally {
    await handle.close();
  }
}

async function readAll(handle: FileHandle, what: string): Promise<SecretValue> {
  const { size } = await handle.stat();
  if (size > largestBytes) throw tooLarge(what);
  // One byte more than it should have: growth during the read shows.
  const buffer = Buffer.alloc(size + 1);
  let filled = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
    filled += bytesRead;
    if (bytesRead === 0 || filled === buffer.length) return new SecretValue(buffer.subarray(0, Math.min(filled, size)));
  }
}

function tooLarge(what: string): Failure {
  return new Failure("answer_too_large", `${what} is larger than 4 MiB; split it`);
}

function sameMoment(a: BigIntStats, b: BigIntStats): boolean {
  return a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.size === b.size;
}
