/**
 * The folder of manifests, kept as an index that follows the disk.
 *
 * One look at a time: list, re-read what changed, swap the index, tell the listeners what is different. Whatever goes
 * wrong on the disk keeps the objects of before: a broken file, a folder that cannot be listed, one that disappeared.
 * A removal counts once the object has been gone for `removalHoldMs`, so that a rename or an editor's save is none.
 */
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../observe/log.ts";
import { nextFileStates } from "./file-states.ts";
import { isLeftOut, leftOutPaths, type LocalPathsOf } from "./left-out.ts";
import type { ReadFile } from "./manifest-file.ts";
import {
  buildIndex,
  changedIds,
  duplicateProblem,
  expireKept,
  firstExpiryMs,
  keepAnew,
  type FileState,
  type ManifestIndex,
} from "./manifest-index.ts";
import { realOrFuturePath } from "./real-paths.ts";
import { errnoOf } from "./replace-file.ts";
import { walkManifests } from "./walk.ts";
import { watchPath, type PathWatch } from "./watch-path.ts";

export interface FolderDeps {
  /** Absolute. */
  readonly folder: string;
  /** Real paths that never hold manifests: the output. */
  readonly outputs: readonly string[];
  readonly localPathsOf: LocalPathsOf;
  readonly clock: Clock;
  readonly log: Log;
}

/** What one look at the folder changed. */
export interface FolderChange {
  readonly before: ManifestIndex;
  readonly after: ManifestIndex;
  readonly ids: readonly string[];
}

export interface FileProblem {
  /** Relative to the manifests folder. */
  readonly file: string;
  readonly problem: string;
}

const removalHoldMs = 250;
/** A store that is added or removed changes what is left out, which may show or hide another store. */
const looksAtMost = 4;

export class ManifestsFolder {
  readonly #deps: FolderDeps;
  readonly #listeners = new Set<(change: FolderChange) => void>();
  #files: ReadonlyMap<string, FileState> = new Map();
  #index: ManifestIndex = new Map();
  #leftOut: ReadonlySet<string> = new Set();
  /** Without symlinks, as of the last look. */
  #real: string;
  /** Empty until the folder was there. */
  #rootId = "";
  #rootProblem: string | undefined;
  #watch: PathWatch | undefined;
  #looking: Promise<void> = Promise.resolve();
  #lookPlanned = false;
  #touched = new Set<string>();
  #cancelHold: () => void = () => undefined;
  #closed = false;

  constructor(deps: FolderDeps) {
    this.#deps = deps;
    this.#real = deps.folder;
  }

  /** Resolves after the first look; the folder may not be there yet. */
  async open(): Promise<void> {
    const { folder } = this.#deps;
    this.#real = await realOrFuturePath(folder);
    const ignored = (path: string): boolean => this.#isNoManifest(path);
    this.#watch = watchPath(folder, this.#deps, (changed) => this.#onEvents(changed), { ignored });
    await this.#watch.ready;
    await this.#look();
  }

  get index(): ManifestIndex {
    return this.#index;
  }

  /** False while the folder is gone again or cannot be listed: then the objects are those of before. */
  get current(): boolean {
    return this.#rootProblem === undefined;
  }

  /** Everything wrong that belongs to a file instead of one object, and every object that is defined twice. */
  problems(): readonly FileProblem[] {
    const ofFiles = [...this.#files].flatMap(([file, { problems }]) => problems.map((problem) => ({ file, problem })));
    const duplicates = [...this.#index].flatMap(([id, entry]) => {
      const problem = duplicateProblem(entry);
      const inForce = entry.object.content.kind === "ExternalSecret" ? "" : `; until then that of ${entry.file} counts`;
      return problem ? [{ file: entry.file, problem: `${id} ${problem}${inForce}` }] : [];
    });
    return [...ofFiles, ...duplicates];
  }

