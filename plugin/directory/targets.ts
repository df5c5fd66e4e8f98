/**
 * The Secrets that sync keeps, on a shelf of files; and who else writes them.
 *
 * A write carries the version that was read: whoever edited in between is seen first. What this process wrote is
 * remembered by its hash, so every other content is a foreign change. A file that is no Secret any more reads as absent,
 * and `create` may take its place: repairing it needs nobody's permission.
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import type { ObjectMeta } from "../manifests/objects.ts";
import type {
  ExistingSecret,
  ObjectKey,
  SecretObject,
  SecretWrite,
  TargetSecrets,
  WriteOutcome,
} from "../sync/ports.ts";
import type { SecretShelf, ShelvedSecret } from "./secret-shelf.ts";
import { Turns } from "./turns.ts";
import { watchPath, type PathWatch, type WatchDeps } from "./watch-path.ts";
import { isBelowOrSame } from "./real-paths.ts";
import { isDraft } from "./replace-file.ts";

/** What was last known of one place: a version, or that there is nothing. */
type Seen = string | undefined;

const createdByLabel = "reconcile.external-secrets.io/created-by";

export class ShelfTargets implements TargetSecrets {
  readonly #shelf: SecretShelf;
  readonly #deps: WatchDeps;
  readonly #listeners = new Set<(key: ObjectKey) => void>();
  /** What this process wrote or removed last. */
  readonly #written = new Map<string, Seen>();
  /** The same, and for other places what was there at the first look: anything else is news. */
  readonly #expected = new Map<string, Seen>();
  readonly #reported = new Map<string, Seen>();
  /** `namespace/name` of a target → who claims it, for namespaces that were read through. */
  readonly #claims = new Map<string, { readonly owner?: string; readonly createdBy?: string }>();
  readonly #readThrough = new Map<string, Promise<void>>();
  readonly #turns = new Turns();
  #watch: PathWatch | undefined;

  constructor(shelf: SecretShelf, deps: WatchDeps) {
    this.#shelf = shelf;
    this.#deps = deps;
  }

