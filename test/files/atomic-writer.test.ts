import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, suite, test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import { publishFiles } from "../../plugin/files/atomic-writer.ts";
import type { FileSet } from "../../plugin/files/file-set.ts";
import { dyingFs, failingFs } from "./failing-fs.ts";

type Texts = Readonly<Record<string, string>>;

const files = (texts: Texts, mode = 0o644): FileSet =>
  Object.entries(texts).map(([path, text]) => ({ path, mode, contents: SecretValue.fromText(text) }));

const oldTexts: Texts = {
  user: "ann",
  "db/password": "old-password",
  "db/deep/key": "old-key",
  gone: "g",
  was: "file",
};
const newTexts: Texts = { user: "bob", "db/password": "new-password", fresh: "f", "was/folder": "now", empty: "" };

/** What somebody sees who follows the names: dangling ones are not there. */
async function seen(folder: string): Promise<Texts> {
  const texts: Record<string, string> = {};
  const walk = async (path: string): Promise<void> => {
    const found = await stat(join(folder, path)).catch(() => undefined);
    if (found?.isFile()) texts[path] = await readFile(join(folder, path), "utf8");
    if (found?.isDirectory()) for (const name of await readdir(join(folder, path))) await walk(join(path, name));
  };
  for (const name of await readdir(folder)) if (!name.startsWith("..")) await walk(name);
  return texts;
}

/** Exactly one version folder, `..data`, and one link per first component. */
async function assertNoDebris(folder: string, texts: Texts): Promise<void> {
  const names = await readdir(folder);
  const version = await readlink(join(folder, "..data"));
  const wanted = new Set([...Object.keys(texts).map((path) => path.split("/")[0]!), "..data", version]);
  assert.deepEqual(new Set(names), wanted);
}

const sorted = (texts: Texts): string => JSON.stringify(Object.entries(texts).sort());

