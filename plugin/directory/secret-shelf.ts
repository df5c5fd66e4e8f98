/**
 * Where Secrets are kept under the output folder, and how one is read, written and removed.
 *
 * Two forms: a YAML file a Secret, or a folder of files a Secret. Neither decides anything; targets.ts does.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { Failure } from "../core/failure.ts";
import { isDnsLabel, isDnsSubdomain } from "../core/names.ts";
import type { ObjectMeta } from "../manifests/objects.ts";
import type { ObjectKey, SecretObject } from "../sync/ports.ts";
import { errnoOf, isAbsent, removeFile, replaceFile } from "./replace-file.ts";
import { parseSecretYaml, secretYaml, type WrittenSecret } from "./secret-yaml.ts";

export interface ShelvedSecret {
  /** Hash of everything that is kept of it. */
  readonly version: string;
  /** Absent when what is there is no Secret (any more). */
  readonly secret?: WrittenSecret;
}

export interface SecretShelf {
  /** The folder in which edits are looked for, absolute. */
  readonly folder: string;
  /** Whose Secret a path below that folder is part of; undefined for what can be nobody's. */
  keyOf(path: string): ObjectKey | undefined;
  /** Names in one namespace for which something is there. */
  names(namespace: string): Promise<readonly string[]>;
  /** Undefined when there is nothing. Rejects with Failure `kube_unavailable` when it cannot be read. */
  read(key: ObjectKey): Promise<ShelvedSecret | undefined>;
  /** Readers see the old values or the new ones. Rejects with Failure `target_refused`; then the old ones stay. */
  write(secret: SecretObject, owner: ObjectMeta | undefined): Promise<void>;
  remove(key: ObjectKey): Promise<void>;
}

const ending = ".yaml";

/** `OUT/secrets/<namespace>/<name>.yaml`, mode 0600. */
export function yamlShelf(out: string): SecretShelf {
  const folder = join(out, "secrets");
  const pathOf = ({ namespace, name }: ObjectKey): string => join(folder, namespace, name + ending);
  return {
    folder,
    keyOf(path) {
      const [namespace = "", file = "", ...deeper] = relative(folder, path).split("/");
      return deeper.length === 0 && file.endsWith(ending)
        ? validKey(namespace, file.slice(0, -ending.length))
        : undefined;
    },
    async names(namespace) {
      const files = await listFolder(join(folder, namespace));
      return files.filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length));
    },
    async read(key) {
      const text = await readText(pathOf(key), `secrets/${key.namespace}/${key.name}${ending}`);
      if (text === undefined) return undefined;
      const secret = parseSecretYaml(text, key);
      return { version: contentHash(text), ...(secret ? { secret } : {}) };
    },
    write: (secret, owner) => replaceFile({ out, path: pathOf(checkedKey(secret)) }, secretYaml(secret, owner), 0o600),
    remove: (key) => removeFile({ out, path: pathOf(checkedKey(key)) }),
  };
}

export function contentHash(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 32);
}

/** Undefined when a namespace or a name could not be one, and so never becomes a path. */
export function validKey(namespace: string, name: string): ObjectKey | undefined {
  return isDnsLabel(namespace) && isDnsSubdomain(name) ? { namespace, name } : undefined;
}

export function checkedKey({ namespace, name }: ObjectKey): ObjectKey {
  const key = validKey(namespace, name);
  if (!key) throw new Failure("target_refused", "the name of the Secret or of its namespace is not valid; correct it");
  return key;
}

/** Empty when there is no such folder. */
export async function listFolder(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (thrown) {
    if (isAbsent(thrown)) return [];
    throw thrown;
  }
}

/** Undefined when it is not there, or is no file. `what` is for messages. */
export async function readText(path: string, what: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (isAbsent(thrown)) return undefined;
    // A folder where the file must be: the write will say so.
    if (errnoOf(thrown) === "EISDIR") return undefined;
    const errno = errnoOf(thrown) ?? "unexpected error";
    throw new Failure("kube_unavailable", `${what} under the output folder cannot be read (${errno})`, {
      cause: thrown,
    });
  }
}