  async open(): Promise<void> {
    this.#watch = watchPath(this.#shelf.folder, this.#deps, (changed) => this.#onEvents(changed), {
      followSymlinks: false,
      ignored: isDraft,
    });
    await this.#watch.ready;
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    await this.#turns.ended();
  }

  get(key: ObjectKey): Promise<ExistingSecret | undefined> {
    return this.#turns.take(idOf(key), async () => {
      const found = await this.#read(key);
      if (!found?.secret) return undefined;
      const isOwnWrite = this.#written.get(idOf(key)) === found.version;
      return { ...found.secret, resourceVersion: found.version, lastWriter: isOwnWrite ? "keyferry" : "file edit" };
    });
  }

  create({ secret, owner }: SecretWrite): Promise<WriteOutcome> {
    return this.#turns.take(idOf(secret), async () => {
      const found = await this.#read(secret);
      return found?.secret ? { done: false } : this.#write(secret, owner);
    });
  }

  replace({ secret, owner }: SecretWrite, { resourceVersion }: ExistingSecret): Promise<WriteOutcome> {
    return this.#turns.take(idOf(secret), async () => {
      const found = await this.#read(secret);
      return found?.version === resourceVersion ? this.#write(secret, owner) : { done: false };
    });
  }

  remove(present: ExistingSecret): Promise<WriteOutcome> {
    return this.#turns.take(idOf(present), async () => {
      const found = await this.#read(present);
      if (found && found.version !== present.resourceVersion) return { done: false };
      await this.#shelf.remove(present);
      this.#settle(present, undefined);
      return { done: true, resourceVersion: "" };
    });
  }

  /** A look at the file costs less than to know. */
  watchedVersion(): undefined {
    return undefined;
  }

  /** Folders are made with the first file in them. */
  namespacePhase(): "active" {
    return "active";
  }

  async ownedBy(owner: ObjectKey): Promise<readonly ObjectKey[]> {
    await this.#readNamespace(owner.namespace);
    const createdBy = createHash("sha3-224").update(idOf(owner)).digest("hex");
    const inNamespace = [...this.#claims].filter(([id]) => id.startsWith(`${owner.namespace}/`));
    return inNamespace
      .filter(([, claim]) => claim.owner === idOf(owner) || claim.createdBy === createdBy)
      .map(([id]) => ({ namespace: owner.namespace, name: id.slice(owner.namespace.length + 1) }));
  }

  onForeignChange(listener: (key: ObjectKey) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #write(secret: SecretObject, owner: ObjectMeta | undefined): Promise<WriteOutcome> {
    await this.#shelf.write(secret, owner);
    const written = await this.#shelf.read(secret);
    this.#settle(secret, written);
    return { done: true, resourceVersion: written?.version ?? "" };
  }

  #settle(key: ObjectKey, now: ShelvedSecret | undefined): void {
    const id = idOf(key);
    this.#written.set(id, now?.version);
    this.#expected.set(id, now?.version);
    this.#reported.delete(id);
    this.#claim(id, now);
  }

  async #read(key: ObjectKey): Promise<ShelvedSecret | undefined> {
    const id = idOf(key);
    const found = await this.#shelf.read(key);
    if (!this.#expected.has(id)) this.#expected.set(id, found?.version);
    this.#claim(id, found);
    return found;
  }

  #claim(id: string, found: ShelvedSecret | undefined): void {
    const { owner, labels } = found?.secret ?? {};
    const createdBy = labels?.[createdByLabel];
    if (owner === undefined && createdBy === undefined) this.#claims.delete(id);
    else this.#claims.set(id, { ...(owner && { owner }), ...(createdBy && { createdBy }) });
  }

  /** Once: afterwards every write, read and event keeps the claims up to date. */
  #readNamespace(namespace: string): Promise<void> {
    const begun = this.#readThrough.get(namespace);
    if (begun) return begun;
    const reading = this.#shelf.names(namespace).then(async (names) => {
      for (const name of names)
        await this.#turns.take(idOf({ namespace, name }), () => this.#read({ namespace, name }));
    });
    this.#readThrough.set(namespace, reading);
    reading.catch(() => this.#readThrough.delete(namespace));
    return reading;
  }

  #onEvents(changed: ReadonlySet<string> | undefined): void {
    for (const id of this.#touchedIds(changed)) {
      const [namespace = "", name = ""] = id.split("/");
      this.#lookAt({ namespace, name }).catch((thrown: unknown) =>
        this.#deps.log.warn("an output file cannot be read", {
          namespace,
          name,
          reason: thrown instanceof Error ? thrown.message : "unknown",
        }),
      );
    }
  }

  /** Places that events name, and all known ones of a namespace whose folder came or went. */
  #touchedIds(changed: ReadonlySet<string> | undefined): ReadonlySet<string> {
    const ids = new Set<string>();
    const known = (folder: string): void => {
      for (const id of this.#expected.keys()) if (isBelowOrSame(folder, `${this.#shelf.folder}/${id}`)) ids.add(id);
    };
    if (!changed) known(this.#shelf.folder);
    for (const path of changed ?? []) {
      const key = this.#shelf.keyOf(path);
      if (key) ids.add(idOf(key));
      else if (isBelowOrSame(path, this.#shelf.folder) || dirname(path) === this.#shelf.folder) known(path);
    }
    return ids;
  }

  async #lookAt(key: ObjectKey): Promise<void> {
    const id = idOf(key);
    const isNews = await this.#turns.take(idOf(key), async () => {
      // A place that was never looked at held nothing, as far as anybody here knows.
      if (!this.#expected.has(id)) this.#expected.set(id, undefined);
      const version = (await this.#read(key))?.version;
      const isOld = this.#reported.has(id) && this.#reported.get(id) === version;
      if (version === this.#expected.get(id) || isOld) return false;
      this.#reported.set(id, version);
      return true;
    });
    if (isNews) for (const listener of [...this.#listeners]) listener(key);
  }
}

function idOf({ namespace, name }: ObjectKey): string {
  return `${namespace}/${name}`;
}