suite("publishing a folder of files", () => {
  let root: string;
  let folder: string;
  let count = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "keyferry-files-"));
  });
  beforeEach(() => {
    folder = join(root, String(count++), "out");
  });
  after(() => rm(root, { recursive: true, force: true }));

  const holds = async (texts: Texts): Promise<void> => {
    assert.equal(sorted(await seen(folder)), sorted(texts));
    await assertNoDebris(folder, texts);
  };

  test("makes the folder, the files and their names", async () => {
    assert.equal(await publishFiles(folder, files(oldTexts)), "changed");
    await holds(oldTexts);
    assert.equal(await readlink(join(folder, "db")), "..data/db");
    assert.match(await readlink(join(folder, "..data")), /^\.\.v-[^/]+$/);
  });

  test("a folder given with a closing slash or dots works the same", async () => {
    await publishFiles(`${root}/./x/../${count}/out/`, files(oldTexts));
    folder = join(root, String(count), "out");
    await holds(oldTexts);
  });

  test("touches nothing when nothing changed", async () => {
    await publishFiles(folder, files(oldTexts));
    const version = await readlink(join(folder, "..data"));
    const before = await stat(folder, { bigint: true });
    assert.equal(await publishFiles(folder, files(oldTexts)), "unchanged");
    assert.equal(await readlink(join(folder, "..data")), version);
    assert.equal((await stat(folder, { bigint: true })).ctimeNs, before.ctimeNs);
  });

  test("replaces values, adds names, removes obsolete ones, turns a file into a folder", async () => {
    await publishFiles(folder, files(oldTexts));
    assert.equal(await publishFiles(folder, files(newTexts)), "changed");
    await holds(newTexts);
    await publishFiles(folder, files(oldTexts));
    await holds(oldTexts);
  });

  test("publishes the empty set", async () => {
    await publishFiles(folder, files(oldTexts));
    assert.equal(await publishFiles(folder, []), "changed");
    await holds({});
    assert.equal(await publishFiles(folder, []), "unchanged");
  });

  test("gives every file exactly its mode, whatever the umask", async () => {
    const mask = process.umask(0o077);
    try {
      for (const mode of [0o644, 0o777, 0o400, 0o000])
        await publishFiles(join(folder, mode.toString(8)), files({ "a/b/c": "x" }, mode));
    } finally {
      process.umask(mask);
    }
    for (const mode of [0o644, 0o777, 0o400, 0o000]) {
      const path = join(folder, mode.toString(8));
      assert.equal((await stat(join(path, "a/b/c"))).mode & 0o7777, mode);
      for (const parent of ["..data", "a", "a/b"]) assert.equal((await stat(join(path, parent))).mode & 0o7777, 0o755);
    }
  });

  test("a change of mode alone is a change", async () => {
    await publishFiles(folder, files(oldTexts, 0o644));
    assert.equal(await publishFiles(folder, files(oldTexts, 0o400)), "changed");
    assert.equal((await stat(join(folder, "db/password"))).mode & 0o777, 0o400);
    assert.equal(await publishFiles(folder, files(oldTexts, 0o400)), "unchanged");
  });

  test("keeps bytes as they are", async () => {
    const bytes = Buffer.from([0, 255, 254, 10, 13, 0]);
    await publishFiles(folder, [{ path: "b", mode: 0o600, contents: new SecretValue(bytes) }]);
    assert.deepEqual(await readFile(join(folder, "b")), bytes);
  });

  const drifts: readonly { name: string; drift: (folder: string) => Promise<unknown> }[] = [
    { name: "an edited file", drift: (f) => writeFile(join(f, "user"), "evil") },
    { name: "an edit of the same length", drift: (f) => writeFile(join(f, "user"), "eve") },
    { name: "a changed mode", drift: (f) => chmod(join(f, "user"), 0o666) },
    { name: "a changed mode of a folder", drift: (f) => chmod(join(f, "..data/db"), 0o777) },
    { name: "a removed file", drift: (f) => unlink(join(f, "..data/user")) },
    { name: "an added file beside ours", drift: (f) => writeFile(join(f, "..data/extra"), "") },
    { name: "a removed name", drift: (f) => unlink(join(f, "user")) },
    { name: "a name pointing elsewhere", drift: (f) => retarget(join(f, "user"), "/etc/hostname") },
    { name: "a name replaced by a file, as editors do", drift: (f) => replaceByFile(join(f, "user")) },
    { name: "a name replaced by a folder", drift: (f) => replaceByFolder(join(f, "db")) },
    { name: "a file replaced by a symlink", drift: (f) => retarget(join(f, "..data/user"), "/etc/hostname") },
    { name: "`..data` removed", drift: (f) => unlink(join(f, "..data")) },
    { name: "`..data` pointing elsewhere", drift: (f) => retarget(join(f, "..data"), "/etc") },
    { name: "`..data` replaced by a folder", drift: (f) => replaceByFolder(join(f, "..data")) },
    { name: "`..data` replaced by a file", drift: (f) => replaceByFile(join(f, "..data")) },
    { name: "an obsolete name that came back", drift: (f) => symlink("..data/gone2", join(f, "gone2")) },
  ];
  for (const { name, drift } of drifts)
    test(`repairs ${name}`, async () => {
      await publishFiles(folder, files(oldTexts));
      await drift(folder);
      assert.equal(await publishFiles(folder, files(oldTexts)), "changed");
      await holds(oldTexts);
      assert.equal(await publishFiles(folder, files(oldTexts)), "unchanged");
    });

  test("leaves alone what it did not make", async () => {
    await publishFiles(folder, files(oldTexts));
    await writeFile(join(folder, "notes.txt"), "mine");
    await symlink("/etc/hostname", join(folder, "link"));
    await mkdir(join(folder, "..backup"));
    assert.equal(await publishFiles(folder, files(newTexts)), "changed");
    assert.equal(await readFile(join(folder, "notes.txt"), "utf8"), "mine");
    assert.equal(await readlink(join(folder, "link")), "/etc/hostname");
    assert.ok((await lstat(join(folder, "..backup"))).isDirectory());
  });

  const unsafe: readonly { name: string; texts: Texts }[] = [
    { name: "a way out of the folder", texts: { "../evil": "x" } },
    { name: "an absolute name", texts: { "/tmp/evil": "x" } },
    { name: "a name of the layout", texts: { "..data/x": "x" } },
    { name: "a file that is another's folder", texts: { a: "x", "a/b": "x" } },
  ];
  for (const { name, texts } of unsafe)
    test(`refuses ${name} before it touches anything`, async () => {
      await assert.rejects(publishFiles(folder, files(texts)), { code: "target_refused" });
      await assert.rejects(lstat(folder), { code: "ENOENT" });
    });

  test("killed at any change of a publish, shows the old set or the new one whole, and recovers", async () => {
    const outcomes = { old: 0, new: 0 };
    let finished = false;
    for (let n = 0; !finished; n++) {
      const here = join(folder, String(n));
      await publishFiles(here, files(oldTexts));
      finished = await publishFiles(here, files(newTexts), dyingFs(n)).then(
        () => true,
        () => false,
      );
      const now = sorted(await seen(here));
      assert.ok(now === sorted(oldTexts) || now === sorted(newTexts), `mixed after change ${n}: ${now}`);
      outcomes[now === sorted(oldTexts) ? "old" : "new"]++;
      await publishFiles(here, files(newTexts));
      assert.equal(sorted(await seen(here)), sorted(newTexts));
      await assertNoDebris(here, newTexts);
    }
    assert.ok(outcomes.old > 10 && outcomes.new > 2, "the kill came on both sides of the switch");
  });

  test("killed during the first publish, shows nothing or all, and recovers", async () => {
    let finished = false;
    for (let n = 0; !finished; n++) {
      const here = join(folder, String(n));
      finished = await publishFiles(here, files(newTexts), dyingFs(n)).then(
        () => true,
        () => false,
      );
      const now = sorted(await seen(here).catch(() => ({})));
      assert.ok(now === sorted({}) || now === sorted(newTexts), `half a set after change ${n}: ${now}`);
      await publishFiles(here, files(newTexts));
      assert.equal(sorted(await seen(here)), sorted(newTexts));
      await assertNoDebris(here, newTexts);
    }
  });

  for (const code of ["ENOSPC", "EMFILE", "EACCES"])
    test(`${code} at any change is reported, leaves a whole set and no half-written one`, async () => {
      let finished = false;
      for (let n = 0; !finished; n++) {
        const here = join(folder, String(n));
        await publishFiles(here, files(oldTexts));
        finished = await publishFiles(here, files(newTexts), failingFs(n, code)).then(
          () => true,
          (thrown: unknown) => {
            assert.ok(thrown instanceof Failure && thrown.code === "target_refused");
            assert.match(thrown.message, new RegExp(`cannot write .*${code}`));
            return false;
          },
        );
        const now = sorted(await seen(here));
        assert.ok(now === sorted(oldTexts) || now === sorted(newTexts), `mixed after change ${n}`);
        const drafts = (await readdir(here)).filter((name) => name.startsWith("..v-"));
        assert.ok(drafts.length <= 2);
        if (now === sorted(oldTexts)) assert.equal(drafts.length, 1, `a half-written version stayed after ${n}`);
        await publishFiles(here, files(newTexts));
        await assertNoDebris(here, newTexts);
      }
    });

  test("a reader never meets a mixture while sets follow each other", async () => {
    const set = (generation: number): FileSet => {
      const shared: Record<string, string> = {};
      for (let i = 0; i < 5; i++) shared[`d/${i}`] = `generation ${generation}`;
      shared[`only-${generation % 3}`] = `generation ${generation}`;
      return files(shared);
    };
    await publishFiles(folder, set(0));
    let running = true;
    let whole = 0;
    const reader = async (): Promise<void> => {
      while (running) {
        const name = await readlink(join(folder, "..data"));
        const version = join(folder, name);
        const texts = await Promise.all(
          (await readdir(version, { recursive: true, withFileTypes: true }))
            .filter((entry) => entry.isFile())
            .map((entry) => readFile(join(entry.parentPath, entry.name), "utf8")),
        ).catch((thrown: NodeJS.ErrnoException) => {
          assert.equal(thrown.code, "ENOENT", "the only disturbance is that an old version is gone");
          return undefined;
        });
        // A version is taken away only after the switch to the next one.
        if (!texts || (await readlink(join(folder, "..data"))) !== name) continue;
        assert.equal(texts.length, 6);
        assert.equal(new Set(texts).size, 1, "all of one generation");
        whole++;
      }
    };
    const reading = reader();
    for (let generation = 1; generation <= 60; generation++) await publishFiles(folder, set(generation));
    while (whole === 0) await new Promise((resolve) => setImmediate(resolve));
    running = false;
    await reading;
  });

  test("a publisher process killed with SIGKILL leaves a whole set", async () => {
    const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const script = `
      import { publishFiles } from ${module("../../plugin/files/atomic-writer.ts")};
      import { SecretValue } from ${module("../../plugin/core/secret-value.ts")};
      import { watchedFs } from ${module("./failing-fs.ts")};
      const texts = ${JSON.stringify(newTexts)};
      const files = Object.entries(texts).map(([path, text]) => ({ path, mode: 0o644, contents: SecretValue.fromText(text) }));
      await publishFiles(process.argv[1], files, watchedFs((index) => {
        if (index === Number(process.argv[2])) process.kill(process.pid, "SIGKILL");
      }));`;
    for (const n of [1, 5, 9, 12, 15, 18, 20, 22]) {
      const here = join(folder, String(n));
      await publishFiles(here, files(oldTexts));
      const child = spawn(process.execPath, ["--input-type=module", "-e", script, here, String(n)]);
      const [, signal] = (await once(child, "close")) as [number | null, string | null];
      assert.equal(signal, "SIGKILL", `change ${n} exists`);
      const now = sorted(await seen(here));
      assert.ok(now === sorted(oldTexts) || now === sorted(newTexts), `mixed after change ${n}`);
      await publishFiles(here, files(newTexts));
      await assertNoDebris(here, newTexts);
    }
  });
});

async function retarget(path: string, target: string): Promise<void> {
  await rm(path, { recursive: true });
  await symlink(target, path);
}

async function replaceByFile(path: string): Promise<void> {
  await writeFile(`${path}.new`, "by hand");
  await rename(`${path}.new`, path);
}

async function replaceByFolder(path: string): Promise<void> {
  await rm(path);
  await mkdir(join(path, "inner"), { recursive: true });
  await writeFile(join(path, "inner", "file"), "by hand");
}
