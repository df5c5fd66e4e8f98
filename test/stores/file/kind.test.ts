import assert from "node:assert/strict";
import { renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import { canaries, runLocalContractSuite } from "../contract-suite.ts";
import { folderOf, never, opened, openFile, outcome, put, ref } from "./folder.ts";

suite("a folder: a key is a file", () => {
  const folder = folderOf({
    plain: "as it is\n",
    "bytes.bin": Buffer.from([0, 0xff, 0x80]),
    "pay/db.yaml": "user: app\nport: 05432\nid: 12345678901234567890\nnested: {on: yes}\n",
    "pay/api.json": '{ "key": "k", "ratio": 1.50 }',
    "pay/old.yml": "a: 1\n",
    "twice.yaml": "a: 1\n",
    twice: "b",
    "thrice.yaml": "a: 1\n",
    "thrice.json": "{}",
    "empty.yaml": "",
    "list.yaml": "- a\n",
    "broken.yaml": 'password: "canary-open\n',
    "broken.json": '{"password": canary-open}',
    "latin.yaml": Buffer.from("a: \xe9\n", "latin1"),
    "bom.json": '\ufeff{"a": 1}',
    ".hidden": "x",
    "sub/.keep": "",
  });
  const store = opened(folder);
  const rows: readonly (readonly [name: string, key: string, answer: string | RegExp])[] = [
    ["a plain file is its bytes", "plain", "as it is\n"],
    [
      "YAML is JSON with digits kept, and a number that JSON cannot spell stays text",
      "pay/db",
      '{"id":12345678901234567890,"nested":{"on":"yes"},"port":"05432","user":"app"}',
    ],
    ["JSON keeps its digits too", "pay/api", '{"key":"k","ratio":1.50}'],
    [".yml is YAML", "pay/old", '{"a":1}'],
    ["the full file name is the plain file", "pay/api.json", '{ "key": "k", "ratio": 1.50 }'],
    ["a byte order mark is no content", "bom", '{"a":1}'],
    ["two hits: plain and YAML", "twice", /^ref_invalid: .*both twice\.yaml and twice; keep one/],
    ["two hits: YAML and JSON", "thrice", /^ref_invalid: .*both thrice\.yaml and thrice\.json/],
    ["no such file", "pay/nope", /^ref_not_found: key "pay\/nope"/],
    ["no such folder", "nope/a/b", /^ref_not_found/],
    ["a folder is no secret", "pay", /^ref_not_found/],
    ["a path through a file", "plain/a", /^ref_not_found/],
    ["an empty YAML file is a fault, not a deletion", "empty", /^answer_invalid: .* is empty/],
    ["YAML that is no map", "list", /^answer_invalid: .*does not hold a map/],
    ["a broken file, asked for by its full name, is its text", "broken.yaml", 'password: "canary-open\n'],
    ["not UTF-8", "latin", /^answer_invalid: .*not UTF-8/],
  ];
  for (const [name, key, answer] of rows)
    test(name, async () => {
      const got = await outcome(store, ref(key));
      if (typeof answer === "string") assert.equal(got, answer);
      else assert.match(got, answer);
    });
  test("binary files are read byte by byte", async () => {
    const answer = await store.store.fetch(store.store.locate(ref("bytes.bin")), {}, never);
    assert.deepEqual([...answer.value.reveal()], [0, 0xff, 0x80]);
  });
  test("broken files are named with their line and never quoted", async () => {
    rmSync(join(folder, "broken.json"));
    const yaml = await outcome(store, ref("broken"));
    assert.match(yaml, /^answer_invalid: .*not valid YAML at line \d/);
    assert.doesNotMatch(yaml, /canary/);
    rmSync(join(folder, "broken.yaml"));
    put(folder, "broken.json", '{"password": canary-open}');
    const json = await outcome(store, ref("broken"));
    assert.match(json, /^answer_invalid: .*not valid JSON/);
    assert.doesNotMatch(json, /canary/);
  });
});

suite("keys are refused before the disk is touched", () => {
  const { store } = opened("/nonexistent");
  const rows: readonly (readonly [key: string, says: RegExp])[] = [
    ["", /is empty/],
    ["..", /`\.\.`/],
    ["a/../b", /`\.\.`/],
    ["../a", /`\.\.`/],
    ["/etc/passwd", /absolute/],
    ["a\0b", /NUL/],
    [".env", /hidden/],
    ["a/.git/config", /hidden/],
    ["..data/a", /hidden/],
    ["a//b", /shortest form/],
    ["a/./b", /shortest form/],
    ["a/", /shortest form/],
    ["a\ud800", /Unicode/],
    ["x".repeat(300), /too long/],
  ];
  for (const [key, says] of rows)
    test(`key ${JSON.stringify(key.slice(0, 20))}`, () => {
      assert.throws(
        () => store.locate(ref(key)),
        (thrown) => thrown instanceof Failure && thrown.code === "ref_invalid" && says.test(thrown.message),
      );
    });
  test("a version", () => assert.throws(() => store.locate({ ...ref("a"), version: "1" }), /keeps no versions/));
  test("metadata", () => assert.throws(() => store.locate({ ...ref("a"), metadataPolicy: "Fetch" }), /no metadata/));
  test("a name with two dots inside is a plain name", () => {
    assert.equal(store.locate(ref("a..b/c.d")).address, "a..b/c.d");
  });
});

suite("a file: a key is a member of its map", () => {
  const folder = folderOf({
    "all.yaml": "db/password: p\nport: 5432\npin: 0123\nok: true\nobj: {b: 1, a: [x]}\nnothing:\n__proto__: own\n",
    "all.json": '{"a": "x", "n": 1.0}',
    "empty.yaml": "",
    "huge.json": "x".repeat(4 * 1024 ** 2 + 1),
  });
  const rows: readonly (readonly [file: string, key: string, answer: string | RegExp])[] = [
    ["all.yaml", "db/password", "p"],
    ["all.yaml", "port", "5432"],
    ["all.yaml", "pin", "0123"],
    ["all.yaml", "ok", "true"],
    ["all.yaml", "obj", '{"a":["x"],"b":1}'],
    ["all.yaml", "__proto__", "own"],
    ["all.yaml", "constructor", /^ref_not_found: .*no key "constructor"/],
    ["all.yaml", "nothing", /^answer_invalid: .*null/],
    ["all.json", "n", "1.0"],
    ["empty.yaml", "a", /^answer_invalid: .*is empty/],
    ["huge.json", "a", /^answer_too_large/],
    ["missing.yaml", "a", /^store_unreachable: path .*missing\.yaml does not exist/],
  ];
  for (const [name, key, answer] of rows)
    test(`${name}, key ${key}`, async () => {
      const got = await outcome(opened(name, { base: folder }), ref(key));
      if (typeof answer === "string") assert.equal(got, answer);
      else assert.match(got, answer);
    });
});

suite("a folder that is not mounted never looks like deletion", () => {
  test("it does not exist", async () => {
    assert.match(await outcome(opened("/nonexistent/x"), ref("a")), /^store_unreachable/);
  });
  test("it is empty", async () => {
    assert.match(await outcome(opened(folderOf({})), ref("a")), /^store_unreachable: .*is empty/);
  });
  test("its secret is a symlink to something that is not there", async () => {
    const folder = folderOf({ other: "x" });
    symlinkSync("elsewhere/a", join(folder, "a"));
    symlinkSync("gone", join(folder, "sub"));
    assert.match(await outcome(opened(folder), ref("a")), /^store_unreachable: .*symlink/);
    assert.match(await outcome(opened(folder), ref("sub/a")), /^store_unreachable: .*mount it/);
  });
});

suite("nothing outside of the store's path is read", () => {
  const outside = folderOf({ "secret.yaml": "a: canary\n", plain: "canary" });
  const folder = folderOf({ "inside/a": "fine", b: "x" });
  symlinkSync(join(outside, "plain"), join(folder, "escape"));
  symlinkSync(join(outside, "secret.yaml"), join(folder, "deep.yaml"));
  symlinkSync(outside, join(folder, "out"));
  symlinkSync("inside/a", join(folder, "alias"));
  const rows: readonly (readonly [key: string, answer: RegExp])[] = [
    ["escape", /^not_allowed: .*symlink/],
    ["deep", /^not_allowed/],
    ["out/plain", /^not_allowed/],
    ["alias", /^fine$/],
  ];
  for (const [key, answer] of rows)
    test(`key ${key}`, async () => assert.match(await outcome(opened(folder), ref(key)), answer));
  test("a neighbour whose name only begins alike is outside", async () => {
    const twin = `${folder}-twin`;
    renameSync(folderOf({ x: "canary" }), twin);
    symlinkSync(join(twin, "x"), join(folder, "twin"));
    assert.match(await outcome(opened(folder), ref("twin")), /^not_allowed/);
    rmSync(twin, { recursive: true });
  });
});

suite("a root bounds what stores may name", () => {
  const root = folderOf({ "team/a": "fine" });
  const outside = folderOf({ a: "canary" });
  const css = { scope: "ClusterSecretStore", root, base: root } as const;
  test("a path below it", async () => assert.equal(await outcome(opened("team", css), ref("a")), "fine"));
  for (const path of ["..", "/etc", "team/../.."])
    test(`path ${path}`, () => {
      const parsed = openFile({ path }, css);
      assert.ok(!parsed.ok);
      assert.deepEqual(
        parsed.problems.map((one) => one.path),
        ["path"],
      );
    });
  test("a symlink out of it", async () => {
    symlinkSync(outside, join(root, "way-out"));
    assert.match(await outcome(opened("way-out", css), ref("a")), /^not_allowed: .*--file-store-root/);
  });
  test("a SecretStore is refused", () => assert.ok(!openFile({ path: "team" }, { ...css, scope: "SecretStore" }).ok));
});

suite("a file block that is wrong says where", () => {
  const rows: readonly (readonly [name: string, raw: unknown, path: string])[] = [
    ["no path", {}, "path"],
    ["an empty path", { path: "" }, "path"],
    ["a path that is no text", { path: 1 }, "path"],
    ["a NUL", { path: "a\0" }, "path"],
    ["an unknown field", { path: "a", pth: "b" }, "pth"],
  ];
  for (const [name, raw, path] of rows)
    test(name, () => {
      const parsed = openFile(raw);
      assert.ok(!parsed.ok);
      assert.equal(parsed.problems[0].path, path);
    });
});

suite("changes", () => {
  test("are seen by the next read, with another version", async () => {
    const folder = folderOf({ a: "old" });
    const { store } = opened(folder);
    const located = store.locate(ref("a"));
    const before = await store.fetch(located, {}, never);
    writeFileSync(join(folder, "a.new"), "new");
    renameSync(join(folder, "a.new"), join(folder, "a"));
    const after = await store.fetch(located, {}, never);
    assert.equal(after.value.reveal().toString(), "new");
    assert.notEqual(after.version, before.version);
    const again = await store.fetch(located, {}, never);
    assert.equal(again.version, after.version);
  });
  test("are watched at the store's path", () => {
    const watched: string[] = [];
    let changes = 0;
    let stopped = 0;
    const watchPath = (path: string, onChange: () => void): (() => void) => {
      watched.push(path);
      onChange();
      return () => stopped++;
    };
    const { store } = opened("values", { base: "/srv", watchPath });
    store.watch!(() => changes++)();
    assert.deepEqual([watched, changes, stopped, store.localPaths], [["/srv/values"], 1, 1, ["/srv/values"]]);
  });
  test("of a file that holds still for no reader are never half an answer", async () => {
    const folder = folderOf({ a: "0".repeat(100_000) });
    const { store } = opened(folder);
    const located = store.locate(ref("a"));
    for (let round = 1; round <= 40; round++) {
      const digit = String(round % 10);
      const read = store.fetch(located, {}, never).catch((thrown: unknown) => thrown);
      writeFileSync(join(folder, "a.new"), digit.repeat(100_000));
      renameSync(join(folder, "a.new"), join(folder, "a"));
      const answer = await read;
      assert.ok(answer && typeof answer === "object" && "value" in answer);
      assert.match((answer.value as { reveal(): Buffer }).reveal().toString(), /^(\d)\1{99999}$/);
    }
  });
});

test("each read is counted", async () => {
  const calls: string[] = [];
  const store = opened(folderOf({ a: "x" }), { calls });
  await outcome(store, ref("a"));
  await outcome(store, ref("b"));
  assert.deepEqual(calls, ["ReadFile success", "ReadFile error"]);
});

test("a file larger than 4 MiB is refused, YAML already at 1 MiB", async () => {
  const store = opened(
    folderOf({
      big: Buffer.alloc(4 * 1024 ** 2 + 1),
      fits: Buffer.alloc(1024 ** 2 + 1),
      "y.yaml": `a: ${"x".repeat(1024 ** 2)}`,
    }),
  );
  assert.match(await outcome(store, ref("big")), /^answer_too_large/);
  assert.match(await outcome(store, ref("y")), /^answer_too_large: .*1 MiB of YAML/);
  assert.equal((await outcome(store, ref("fits"))).length, 1024 ** 2 + 1);
});

const contractFolder = folderOf({ db: canaries.value });
const { mtimeNs, ino } = statSync(join(contractFolder, "db"), { bigint: true });
runLocalContractSuite("file", {
  open: () => opened(contractFolder).store,
  ref: ref("db"),
  proof: { kind: "none" },
  value: canaries.value,
  version: `${mtimeNs}-${ino}`,
  missing: ref("nope"),
});
