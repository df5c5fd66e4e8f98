import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { Failure } from "../../plugin/core/failure.ts";
import { loadOrCreateKey } from "../../plugin/files/key-file.ts";

suite("the key file", () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "keyferry-key-"));
  });
  after(() => rm(root, { recursive: true, force: true }));

  const refusal = (path: string, message: RegExp) =>
    assert.rejects(loadOrCreateKey(path), (thrown: unknown) => {
      assert.ok(thrown instanceof Failure);
      assert.match(thrown.message, message);
      assert.ok(thrown.message.includes(path), "names the file");
      return true;
    });

  test("is made with its folder, for its owner alone, and read again", async () => {
    const path = join(root, "made", "deep", "version-key");
    const key = await loadOrCreateKey(path);
    assert.equal(key.length, 32);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(join(root, "made", "deep"))).mode & 0o777, 0o700);
    assert.deepEqual(await loadOrCreateKey(path), key);
    assert.deepEqual(await readdir(join(root, "made", "deep")), ["version-key"], "no draft is left");
  });

  test("is one key for everybody who starts at the same moment", async () => {
    const path = join(root, "race-key");
    const keys = await Promise.all(Array.from({ length: 20 }, () => loadOrCreateKey(path)));
    assert.equal(new Set(keys.map((key) => key.toString("hex"))).size, 1);
  });

  test("is one key for processes that start at the same moment", async () => {
    const path = join(root, "process-race-key");
    const module = new URL("../../plugin/files/key-file.ts", import.meta.url).href;
    // Each says that it is loaded and then waits for a line, so that they run at once.
    const script = `
      import { loadOrCreateKey } from ${JSON.stringify(module)};
      process.stdout.write("ready\\n");
      process.stdin.once("data", async () => {
        process.stdout.write((await loadOrCreateKey(${JSON.stringify(path)})).toString("hex"));
        process.stdin.destroy();
      });`;
    const children = [0, 1, 2].map(() => spawn(process.execPath, ["--input-type=module", "-e", script]));
    const outputs = children.map((child) => {
      const chunks: Buffer[] = [];
      child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
      return chunks;
    });
    await Promise.all(children.map((child) => once(child.stdout, "data")));
    const ends = children.map((child) => once(child, "close"));
    for (const child of children) child.stdin.write("go\n");
    await Promise.all(ends);
    const keys = outputs.map((chunks) => Buffer.concat(chunks).toString().replace("ready\n", ""));
    assert.equal(new Set(keys).size, 1);
    assert.equal(keys[0], (await readFile(path)).toString("hex"));
  });

  for (const size of [0, 31, 33, 64])
    test(`is refused with ${size} bytes`, async () => {
      const path = join(root, `size-${size}`);
      await writeFile(path, Buffer.alloc(size), { mode: 0o600 });
      await refusal(path, /32; remove it/);
    });

  for (const mode of [0o644, 0o640, 0o660, 0o602, 0o666])
    test(`is refused when others can use it: mode 0${mode.toString(8)}`, async () => {
      const path = join(root, `mode-${mode}`);
      await writeFile(path, Buffer.alloc(32));
      await chmod(path, mode);
      await refusal(path, new RegExp(`mode 0${mode.toString(8)}`));
    });

  test("is refused when it is a symlink", async () => {
    await symlink("made/deep/version-key", join(root, "link"));
    await refusal(join(root, "link"), /symlink/);
  });

  test("is refused when it is a folder", async () => {
    await mkdir(join(root, "folder"));
    await refusal(join(root, "folder"), /not a regular file/);
  });

  test("is refused at once when it is a pipe", async () => {
    await promisify(execFile)("mkfifo", [join(root, "pipe")]);
    await refusal(join(root, "pipe"), /not a regular file/);
  });

  test("is reported when its folder cannot be made", async () => {
    await writeFile(join(root, "a-file"), "");
    await refusal(join(root, "a-file", "key"), /ENOTDIR/);
  });
});
