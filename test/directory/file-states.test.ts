import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { nextFileStates, type LookDeps } from "../../plugin/directory/file-states.ts";
import { expireKept, firstExpiryMs, idOf, type FileState } from "../../plugin/directory/manifest-index.ts";
import { externalSecret, tempFolder } from "./setup.ts";

type Look = Partial<Omit<LookDeps, "walk">> & { readonly unreadable?: Record<string, string>; readonly gone?: boolean };

/** Looks at one file whose time stamps never change. */
function lookAt(folder: string, { unreadable = {}, gone = false, ...more }: Look): Promise<Map<string, FileState>> {
  const files = new Map(gone ? [] : [["a.yaml", { path: join(folder, "a.yaml"), signature: "same" }]]);
  return nextFileStates({
    walk: { files, unreadable: new Map(Object.entries(unreadable)), rootId: "1" },
    before: new Map(),
    touched: new Set(),
    keepUntilMs: 250,
    isLeftOut: () => Promise.resolve(false),
    onUnknown: () => undefined,
    ...more,
  });
}

const held = (states: ReadonlyMap<string, FileState>): readonly string[] =>
  [...states.values()].flatMap(({ objects, kept }) => [
    ...objects.map(idOf),
    ...[...kept.keys()].map((id) => `kept ${id}`),
  ]);

suite("one look at the files", () => {
  test("reads a file again when its time stamps changed or an event named it, else not", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "a.yaml"), externalSecret("one"));
    const before = await lookAt(folder, {});
    writeFileSync(join(folder, "a.yaml"), externalSecret("two"));
    assert.deepEqual(held(await lookAt(folder, { before })), ["ExternalSecret/shop/one"]);
    const after = await lookAt(folder, { before, touched: new Set([join(folder, "a.yaml")]) });
    assert.deepEqual(held(after), ["ExternalSecret/shop/two", "kept ExternalSecret/shop/one"]);
    rmSync(folder, { recursive: true });
  });
  const losses: readonly (readonly [
    name: string,
    look: Look & { readonly text?: string },
    endsMs: number | undefined,
  ])[] = [
    ["a removed file: for a while", { gone: true }, 250],
    ["an emptied file: for a while", { text: "" }, 250],
    ["a broken file: until it is mended", { text: "kind: [" }, undefined],
    ["a file that cannot be read: until it can", { gone: true, unreadable: { "a.yaml": "EACCES" } }, undefined],
  ];
  for (const [name, { text, ...look }, endsMs] of losses)
    test(`keeps what is lost with ${name}`, async () => {
      const folder = tempFolder();
      writeFileSync(join(folder, "a.yaml"), externalSecret("one"));
      const before = await lookAt(folder, {});
      if (text !== undefined) writeFileSync(join(folder, "a.yaml"), text);
      const after = await lookAt(folder, { before, touched: new Set([join(folder, "a.yaml")]), ...look });
      assert.deepEqual(held(after), ["kept ExternalSecret/shop/one"]);
      assert.equal(firstExpiryMs(after), endsMs);
      assert.equal(expireKept(after, 249).get("a.yaml")?.kept.size, 1);
      assert.equal(expireKept(after, 250).get("a.yaml")?.kept.size ?? 0, endsMs === undefined ? 1 : 0);
      rmSync(folder, { recursive: true });
    });
  test("drops a file at once when it turns out to lie in a folder of values", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "a.yaml"), externalSecret("one"));
    const before = await lookAt(folder, {});
    assert.deepEqual(held(await lookAt(folder, { before, gone: true, isLeftOut: () => Promise.resolve(true) })), []);
    rmSync(folder, { recursive: true });
  });
});
