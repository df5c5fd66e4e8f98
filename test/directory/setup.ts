/** A manifests folder and an output folder in a temp folder, and a directory opened on them. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../plugin/core/clock.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import { openDirectory, type Directory, type DirectoryOptions } from "../../plugin/directory/directory.ts";
import type { ObjectMeta } from "../../plugin/manifests/objects.ts";
import type { Log, LogFields } from "../../plugin/observe/log.ts";
import type { SecretObject } from "../../plugin/sync/ports.ts";

export const never = new AbortController().signal;

export interface LogLine extends LogFields {
  readonly level: string;
  readonly sentence: string;
}

export function recordingLog(): Log & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (sentence: string, fields: LogFields = {}): void =>
      void lines.push({ level, sentence, ...fields });
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export function tempFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "keyferry-directory-")));
}

export interface Setup extends AsyncDisposable {
  readonly base: string;
  readonly manifests: string;
  readonly out: string;
  readonly directory: Directory;
  readonly log: ReturnType<typeof recordingLog>;
  /** Writes a manifest as editors that care do: by a rename. */
  put(name: string, text: string): void;
  /** Text of a file below OUT; undefined when there is none. */
  output(name: string): string | undefined;
  reopen(options?: Partial<DirectoryOptions>): Promise<Directory>;
}

export type SetupOptions = Partial<DirectoryOptions> & { readonly files?: Readonly<Record<string, string>> };

export async function setUp({ files = {}, ...options }: SetupOptions = {}): Promise<Setup> {
  const base = tempFolder();
  const [manifests, out] = [options.manifests ?? join(base, "manifests"), options.out ?? join(base, "out")];
  const log = recordingLog();
  const put = (name: string, text: string): void => {
    const path = join(manifests, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.draft`, text);
    renameSync(`${path}.draft`, path);
  };
  mkdirSync(manifests, { recursive: true });
  for (const [name, text] of Object.entries(files)) put(name, text);
  const open = (more: Partial<DirectoryOptions> = {}): Promise<Directory> =>
    openDirectory({ manifests, out, as: "yaml", clock: systemClock, log, localPathsOf: () => [], ...options, ...more });
  let directory = await open();
  return {
    base,
    manifests,
    out,
    log,
    put,
    get directory() {
      return directory;
    },
    output: (name) => read(join(out, name)),
    async reopen(more) {
      await directory.close();
      directory = await open(more);
      return directory;
    },
    async [Symbol.asyncDispose]() {
      await directory.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

export function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Waits for what real watch events bring about; a state that never comes ends in a failure that says which. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!(await isSo())) {
    if (performance.now() > endMs) assert.fail(`never happened: ${what}`);
    await pause(5);
  }
}

/** An ExternalSecret that reads `key` of a SecretStore. */
export function externalSecret(name: string, { namespace = "shop", key = "db", more = "" } = {}): string {
  return `apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  secretStoreRef: {name: files}
  data: [{secretKey: password, remoteRef: {key: ${key}}}]
${more}`;
}

export function store(name: string, { kind = "SecretStore", path = "/values" } = {}): string {
  const namespace = kind === "SecretStore" ? ", namespace: shop" : "";
  return `apiVersion: external-secrets.io/v1
kind: ${kind}
metadata: {name: ${name}${namespace}}
spec: {provider: {file: {path: ${path}}}}
`;
}

export function secret(name: string, data: Readonly<Record<string, string>>): SecretObject {
  const values = Object.entries(data).map(([key, text]) => [key, SecretValue.fromText(text)] as const);
  return {
    namespace: "shop",
    name,
    type: "Opaque",
    immutable: false,
    labels: { "reconcile.external-secrets.io/managed": "true" },
    annotations: {},
    data: new Map(values),
  };
}

export function owner(name: string): ObjectMeta {
  return { namespace: "shop", name, uid: "u-1", generation: 1, labels: {}, annotations: {} };
}

/** Data as text, for comparing. */
export function texts(data: ReadonlyMap<string, SecretValue> | undefined): Record<string, string> | undefined {
  return data && Object.fromEntries([...data].map(([key, value]) => [key, value.reveal().toString()]));
}
