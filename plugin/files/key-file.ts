/** A random key that survives restarts: one file of 32 bytes that only its owner can read. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, mkdir, open, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure } from "../core/failure.ts";

const keyBytes = 32;

/**
 * The key in `path`, made when there is none. Processes that start together get the same key.
 * Rejects with Failure `internal`, naming the file and the way out, when it cannot be trusted, read or made.
 */
export async function loadOrCreateKey(path: string): Promise<Buffer> {
  try {
    return (await readKey(path)) ?? (await createKey(path));
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    const reason = (thrown as NodeJS.ErrnoException).code ?? "unexpected error";
    const wayOut =
      reason === "ELOOP" ? "it is a symlink; name the real file" : "the folder must be writable by this process";
    throw new Failure("internal", `key file ${path}: ${reason}: ${wayOut}`, { cause: thrown });
  }
}

async function readKey(path: string): Promise<Buffer | undefined> {
  const handle = await openExisting(path);
  if (!handle) return undefined;
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Failure("internal", `key file ${path}: not a regular file; remove it`);
    if ((stat.mode & 0o077) !== 0)
      throw new Failure(
        "internal",
        `key file ${path}: others can read or write it (mode 0${(stat.mode & 0o777).toString(8)}); ` +
          `remove it, so that a new key is made, or chmod 0600 if nobody can have read it`,
      );
    if (stat.size !== keyBytes)
      throw new Failure(
        "internal",
        `key file ${path}: ${stat.size} bytes instead of ${keyBytes}; remove it, so that a new key is made`,
      );
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    // NONBLOCK: a pipe planted at the path must not hold up the start.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}

/** Written whole under another name, then linked: the first process wins, the others read what it made. */
async function createKey(path: string): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(randomBytes(keyBytes));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, path).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== "EEXIST") throw thrown;
    });
  } finally {
    await rm(draft, { force: true });
  }
  const key = await readKey(path);
  if (!key) throw new Failure("internal", `key file ${path}: removed while it was made; start again`);
  return key;
}
