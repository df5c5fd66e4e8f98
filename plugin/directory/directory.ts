/**
 * The embedded API: a folder of manifests in, a folder of Secrets and status files out, in place of a cluster.
 *
 * Reads the manifests without changing them; writes below the output folder only. Nothing that is wrong with either
 * folder ends the process: what was read before stays in force, what cannot be written is a Failure of that write.
 */
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { Failure } from "../core/failure.ts";
import type { MountView } from "../mount/ports.ts";
import type { Log } from "../observe/log.ts";
import type { ClusterView } from "../read/ports.ts";
import type { EventSink, ExternalSecretSource, StatusStore, TargetSecrets } from "../sync/ports.ts";
import type { StoreEventSink, StoreSource, StoreStatuses } from "../sync/stores/ports.ts";
import { clusterView } from "./cluster-view.ts";
import { externalSecretSource, mountView } from "./external-secrets.ts";
import { filesShelf } from "./files-shelf.ts";
import type { LocalPathsOf } from "./left-out.ts";
import { ManifestsFolder, type FileProblem } from "./manifests-folder.ts";
import { ProblemReport } from "./problem-report.ts";
import { isBelowOrSame, realOrFuturePath } from "./real-paths.ts";
import { errnoOf } from "./replace-file.ts";
import { yamlShelf } from "./secret-shelf.ts";
import { StatusFiles } from "./status-files.ts";
import { storeSource } from "./stores.ts";
import { ShelfTargets } from "./targets.ts";

export interface DirectoryOptions {
  /** Absolute. It may be created later. */
  readonly manifests: string;
  /** Absolute. Created when it is not there. */
  readonly out: string;
  /** How Secrets are written: a YAML file each, or a folder of plain files each. */
  readonly as: "yaml" | "files";
  readonly clock: Clock;
  readonly log: Log;
  /** What an opened store reads from this machine, absolute: such folders hold values, no manifests. */
  readonly localPathsOf: LocalPathsOf;
}

export interface Directory {
  readonly cluster: ClusterView;
  readonly mounts: MountView;
  readonly externalSecrets: ExternalSecretSource;
  readonly targets: TargetSecrets;
  readonly statuses: StatusStore;
  readonly events: EventSink;
  readonly stores: StoreSource;
  readonly storeStatuses: StoreStatuses & StoreEventSink;
  /** What is wrong with manifest files now: broken documents, and objects that are defined twice. */
  problems(): readonly FileProblem[];
  /** Whether the manifests folder could be read at the last look (or was never there). */
  ready(): boolean;
  /** Stops watching; resolves when the last write has ended. */
  close(): Promise<void>;
}

/**
 * Resolves after the first look at the manifests. Rejects with Failure `manifest_invalid` when the folders cannot be
 * used together, and `target_refused` when the output folder cannot be made; messages begin with the flag.
 */
export async function openDirectory(options: DirectoryOptions): Promise<Directory> {
  const { manifests: folder, out, as, clock, log, localPathsOf } = options;
  const outputs = await outputFolders(folder, out);
  await makeOut(out);
  const manifests = new ManifestsFolder({ folder, outputs, localPathsOf, clock, log });
  const targets = new ShelfTargets(as === "yaml" ? yamlShelf(out) : filesShelf(out), { clock, log });
  const statuses = new StatusFiles({ out, clock, log });
  const report = new ProblemReport(statuses, log);
  let reporting: Promise<void> = Promise.resolve();
  manifests.onChange(({ after, ids }) => {
    const removed = ids.filter((id) => !after.has(id));
    reporting = reporting.then(() => report.update(manifests, removed));
  });
  await Promise.all([manifests.open(), targets.open()]);
  await reporting;
  await report.sweep({ index: manifests.index, problems: manifests.problems() });
  return {
    cluster: clusterView(
      () => manifests.index,
      () => clock.nowMs(),
    ),
    mounts: mountView(manifests),
    externalSecrets: externalSecretSource(manifests),
    targets,
    statuses,
    events: statuses,
    stores: storeSource(manifests),
    storeStatuses: statuses.stores,
    problems: () => manifests.problems(),
    ready: () => manifests.current,
    async close() {
      await manifests.close();
      await targets.close();
      await reporting;
      await statuses.close();
    },
  };
}

/** What keyferry writes below OUT. */
const ownFolders = ["secrets", "files", "status", "providers", ".keyferry"];

/** Real paths that the scan leaves out. */
async function outputFolders(manifests: string, out: string): Promise<readonly string[]> {
  const [from, to] = await Promise.all([realOrFuturePath(manifests), realOrFuturePath(out)]);
  if (from === to)
    throw new Failure("manifest_invalid", "--out: is the same folder as --manifests; name another, or one below it");
  const own = ownFolders.map((name) => join(to, name));
  if (own.some((path) => isBelowOrSame(path, from)))
    throw new Failure("manifest_invalid", "--manifests: lies where --out is written; name a folder outside of it");
  return isBelowOrSame(to, from) ? own : [to];
}

async function makeOut(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
    if (!(await stat(out)).isDirectory()) throw Object.assign(new Error("not a folder"), { code: "ENOTDIR" });
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? "unexpected error";
    throw new Failure("target_refused", `--out: cannot be made (${reason}); name a folder that can be written`, {
      cause: thrown,
    });
  }
}
