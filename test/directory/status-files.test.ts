import assert from "node:assert/strict";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { StatusFiles } from "../../plugin/directory/status-files.ts";
import type { ExternalSecretStatus } from "../../plugin/sync/ports.ts";
import { FakeClock } from "../fakes/clock.ts";
import { never, read, recordingLog, setUp, store, tempFolder, until } from "./setup.ts";

const key = { namespace: "shop", name: "db" };
const full: ExternalSecretStatus = {
  refreshTime: "2026-01-01T00:00:00Z",
  syncedResourceVersion: "17-abc",
  binding: { name: "db" },
  conditions: [
    {
      type: "Ready",
      status: "True",
      reason: "SecretSynced",
      message: "secret synced: 'x'",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    },
  ],
  keyferry: {
    digest: "00ff",
    storeKind: "vault",
    own: { policy: "Owner", type: "Opaque", immutable: false, keys: ["a", "on"], labels: [], annotations: ["x/y"] },
  },
};

function open(): {
  out: string;
  clock: FakeClock;
  log: ReturnType<typeof recordingLog>;
  statuses: StatusFiles;
  text: () => string;
} {
  const [out, clock, log] = [tempFolder(), new FakeClock(), recordingLog()];
  const statuses = new StatusFiles({ out, clock, log });
  return { out, clock, log, statuses, text: () => read(join(out, "status/ExternalSecret/shop/db.yaml")) ?? "" };
}

suite("status files", { timeout: 30_000 }, () => {
  test("are read back by the next run as they were written", async () => {
    const { out, clock, log, statuses } = open();
    await statuses.write(key, full);
    assert.deepEqual(await new StatusFiles({ out, clock, log }).read(key), full);
    assert.equal(await statuses.read({ ...key, name: "other" }), undefined);
    rmSync(out, { recursive: true });
  });
  test("hold conditions and events, and the same file is written once", async () => {
    const { out, clock, statuses, text } = open();
    statuses.emit(key, "Normal", "Created", "secret created");
    await statuses.write(key, full);
    await clock.advance(60_000);
    statuses.emit(key, "Normal", "Created", "secret created");
    statuses.emit(key, "Warning", "UpdateFailed", "no: way");
    await statuses.close();
    const document = parse(text()) as { events: unknown; conditions: unknown };
    assert.deepEqual(document.conditions, full.conditions);
    assert.deepEqual(document.events, [
      { time: "2026-01-01T00:01:00Z", type: "Normal", reason: "Created", message: "secret created", count: 2 },
      { time: "2026-01-01T00:01:00Z", type: "Warning", reason: "UpdateFailed", message: "no: way", count: 1 },
    ]);
    const { ino } = statSync(join(out, "status/ExternalSecret/shop/db.yaml"));
    await statuses.write(key, full);
    assert.equal(statSync(join(out, "status/ExternalSecret/shop/db.yaml")).ino, ino, "unchanged, so not replaced");
    rmSync(out, { recursive: true });
  });
  test("keep the last 20 events", async () => {
    const { out, statuses, text } = open();
    for (let i = 1; i <= 25; i++) statuses.emit(key, "Normal", "Updated", `change ${i}`);
    await statuses.close();
    const { events } = parse(text()) as { events: { message: string }[] };
    assert.deepEqual([events.length, events[0]?.message, events.at(-1)?.message], [20, "change 6", "change 25"]);
    rmSync(out, { recursive: true });
  });
  test("an edit by hand is undone by the next write, and is never believed", async () => {
    const { out, statuses, text } = open();
    await statuses.write(key, full);
    writeFileSync(join(out, "status/ExternalSecret/shop/db.yaml"), text().replace("00ff", "forged"));
    assert.equal((await statuses.read(key))?.keyferry?.digest, "00ff");
    await statuses.write(key, full);
    assert.doesNotMatch(text(), /forged/);
    rmSync(join(out, "status"), { recursive: true });
    await statuses.write(key, full);
    assert.match(text(), /00ff/);
    rmSync(out, { recursive: true });
  });
  for (const [name, spoilt] of [
    ["no YAML", "{{{"],
    ["a list", "- a"],
    ["wrong types", "conditions: yes"],
    ["a digest without parts", "keyferry: {digest: x}"],
  ] as const)
    test(`one that was edited into ${name} before the start says nothing`, async () => {
      const { out, clock, log, statuses } = open();
      await statuses.write(key, full);
      writeFileSync(join(out, "status/ExternalSecret/shop/db.yaml"), spoilt);
      assert.equal(await new StatusFiles({ out, clock, log }).read(key), undefined);
      rmSync(out, { recursive: true });
    });
  test("go with their object, and a late event does not bring them back", async () => {
    const { out, statuses, text } = open();
    await statuses.write(key, full);
    await statuses.forget(key);
    statuses.emit(key, "Normal", "Deleted", "secret deleted");
    await statuses.close();
    assert.equal(text(), "");
    assert.equal(await statuses.read(key), undefined);
    await statuses.write(key, full);
    assert.match(text(), /SecretSynced/);
    rmSync(out, { recursive: true });
  });
  test("that cannot be written fail the write, and drop an event with a line", async () => {
    const { out, log, statuses } = open();
    writeFileSync(join(out, "status"), "in the way");
    await assert.rejects(statuses.write(key, full), { code: "target_refused" });
    statuses.emit(key, "Normal", "Created", "secret created");
    await statuses.close();
    assert.deepEqual(
      log.lines.map(({ sentence, code }) => [sentence, code]),
      [["an event was dropped", "target_refused"]],
    );
    rmSync(out, { recursive: true });
  });
});

