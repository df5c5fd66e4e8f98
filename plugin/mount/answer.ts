/** What a read brought, as the files of a volume and their versions. All or nothing: one unusable name refuses all. */
import { compareUtf8 } from "../core/canonical-json.ts";
import { Failure, ReadFailure } from "../core/failure.ts";
import type { FileEntry, FileSet } from "../files/file-set.ts";
import { objectVersion, type ObjectVersion } from "../files/object-version.ts";
import { filePathProblem, pathClash } from "../files/path-rules.ts";
import type { SecretBundle } from "../read/request.ts";

export interface MountAnswer {
  /** The whole volume, by path. */
  readonly files: FileSet;
  /** One per file, at least one: drivers refuse an answer without. */
  readonly objectVersions: readonly ObjectVersion[];
}

export interface AnswerRules {
  /** Of one file, 0–0o777. */
  readonly modeOf: (path: string) => number;
  /** Part of versions made from contents. */
  readonly namespace: string;
  readonly versionKey: Buffer;
}

/** Stands for a volume whose every entry is optional and missing. */
const emptyVolume: ObjectVersion = { id: "keyferry", version: "empty" };

/** The driver's default limit of an answer, and what a Secret can hold at most. */
const longestAnswerBytes = 4 * 1024 * 1024;
export const largeAnswerBytes = 1024 * 1024;

/** Throws Failure `answer_invalid` for a name that cannot be a file, `answer_too_large` for more than 4 MiB. */
export function answerOf(bundle: SecretBundle, rules: AnswerRules): MountAnswer {
  refuseUnsafeNames(bundle);
  const files: FileEntry[] = [];
  const objectVersions: ObjectVersion[] = [];
  // The same order each time, whatever order the stores' answers have.
  for (const [path, found] of [...bundle.values].sort(([a], [b]) => compareUtf8(a, b))) {
    const file = { path, mode: rules.modeOf(path), contents: found.value };
    files.push(file);
    // What a template makes changes with the template too, so its version is made of its contents.
    const storeVersion = found.source === undefined ? "" : (bundle.sources[found.source]?.version ?? "");
    objectVersions.push(objectVersion(file, storeVersion, rules.namespace, rules.versionKey));
  }
  const answer = { files, objectVersions: objectVersions.length > 0 ? objectVersions : [emptyVolume] };
  const bytes = encodedBytes(answer);
  if (bytes > longestAnswerBytes)
    throw new Failure(
      "answer_too_large",
      `the files take ${bytes} bytes and a driver accepts ${longestAnswerBytes}; mount fewer or smaller secrets`,
    );
  return answer;
}

/** Names of `data` are known before any read; those of `dataFrom` are the store's. */
function refuseUnsafeNames(bundle: SecretBundle): void {
  const names = [...bundle.values.keys()];
  const refuse = (name: string, problem: string): never => {
    const field = bundle.values.get(name)?.field ?? "";
    const part = new Failure("answer_invalid", `${shownName(name)} cannot be a file: it ${problem}`, { field });
    throw new ReadFailure([part]);
  };
  for (const name of names) {
    const problem = filePathProblem(name);
    if (problem) refuse(name, problem);
  }
  const clash = pathClash(names);
  if (clash) refuse(clash.path, clash.problem);
}

function shownName(name: string): string {
  const shown = JSON.stringify(name.toWellFormed());
  return shown.length > 80 ? `${shown.slice(0, 78)}…"` : shown;
}

/** Size of the answer as protobuf: each file and version is a message of two or three fields. */
export function encodedBytes(answer: MountAnswer): number {
  let total = 0;
  for (const { id, version } of answer.objectVersions) total += fieldBytes(textBytes(id) + textBytes(version));
  for (const { path, mode, contents } of answer.files)
    total += fieldBytes(textBytes(path) + 1 + varintBytes(mode) + fieldBytes(contents.byteLength));
  return total;
}

function textBytes(text: string): number {
  return fieldBytes(Buffer.byteLength(text));
}

/** Tag, length, content. */
function fieldBytes(contentBytes: number): number {
  return 1 + varintBytes(contentBytes) + contentBytes;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
