/** One manifest file → its objects and what is wrong with it. */
import { readFile } from "node:fs/promises";
import { parseYamlDocuments } from "../manifests/yaml-text.ts";
import { listItems, readObject, type ManifestObject, type ReadObject } from "./manifest-object.ts";
import { errnoOf } from "./replace-file.ts";

export interface ReadFile {
  readonly objects: readonly ManifestObject[];
  /** Documents of kinds that mean nothing here. */
  readonly unknown: readonly Extract<ReadObject, { outcome: "unknown" }>[];
  /** Safe to show. Not empty = some objects of the file may be missing from `objects`. */
  readonly problems: readonly string[];
}

const nothing: ReadFile = { objects: [], unknown: [], problems: [] };

/** Never rejects: a file that cannot be read is a problem of that file. Undefined when it is no longer there. */
export async function readManifestFile(path: string): Promise<ReadFile | undefined> {
  try {
    return readManifestText(new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path)));
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === "ENOENT") return undefined;
    const problem =
      errno === undefined || errno.startsWith("ERR_")
        ? "is not UTF-8 text"
        : `cannot be read (${errno}); check the file`;
    return { ...nothing, problems: [problem] };
  }
}

export function readManifestText(text: string): ReadFile {
  const read = parseYamlDocuments(text).flatMap((document): readonly (ReadObject & { line: number })[] =>
    document.ok
      ? listItems(document.value).map((item) => ({ ...readObject(item), line: document.line }))
      : [{ outcome: "broken", problem: document.problem, line: document.line }],
  );
  return {
    objects: read.flatMap((found) => (found.outcome === "object" ? [found.object] : [])),
    unknown: read.flatMap((found) => (found.outcome === "unknown" ? [found] : [])),
    problems: read.flatMap((found) => (found.outcome === "broken" ? [`line ${found.line}: ${found.problem}`] : [])),
  };
}