suite("status files of a directory", { timeout: 30_000 }, () => {
  const ready = {
    type: "Ready",
    status: "True",
    reason: "Valid",
    message: "store validated",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  } as const;
  test("of a store go with the store", async () => {
    await using setup = await setUp({ files: { "s.yaml": store("all", { kind: "ClusterSecretStore" }) } });
    await setup.directory.storeStatuses.write(
      { kind: "ClusterSecretStore", namespace: "", name: "all" },
      { ready },
      never,
    );
    assert.match(setup.output("status/ClusterSecretStore/all.yaml")!, /reason: Valid/);
    rmSync(join(setup.manifests, "s.yaml"));
    await until("it is gone", () => setup.output("status/ClusterSecretStore/all.yaml") === undefined);
  });
  test("of a store are read back, beside a condition that the folder sets, and are not written once it is gone", async () => {
    await using setup = await setUp({ files: { "s.yaml": store("files") } });
    const { storeStatuses } = setup.directory;
    const storeKey = { kind: "SecretStore", namespace: "shop", name: "files" } as const;
    assert.equal(await storeStatuses.read(storeKey, never), undefined);
    await storeStatuses.write(storeKey, { ready, capabilities: "ReadOnly" }, never);
    setup.directory.storeStatuses.emit(storeKey, "Normal", "Valid", "store validated");
    assert.deepEqual(await storeStatuses.read(storeKey, never), { ready, capabilities: "ReadOnly" });
    assert.match(setup.output("status/SecretStore/shop/files.yaml")!, /^events:\n.*\n.*\n +reason: Valid/m);
    await setup.reopen();
    assert.deepEqual(await setup.directory.storeStatuses.read(storeKey, never), { ready, capabilities: "ReadOnly" });
    rmSync(join(setup.manifests, "s.yaml"));
    await until("it is gone", () => setup.output("status/SecretStore/shop/files.yaml") === undefined);
    await setup.directory.storeStatuses.write(storeKey, { ready }, never);
    assert.equal(setup.output("status/SecretStore/shop/files.yaml"), undefined, "a validation that ends late");
  });
  const leftovers: readonly (readonly [name: string, files: Record<string, string>, stays: boolean])[] = [
    ["goes when all manifests are read and it is not among them", { "s.yaml": store("files") }, false],
    ["stays without a single manifest: the folder may not be mounted yet", {}, true],
    ["stays beside a broken file: it may be in there", { "s.yaml": store("files"), "broken.yaml": "kind: [" }, true],
  ];
  for (const [name, files, stays] of leftovers)
    test(`of an ExternalSecret without a manifest at start ${name}`, async () => {
      await using setup = await setUp();
      await setup.directory.statuses.write(key, full, never);
      await setup.directory.close();
      for (const [file, text] of Object.entries(files)) setup.put(file, text);
      await setup.reopen();
      assert.equal(setup.output("status/ExternalSecret/shop/db.yaml") !== undefined, stays);
    });
  test("left by an earlier run for what is no longer so are removed, those of ExternalSecrets stay in an empty folder", async () => {
    await using setup = await setUp({ files: { "broken.yaml": "kind: [", "s.yaml": store("files") } });
    await setup.directory.storeStatuses.write(
      { kind: "SecretStore", namespace: "shop", name: "files" },
      { ready },
      never,
    );
    await setup.directory.statuses.write(key, full, never);
    await until("the report is there", () => setup.output("status/File/broken.yaml.yaml") !== undefined);
    await setup.directory.close();
    rmSync(join(setup.manifests, "broken.yaml"));
    rmSync(join(setup.manifests, "s.yaml"));
    await setup.reopen();
    assert.equal(setup.output("status/File/broken.yaml.yaml"), undefined);
    assert.equal(setup.output("status/SecretStore/shop/files.yaml"), undefined);
    assert.ok(setup.output("status/ExternalSecret/shop/db.yaml"));
  });
});
