import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { systemClock } from "../../plugin/core/clock.ts";
import { openDirectory } from "../../plugin/directory/directory.ts";
import { Failure } from "../../plugin/core/failure.ts";
import { FakeClock } from "../fakes/clock.ts";
import { externalSecret, recordingLog, setUp, tempFolder, until } from "./setup.ts";

suite("folders that cannot be used together", { timeout: 30_000 }, () => {
  const rows: readonly (readonly [name: string, manifests: string, out: string, says: RegExp])[] = [
    ["one folder for both", "m", "m", /^--out: is the same folder as --manifests; /],
    ["the same by another way", "m", "link", /^--out: is the same folder/],
    ["manifests among the Secrets", "o/secrets/shop", "o", /^--manifests: lies where --out is written; /],
    ["manifests among the status files", "o/status", "o", /^--manifests: lies where/],
    ["a file as output", "m", "file", /^--out: cannot be made \((EEXIST|ENOTDIR)\); /],
    ["an output below a file", "m", "file/out", /^--out: cannot be made \(ENOTDIR\); /],
  ];
  for (const [name, manifests, out, says] of rows)
    test(name, async () => {
      const base = tempFolder();
      mkdirSync(join(base, "m"));
      symlinkSync("m", join(base, "link"));
      writeFileSync(join(base, "file"), "");
      const opening = openDirectory({
        manifests: join(base, manifests),
        out: join(base, out),
        as: "yaml",
        clock: systemClock,
        log: recordingLog(),
        localPathsOf: () => [],
      });
      await assert.rejects(opening, (thrown) => thrown instanceof Failure && says.test(thrown.message));
      rmSync(base, { recursive: true });
    });
});

suite("a directory", { timeout: 30_000 }, () => {
  test("opens on an empty folder, writes nothing by itself and closes without leftovers", async () => {
    const clock = new FakeClock();
    await using setup = await setUp({ clock });
    assert.deepEqual(setup.directory.externalSecrets.list(), []);
    assert.ok(setup.directory.ready());
    assert.deepEqual(readdirSync(setup.out), []);
    await setup.directory.close();
    assert.equal(clock.pending, 0);
  });
  test("holds a removal back until it is confirmed, and lets it count then", async () => {
    const clock = new FakeClock();
    await using setup = await setUp({ clock, files: { "a.yaml": externalSecret("a"), "b.yaml": externalSecret("b") } });
    const names = (): string =>
      setup.directory.externalSecrets
        .list()
        .map(({ key }) => key.name)
        .sort()
        .join();
    rmSync(join(setup.manifests, "a.yaml"));
    await until("the event has come", () => clock.pending === 1);
    await clock.advance(50);
    await until("the look has found it missing", () => clock.pending === 1);
    await clock.advance(249);
    assert.equal(names(), "a,b");
    await clock.advance(1);
    await until("it counts", () => names() === "b");
    assert.equal(clock.pending, 0);
  });
  test("a manifests folder that is a file is reported and awaited", async () => {
    await using setup = await setUp();
    rmSync(setup.manifests, { recursive: true });
    writeFileSync(setup.manifests, "");
    await setup.reopen();
    assert.equal(setup.directory.ready(), false);
    assert.ok(setup.log.lines.some(({ level, reason }) => level === "error" && reason === "ENOTDIR"));
    rmSync(setup.manifests);
    setup.put("a.yaml", externalSecret("a"));
    await until("it is found", () => setup.directory.externalSecrets.list().length === 1);
  });
});
