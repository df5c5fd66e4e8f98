/**
 * Tells the user what is wrong with the manifests: one log line when a problem appears, a status file while it lasts.
 *
 * A file's problems are in `status/File/<file>.yaml`; an object that several files define carries a condition. An
 * ExternalSecret says so in its own Ready condition, which sync writes.
 */
import { toFailure } from "../core/failure.ts";
import type { Log } from "../observe/log.ts";
import { duplicateProblem, type ManifestIndex } from "./manifest-index.ts";
import type { FileProblem } from "./manifests-folder.ts";
import { duplicateType, type ConditionNow, type StatusFiles } from "./status-files.ts";

interface Manifests {
  readonly index: ManifestIndex;
  problems(): readonly FileProblem[];
}

const longestMessageBytes = 1_024;
/** Kinds whose status files hold nothing that could not be found again. */
const reportedKinds = [
  "File",
  "SecretStore",
  "ClusterSecretStore",
  "StorePolicy",
  "Secret",
  "ServiceAccount",
  "Namespace",
];

export class ProblemReport {
  readonly #statuses: StatusFiles;
  readonly #log: Log;
  #logged = new Set<string>();
  #conditions = new Map<string, ConditionNow>();

  constructor(statuses: StatusFiles, log: Log) {
    this.#statuses = statuses;
    this.#log = log;
  }

  /**
   * Removes what an earlier run reported and is no longer so. The status of an ExternalSecret holds what proves its
   * Secret, so it goes only when the manifests are surely all there: not before a folder is mounted, nor with a broken file.
   */
  async sweep({ index, problems }: { index: ManifestIndex; problems: readonly FileProblem[] }): Promise<void> {
    const isWhole = index.size > 0 && problems.length === 0;
    const files = new Set(problems.map(({ file }) => `File/${file}`));
    for (const kind of [...reportedKinds, ...(isWhole ? ["ExternalSecret"] : [])])
      for (const id of await this.#statuses.ids(kind))
        if (!files.has(id) && !index.has(id)) await this.#attempt(this.#statuses.remove(id));
  }

  /** After every look at the manifests. Never rejects. */
  async update(manifests: Manifests, removedIds: readonly string[]): Promise<void> {
    this.#logNew(manifests.problems());
    const wanted = conditionsOf(manifests);
    const ids = new Set([...wanted.keys(), ...this.#conditions.keys()]);
    const before = this.#conditions;
    this.#conditions = wanted;
    for (const id of ids)
      if (wanted.get(id)?.message !== before.get(id)?.message)
        await this.#attempt(this.#statuses.setCondition(id, typeOf(id), wanted.get(id)));
    for (const id of removedIds) if (!id.startsWith("ExternalSecret/")) await this.#attempt(this.#statuses.remove(id));
  }

  #logNew(problems: readonly FileProblem[]): void {
    const now = new Set<string>();
    for (const { file, problem } of problems) {
      const line = `${file} ${problem}`;
      now.add(line);
      if (!this.#logged.has(line))
        this.#log.warn("a manifest is not right, its objects stay as they were", { file, message: problem });
    }
    this.#logged = now;
  }

  async #attempt(write: Promise<void>): Promise<void> {
    await write.catch((thrown: unknown) => {
      const { code, message } = toFailure(thrown);
      this.#log.warn("a status file cannot be written", { code, message });
    });
  }
}

function typeOf(id: string): string {
  return id.startsWith("File/") ? "Ready" : duplicateType;
}

function conditionsOf(manifests: Manifests): Map<string, ConditionNow> {
  const texts = Map.groupBy(manifests.problems(), ({ file }) => file);
  const conditions = new Map<string, ConditionNow>();
  for (const [file, found] of texts) {
    const text = found.map(({ problem }) => problem).join("; ");
    const message = cut(`[manifest_invalid] ${text}`);
    conditions.set(`File/${file}`, { type: "Ready", status: "False", reason: "InvalidManifest", message });
  }
  for (const [id, entry] of manifests.index) {
    const problem = duplicateProblem(entry);
    if (!problem || entry.object.content.kind === "ExternalSecret") continue;
    const message = cut(`[manifest_invalid] ${problem}; until then that of ${entry.file} counts`);
    conditions.set(id, { type: duplicateType, status: "True", reason: "DuplicateManifest", message });
  }
  return conditions;
}

function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= longestMessageBytes) return message;
  return `${new TextDecoder().decode(bytes.subarray(0, longestMessageBytes - 8)).replace(/\ufffd+$/, "")} …`;
}
