/**
 * Secrets as folders of plain files: `OUT/files/<namespace>/<name>/<key>`, every change an atomic swap of the folder.
 *
 * What a file cannot say (type, labels, owner) is in `OUT/.keyferry/meta/<namespace>/<name>.yaml`: a Secret without data.
 * It is written first, so that files without it are somebody else's.
 */
import { readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { Failure } from "../core/failure.ts";
import { isSecretKey } from "../core/names.ts";
import { SecretValue } from "../core/secret-value.ts";
import { publishFiles } from "../files/atomic-writer.ts";
import type { ObjectKey } from "../sync/ports.ts";
import { isAbsent, removeFile, replaceFile } from "./replace-file.ts";
import { checkedKey, contentHash, listFolder, readText, validKey, type SecretShelf } from "./secret-shelf.ts";
import { parseSecretYaml, secretMetaYaml } from "./secret-yaml.ts";

const fileMode = 0o600;
const ending = ".yaml";

export function filesShelf(out: string): SecretShelf {
  const folder = join(out, "files");
  const metaFolder = join(out, ".keyferry", "meta");
  const folderOf = ({ namespace, name }: ObjectKey): string => join(folder, namespace, name);
  const metaOf = ({ namespace, name }: ObjectKey): string => join(metaFolder, namespace, name + ending);
  return {
    folder,
    keyOf(path) {
      const [namespace = "", name = ""] = relative(folder, path).split("/");
      return validKey(namespace, name);
    },
    async names(namespace) {
      const files = await listFolder(join(metaFolder, namespace));
      return files.filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length));
    },
    async read(key) {
      const text = await readText(metaOf(key), `.keyferry/meta/${key.namespace}/${key.name}${ending}`);
      if (text === undefined) return undefined;
      const data = await readData(folderOf(key), `files/${key.namespace}/${key.name}`);
      const version = contentHash([text, ...[...data].map(([name, value]) => `${name} ${hashOf(value)}`)].join("\n"));
      const meta = parseSecretYaml(text, key);
      return { version, ...(meta ? { secret: { ...meta, data } } : {}) };
    },
    async write(secret, owner) {
      const key = checkedKey(secret);
      await replaceFile({ out, path: metaOf(key) }, secretMetaYaml(secret, owner), fileMode);
      const files = [...secret.data].map(([path, contents]) => ({ path, mode: fileMode, contents }));
      await publishFiles(folderOf(key), files).catch((thrown: unknown) => raise(relativeFailure(out, thrown)));
    },
    async remove(key) {
      await removeFile({ out, path: folderOf(checkedKey(key)) });
      await removeFile({ out, path: metaOf(key) });
    },
  };
}

/** What the writer published; whatever else lies in the folder is not ours. */
async function readData(folder: string, what: string): Promise<ReadonlyMap<string, SecretValue>> {
  const data = new Map<string, SecretValue>();
  try {
    for (const name of await listFolder(folder)) {
      const path = join(folder, name);
      if (!isSecretKey(name) || (await readlink(path).catch(() => "")) !== `..data/${name}`) continue;
      const contents = await readFile(path).catch((thrown: unknown) => (isAbsent(thrown) ? undefined : raise(thrown)));
      if (contents) data.set(name, new SecretValue(contents));
    }
    return data;
  } catch (thrown) {
    throw new Failure("kube_unavailable", `${what} under the output folder cannot be read`, { cause: thrown });
  }
}

function raise(thrown: unknown): never {
  throw thrown;
}

function hashOf(value: SecretValue): string {
  return contentHash(value.reveal());
}

/** The writer names its folder in full; here the output folder is understood. */
function relativeFailure(out: string, thrown: unknown): unknown {
  if (!(thrown instanceof Failure)) return thrown;
  return new Failure(thrown.code, thrown.message.replaceAll(`${out}/`, ""), { cause: thrown.cause });
}
