/** Secrets made of templates: labels, annotations, type and finalizers, what goes with them, and what stays. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createdBy,
  createdByLabel,
  dataHash,
  dataHashAnnotation,
  managedLabel,
} from "../../plugin/sync/secret-shape.ts";
import type { SecretWrite } from "../../plugin/sync/ports.ts";
import { dataOf } from "../fakes/sync-world.ts";
import { at, externalSecret, hourMs, openHouse, openStartedHouse, type House, type Wish } from "./house.ts";

const both = { PASSWORD: "db#password", USER: "db#user" };
const url = { URL: "{{ .USER }}:{{ .PASSWORD }}" };
const wish: Wish = {
  data: both,
  meta: { labels: { team: "pay" }, annotations: { note: "es" } },
  template: { type: "example.com/url", labels: { app: "{{ .USER }}" }, annotations: { by: "x" }, data: url },
};
const secretOf = (house: House) => house.world.secrets.get("shop/db")!;

test("a template alone says what the Secret holds; our own marks come on top", async () => {
  const template = {
    labels: { app: "{{ .USER }}", [managedLabel]: "false", [createdByLabel]: "somebody" },
    annotations: { by: "x", [dataHashAnnotation]: "forged" },
    data: url,
  };
  const house = await openStartedHouse({ ...wish, template });
  const { labels, annotations, type } = secretOf(house);
  assert.deepEqual(house.world.textOf(at("db")), { URL: "app:one" });
  assert.deepEqual(labels, { app: "app", [managedLabel]: "true", [createdByLabel]: createdBy(at("db")) });
  assert.deepEqual(annotations, { by: "x", [dataHashAnnotation]: dataHash(dataOf({ URL: "app:one" })) });
  assert.equal(type, "Opaque");
  await house.sync.stop();
});

test("without ownership a template cannot claim to have created the Secret", async () => {
  const template = { labels: { [createdByLabel]: createdBy(at("other")) }, data: url };
  const house = await openStartedHouse({ ...wish, template, target: { creationPolicy: "Orphan" } });
  assert.equal(secretOf(house).labels[createdByLabel], undefined);
  await house.sync.stop();
});

test("a rotated value is written through the template; one that makes no difference is not written", async () => {
  const house = await openStartedHouse(wish);
  house.reader.secrets.set("db", { password: "two", user: "app" });
  await house.advance(hourMs);
  assert.deepEqual(house.world.textOf(at("db")), { URL: "app:two" });
  const writes = house.world.writes.filter((write) => write.endsWith("replace shop/db")).length;
  house.world.apply(externalSecret({ ...wish, template: { ...wish.template, data: { URL: "{{ .USER }}:two" } } }));
  house.reader.secrets.set("db", { password: "three", user: "app" });
  await house.advance(hourMs);
  assert.deepEqual(house.world.textOf(at("db")), { URL: "app:two" });
  assert.equal(house.world.writes.filter((write) => write.endsWith("replace shop/db")).length, writes);
  await house.sync.stop();
});

test("labels, annotations and keys that the template no longer has go, foreign ones stay", async () => {
  const house = await openStartedHouse(wish);
  const { labels, annotations } = secretOf(house);
  house.world.edit(at("db"), { labels: { ...labels, mine: "1" }, annotations: { ...annotations, yours: "2" } });
  await house.rest();
  house.world.apply(
    externalSecret({ ...wish, template: { ...wish.template, labels: {}, annotations: {}, data: { A: "a" } } }),
  );
  await house.rest();
  const after = secretOf(house);
  assert.deepEqual(Object.keys(after.labels).sort(), ["mine", createdByLabel, managedLabel].sort());
  assert.deepEqual(Object.keys(after.annotations).sort(), [dataHashAnnotation, "yours"].sort());
  assert.deepEqual(house.world.textOf(at("db")), { A: "a" });
  await house.sync.stop();
});

test("a template put on and taken off changes whose labels the Secret has", async () => {
  const plain: Wish = { data: both, meta: wish.meta! };
  const house = await openStartedHouse(plain);
  assert.equal(secretOf(house).labels["team"], "pay");
  house.world.apply(externalSecret({ ...wish, template: { labels: { app: "a" } } }));
  await house.rest();
  assert.deepEqual([secretOf(house).labels["team"], secretOf(house).labels["app"]], [undefined, "a"]);
  house.world.apply(externalSecret(plain));
  await house.rest();
  assert.deepEqual([secretOf(house).labels["team"], secretOf(house).labels["app"]], ["pay", undefined]);
  await house.sync.stop();
});

test("merged into a foreign Secret, what the template makes wins and everything else stays", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one", user: "app" });
  house.world.edit(at("db"), { data: dataOf({ KEPT: "theirs", URL: "theirs" }), type: "kubernetes.io/tls" });
  const template = { labels: { app: "x" }, data: url };
  house.world.apply(externalSecret({ data: both, template, target: { creationPolicy: "Merge" } }));
  house.sync.start();
  await house.rest();
  assert.deepEqual(house.world.textOf(at("db")), { KEPT: "theirs", URL: "app:one" });
  assert.equal(secretOf(house).type, "kubernetes.io/tls");
  await house.sync.stop();
});

test("another type means a new Secret for its owner", async () => {
  const house = await openStartedHouse({ data: both, template: { data: url } });
  house.world.apply(externalSecret({ data: both, template: { data: url, type: "example.com/url" } }));
  await house.rest();
  assert.equal(secretOf(house).type, "example.com/url");
  assert.ok(house.world.writes.includes("remove shop/db"));
  await house.sync.stop();
});

for (const creationPolicy of ["Merge", "CreateOrMerge", "Orphan"] as const)
  test(`another type is refused with creationPolicy ${creationPolicy}, which deletes nothing`, async () => {
    const house = openHouse();
    house.reader.secrets.set("db", { password: "one", user: "app" });
    house.world.edit(at("db"), { data: dataOf({ KEPT: "theirs" }) });
    house.world.apply(externalSecret({ ...wish, target: { creationPolicy } }));
    house.sync.start();
    await house.rest();
    assert.deepEqual(house.world.textOf(at("db")), { KEPT: "theirs" });
    assert.match(
      house.ready("db"),
      /\[target_immutable\] Secret db has type Opaque, which cannot be changed to example/,
    );
    await house.sync.stop();
  });

const typed: readonly (readonly [type: string, data: Record<string, string>, told: string | undefined])[] = [
  ["kubernetes.io/tls", { "tls.crt": "x" }, "type kubernetes.io/tls asks for the key tls.key: add it"],
  ["kubernetes.io/tls", { "tls.crt": "x", "tls.key": "y" }, undefined],
  [
    "kubernetes.io/dockerconfigjson",
    { a: "" },
    "type kubernetes.io/dockerconfigjson asks for the key .dockerconfigjson",
  ],
  ["kubernetes.io/dockerconfigjson", { ".dockerconfigjson": "{" }, "asks for JSON under the key .dockerconfigjson"],
  ["kubernetes.io/dockerconfigjson", { ".dockerconfigjson": "{}" }, undefined],
  ["kubernetes.io/basic-auth", { a: "x" }, "type kubernetes.io/basic-auth asks for the key username or password"],
  ["kubernetes.io/basic-auth", { password: "x" }, undefined],
];
for (const [type, data, told] of typed)
  test(`a ${type} of ${Object.keys(data).join(", ")} is ${told ? "refused, and the Secret before it stays" : "written"}`, async () => {
    const house = await openStartedHouse({ data: both, template: { data: url } });
    house.world.apply(externalSecret({ data: both, template: { type, data } }));
    await house.rest();
    if (told === undefined) assert.equal(secretOf(house).type, type, house.ready("db"));
    else {
      assert.ok(house.ready("db").includes(told), house.ready("db"));
      assert.deepEqual(house.world.textOf(at("db")), { URL: "app:one" });
    }
    await house.sync.stop();
  });

test("finalizers of the template go with each write", async () => {
  const house = openHouse();
  const sent: SecretWrite[] = [];
  const create = house.world.targets.create.bind(house.world.targets);
  Object.assign(house.world.targets, {
    create: (write: SecretWrite, signal: AbortSignal) => (sent.push(write), create(write, signal)),
  });
  house.reader.secrets.set("db", { password: "one", user: "app" });
  house.world.apply(externalSecret({ ...wish, template: { data: url, finalizers: ["example.com/hold"] } }));
  house.sync.start();
  await house.rest();
  assert.deepEqual(
    sent.map(({ finalizers }) => finalizers),
    [["example.com/hold"]],
  );
  await house.sync.stop();
});

test("a template that fails leaves the Secret, which is still repaired, and is tried again when it changes", async () => {
  const house = await openStartedHouse(wish);
  house.world.apply(externalSecret({ ...wish, template: { data: { URL: "{{ .NOBODY }}" } } }));
  await house.rest();
  assert.match(house.ready("db"), /^False .*\[template_failed\] spec\.target\.template\.data\[URL\]: no NOBODY/);
  house.world.tamper(at("db"), { URL: "evil" });
  await house.advance(1_000);
  assert.deepEqual(house.world.textOf(at("db")), { URL: "app:one" });
  house.world.apply(externalSecret(wish));
  await house.rest();
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  await house.sync.stop();
});

test("a label that holds a value is repaired without the store, after a restart too", async () => {
  const house = await openStartedHouse(wish);
  house.reader.refusal = "store_sealed";
  const relabel = (): void =>
    house.world.edit(at("db"), { labels: { ...secretOf(house).labels, app: "evil" }, lastWriter: "mallory" });
  relabel();
  await house.advance(1_000);
  assert.equal(secretOf(house).labels["app"], "app");
  await house.restart();
  relabel();
  await house.advance(60_000);
  assert.equal(secretOf(house).labels["app"], "app");
  assert.equal(house.reader.terms.length, 0, "nothing was read");
  await house.sync.stop();
});

test("one that was edited while nobody looked waits for the store, which alone can tell what it was", async () => {
  const house = await openStartedHouse(wish);
  await house.replace();
  house.reader.refusal = "store_sealed";
  house.world.edit(at("db"), { labels: { ...secretOf(house).labels, app: "evil" } });
  house.sync.start();
  await house.advance(60_000);
  assert.equal(secretOf(house).labels["app"], "evil");
  assert.match(house.ready("db"), /^False/);
  house.reader.refusal = undefined;
  await house.advance(300_000);
  assert.equal(secretOf(house).labels["app"], "app");
  await house.sync.stop();
});

test("a restart within the interval reads and writes nothing", async () => {
  const house = await openStartedHouse(wish);
  const writes = house.world.writes.length;
  await house.restart();
  assert.deepEqual([house.reader.terms.length, house.world.writes.length], [0, writes]);
  await house.sync.stop();
});

test("where the source is gone, the template makes nothing: labels stay, keys go with deletionPolicy Merge", async () => {
  const house = await openStartedHouse({
    ...wish,
    target: { creationPolicy: "CreateOrMerge", deletionPolicy: "Merge" },
  });
  house.reader.secrets.delete("db");
  await house.advance(hourMs);
  assert.deepEqual(house.world.textOf(at("db")), {});
  assert.equal(secretOf(house).labels["app"], "app");
  await house.sync.stop();
});

test("a template that makes no key of what there is writes an empty Secret, and loses nothing by that", async () => {
  const house = await openStartedHouse({ ...wish, template: { data: { A: "a" } } });
  const templateFrom = [{ literal: "a: b", target: "Labels", decoding: "None" }] as const;
  house.world.apply(externalSecret({ ...wish, template: { labels: { app: "x" }, templateFrom } }));
  await house.rest();
  assert.match(house.ready("db"), /^True/);
  assert.deepEqual([house.world.textOf(at("db")), secretOf(house).labels["app"]], [{}, "x"]);
  await house.sync.stop();
});
