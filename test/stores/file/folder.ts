/** A temp folder with files, and a file store on it. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { OpenedStore, Ref, StoreContext, StoreDeps } from "../../../plugin/stores/contract.ts";
import { file } from "../../../plugin/stores/file/kind.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { facts } from "../facts.ts";

export const never = new AbortController().signal;

/** Removed when the test file ends. */
export function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "keyferry-file-")));
  after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, contents] of Object.entries(files)) put(folder, name, contents);
  return folder;
}

export function put(folder: string, name: string, contents: string | Buffer): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), contents);
}

export interface World {
  readonly base?: string;
  readonly root?: string;
  readonly scope?: StoreContext["scope"];
  readonly calls?: string[];
  readonly watchPath?: StoreDeps["watchPath"];
}

export function openFile(raw: unknown, world: World = {}): ReturnType<typeof file.open> {
  const { base = "/nowhere", root, scope = "SecretStore", calls = [], watchPath = () => () => undefined } = world;
  return file.open(
    raw,
    { scope, name: "files", namespace: scope === "SecretStore" ? "shop" : "" },
    {
      clock: new FakeClock(),
      http: () => () => assert.fail("a file store sends nothing"),
      watchPath,
      fileStore: { base, ...(root === undefined ? {} : { root }) },
      plainHttp: true,
      countCall: (call, outcome) => calls.push(`${call} ${outcome}`),
    },
  );
}

export function opened(path: string, world: World = {}): OpenedStore {
  const parsed = openFile({ path }, world);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

export const ref = (key: string): Ref => ({ key, metadataPolicy: "None" });

/** The value's text, or `code: message`. */
export async function outcome({ store }: OpenedStore, wanted: Ref): Promise<string> {
  try {
    const answer = await store.fetch(store.locate(wanted), await store.login({ kind: "none" }, never, facts), never);
    return answer.value.reveal().toString();
  } catch (thrown) {
    assert.ok(thrown instanceof Failure, String(thrown));
    return `${thrown.code}: ${thrown.message}`;
  }
}