  /** After every look that changed an object or a problem. */
  onChange(listener: (change: FolderChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelHold();
    await this.#watch?.close();
    await this.#looking;
  }

  /** `..data` of projected volumes stays watched, since its swap is the change; other dot entries never matter. */
  #isNoManifest(path: string): boolean {
    const inside = path.slice(this.#deps.folder.length);
    return /\/\.[^./]/.test(inside) || isLeftOut(this.#deps.outputs, join(this.#real, inside));
  }

  #onEvents(changed: ReadonlySet<string> | undefined): void {
    for (const path of changed ?? []) this.#touched.add(path);
    if (this.#lookPlanned || this.#closed) return;
    this.#lookPlanned = true;
    this.#looking = this.#looking.then(() => {
      this.#lookPlanned = false;
      return this.#closed ? undefined : this.#look();
    });
  }

  async #look(): Promise<void> {
    const touched = this.#touched;
    this.#touched = new Set();
    const before = JSON.stringify(this.problems());
    try {
      for (let look = 1; look <= looksAtMost; look++) if (!(await this.#lookOnce(touched))) break;
    } catch (thrown) {
      this.#reportRoot(errnoOf(thrown) ?? "unexpected error");
    }
    this.#swapIndex(before);
    this.#planNextLook();
  }

  /** True when another look is due at once, because other folders are left out now. */
  async #lookOnce(touched: ReadonlySet<string>): Promise<boolean> {
    const { folder, outputs, localPathsOf, clock } = this.#deps;
    const walk = await walkManifests(folder, (path) => isLeftOut(outputs, path) || isLeftOut(this.#leftOut, path));
    const isAnother = this.#rootId !== "" && this.#rootId !== walk.rootId;
    // An unmounted folder is an empty one with another identity: nobody deleted anything.
    if (isAnother && walk.files.size === 0 && this.#files.size > 0) {
      this.#reportRoot("an empty folder took its place");
      return false;
    }
    this.#rootId = walk.rootId;
    this.#rootProblem = undefined;
    this.#real = await realOrFuturePath(folder);
    this.#files = await nextFileStates({
      walk,
      before: isAnother ? keepAnew(this.#files) : this.#files,
      touched,
      keepUntilMs: clock.monotonicMs() + removalHoldMs,
      isLeftOut: async (file) => isLeftOut(this.#leftOut, await realOrFuturePath(join(this.#real, file))),
      onUnknown: (file, unknown) => this.#reportUnknown(file, unknown),
    });
    const leftOut = await leftOutPaths(this.#real, this.#files, localPathsOf);
    const same = leftOut.symmetricDifference(this.#leftOut).size === 0;
    this.#leftOut = leftOut;
    return !same;
  }

  #swapIndex(problemsBefore: string): void {
    if (this.current) this.#files = expireKept(this.#files, this.#deps.clock.monotonicMs());
    const before = this.#index;
    this.#index = buildIndex(this.#files, before);
    const ids = changedIds(before, this.#index);
    if (ids.length === 0 && JSON.stringify(this.problems()) === problemsBefore) return;
    for (const listener of [...this.#listeners]) listener({ before, after: this.#index, ids });
  }

  /** A removal that is not confirmed yet needs a later look, also when nothing else happens. */
  #planNextLook(): void {
    this.#cancelHold();
    const firstMs = firstExpiryMs(this.#files);
    if (firstMs === undefined || !this.current || this.#closed) return;
    const { clock } = this.#deps;
    this.#cancelHold = clock.after(firstMs - clock.monotonicMs(), () => this.#onEvents(undefined));
  }

  /** Once per change of what is wrong. A folder that never was there is simply awaited. */
  #reportRoot(reason: string): void {
    const { log, folder } = this.#deps;
    if (this.#rootId === "" && reason === "ENOENT") {
      log.info("the manifests folder is not there yet", { file: folder });
      return;
    }
    if (this.#rootProblem !== reason)
      log.error("the manifests folder cannot be read, all objects stay as they are", { file: folder, reason });
    this.#rootProblem = reason;
  }

  #reportUnknown(file: string, unknown: ReadFile["unknown"]): void {
    for (const { kind, meta } of unknown) {
      const { namespace, name } = meta;
      this.#deps.log.info("a manifest of an unknown kind is skipped", { file, kind, namespace, name });
    }
  }
}
