import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { externalSecret, setUp, store, until, type Setup } from "./setup.ts";

const limits = { timeout: 30_000 };

function names({ directory }: Setup): readonly string[] {
  return directory.externalSecrets.list().map(({ key }) => key.name);
}

function keyRead({ directory }: Setup, name: string): string | undefined {
  const item = directory.externalSecrets.get({ namespace: "shop", name });
  return item?.parsed.ok ? item.parsed.value.spec.data[0]?.remoteRef.key : undefined;
}

suite("manifests are watched", limits, () => {
  test("an edit", async () => {
    await using setup = await setUp({ files: { "db.yaml": externalSecret("db") } });
    const before = setup.directory.externalSecrets.get({ namespace: "shop", name: "db" })!.meta;
    const changed: string[] = [];
    setup.directory.externalSecrets.onChange(({ name }) => changed.push(name));
    setup.put("db.yaml", externalSecret("db", { key: "other" }));
    await until("the edit counts", () => keyRead(setup, "db") === "other");
    const after = setup.directory.externalSecrets.get({ namespace: "shop", name: "db" })!.meta;
    assert.deepEqual(changed, ["db"]);
    assert.equal(after.uid, before.uid);
    assert.notEqual(after.generation, before.generation);
  });
  test("an edit in place, also of the same length", async () => {
    await using setup = await setUp({ files: { "db.yaml": externalSecret("db", { key: "aaa" }) } });
    writeFileSync(join(setup.manifests, "db.yaml"), externalSecret("db", { key: "bbb" }));
    await until("the edit counts", () => keyRead(setup, "db") === "bbb");
  });
  test("an addition, also in a new folder", async () => {
    await using setup = await setUp();
    setup.put("a.yaml", externalSecret("a"));
    setup.put("new/deep/b.json", JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name: "s" } }));
    setup.put("new/deep/c.yml", externalSecret("c"));
    await until("all are there", () => names(setup).join() === "a,c");
  });
  test("a removal", async () => {
    await using setup = await setUp({ files: { "a.yaml": externalSecret("a"), "b.yaml": externalSecret("b") } });
    const changed: string[] = [];
    setup.directory.externalSecrets.onChange(({ name }) => changed.push(name));
    rmSync(join(setup.manifests, "a.yaml"));
    await until("it is gone", () => names(setup).join() === "b");
    assert.deepEqual(changed, ["a"]);
  });
  test("a break keeps the objects and is reported until it is mended", async () => {
    await using setup = await setUp({ files: { "sub/a.yaml": externalSecret("a") } });
    setup.put("sub/a.yaml", 'kind: "canary\n');
    await until("it is reported", () => setup.output("status/File/sub/a.yaml.yaml") !== undefined);
    assert.deepEqual(names(setup), ["a"]);
    assert.match(
      setup.output("status/File/sub/a.yaml.yaml")!,
      /reason: InvalidManifest\n {4}message: "\[manifest_invalid\] line/,
    );
    assert.doesNotMatch(setup.output("status/File/sub/a.yaml.yaml")!, /canary/);
    assert.equal(setup.directory.problems()[0]!.file, "sub/a.yaml");
    assert.equal(setup.log.lines.filter(({ level }) => level === "warn").length, 1);
    setup.put("sub/a.yaml", externalSecret("a", { key: "mended" }));
    await until("it is mended", () => keyRead(setup, "a") === "mended");
    await until("the report is gone", () => setup.output("status/File/sub/a.yaml.yaml") === undefined);
    assert.deepEqual(setup.directory.problems(), []);
  });
  test("a broken document keeps what it held; the others of its file take effect", async () => {
    const both = (key: string, second: string): string => `${externalSecret("a", { key })}---\n${second}`;
    await using setup = await setUp({ files: { "two.yaml": both("one", externalSecret("b")) } });
    setup.put("two.yaml", both("two", "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: [broken\n"));
    await until("the readable one counts", () => keyRead(setup, "a") === "two");
    assert.deepEqual(names(setup).toSorted(), ["a", "b"]);
  });
  test("a rename removes nothing and changes nothing", async () => {
    await using setup = await setUp({ files: { "a.yaml": externalSecret("a") } });
    const changed: string[] = [];
    setup.directory.externalSecrets.onChange(({ name }) => changed.push(name));
    renameSync(join(setup.manifests, "a.yaml"), join(setup.manifests, "b.yaml"));
    setup.put("marker.yaml", externalSecret("marker"));
    await until("the rename was seen", () => names(setup).includes("marker"));
    // Another break proves that the object now belongs to the new file.
    setup.put("b.yaml", "kind: [");
    await until("the new file is known", () => setup.directory.problems().some(({ file }) => file === "b.yaml"));
    assert.deepEqual(names(setup).toSorted(), ["a", "marker"]);
    assert.deepEqual(changed, ["marker"]);
  });
  test("an editor that removes and writes anew removes nothing", async () => {
    await using setup = await setUp({ files: { "a.yaml": externalSecret("a") } });
    const seen: string[] = [];
    setup.directory.externalSecrets.onChange(() => seen.push(names(setup).join()));
    rmSync(join(setup.manifests, "a.yaml"));
    await new Promise((resolve) => setImmediate(resolve));
    setup.put("a.yaml", externalSecret("a", { key: "new" }));
    await until("the edit counts", () => keyRead(setup, "a") === "new");
    assert.deepEqual([...new Set(seen)], ["a"]);
  });
  test("a swapped projected volume", async () => {
    await using setup = await setUp();
    const volume = join(setup.manifests, "volume");
    const version = (name: string, key: string): void => {
      mkdirSync(join(volume, name), { recursive: true });
      writeFileSync(join(volume, name, "a.yaml"), externalSecret("a", { key }));
      symlinkSync(name, join(volume, "..data_tmp"));
      renameSync(join(volume, "..data_tmp"), join(volume, "..data"));
    };
    version("..2026_1", "one");
    symlinkSync("..data/a.yaml", join(volume, "a.yaml"));
    await until("the first version counts", () => keyRead(setup, "a") === "one");
    assert.deepEqual(setup.directory.problems(), []);
    version("..2026_2", "two");
    rmSync(join(volume, "..2026_1"), { recursive: true });
    await until("the second version counts", () => keyRead(setup, "a") === "two");
    version("..2026_3", "three");
    await until("the third version counts", () => keyRead(setup, "a") === "three");
  });
  test("a folder that is created later", async () => {
    await using setup = await setUp();
    rmSync(setup.manifests, { recursive: true });
    await setup.reopen();
    assert.ok(setup.directory.ready());
    setup.put("a.yaml", externalSecret("a"));
    await until("it is found", () => names(setup).join() === "a");
  });
  test("a folder that disappears takes nothing with it, and is followed again when it is back", async () => {
    await using setup = await setUp({ files: { "a.yaml": externalSecret("a"), "b.yaml": externalSecret("b") } });
    renameSync(setup.manifests, join(setup.base, "aside"));
    await until("it is noticed", () => !setup.directory.ready());
    assert.deepEqual(names(setup), ["a", "b"]);
    assert.equal(setup.log.lines.filter(({ level }) => level === "error").length, 1);
    renameSync(join(setup.base, "aside"), setup.manifests);
    await until("it is back", () => setup.directory.ready());
    setup.put("a.yaml", externalSecret("a", { key: "new" }));
    await until("it is followed", () => keyRead(setup, "a") === "new");
    assert.deepEqual(names(setup), ["a", "b"]);
  });
  test("an empty folder in its place, as after an unmount, takes nothing either", async () => {
    await using setup = await setUp({ files: { "a.yaml": externalSecret("a") } });
    mkdirSync(join(setup.base, "empty"));
    renameSync(setup.manifests, join(setup.base, "aside"));
    renameSync(join(setup.base, "empty"), setup.manifests);
    await until("it is noticed", () => !setup.directory.ready());
    assert.deepEqual(names(setup), ["a"]);
    setup.put("b.yaml", externalSecret("b"));
    await until("the new folder counts once it holds something", () => names(setup).join() === "b");
  });
  test("a store that changes is a changed dependency, an ExternalSecret is none", async () => {
    await using setup = await setUp({ files: { "s.yaml": store("files") } });
    let changes = 0;
    const stop = setup.directory.externalSecrets.onDependencyChange(() => changes++);
    setup.put("a.yaml", externalSecret("a"));
    await until("the ExternalSecret is there", () => names(setup).join() === "a");
    assert.equal(changes, 0);
    setup.put("s.yaml", store("files", { path: "/other" }));
    await until("the store changed", () => changes === 1);
    stop();
  });
});
