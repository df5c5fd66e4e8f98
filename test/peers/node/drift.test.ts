/**
 * Somebody edits the Secrets that keyferry keeps: whatever the edit was, the Secret is as before and who did it is told,
 * while the store answers, while it is sealed, and when it is gone altogether.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dataHash } from "../../../plugin/sync/secret-shape.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { KubeAdmin } from "../kube/admin.ts";
import { until } from "../../scenario/program.ts";
import { type KubeObject, secretText } from "../kube/objects.ts";
import {
  type BaoWorld,
  beats,
  conditionOf,
  eventsOn,
  externalSecretPath,
  makeBaoStore,
  secretPath,
  startBaoWorld,
  startMetronome,
  untilData,
  untilEvent,
  untilReady,
} from "./sync-world.ts";

let world: BaoWorld;
let mallory: KubeAdmin;

before(async () => {
  world = await startBaoWorld({ namespaces: ["shop", "aside"] });
  mallory = world.admin.as("mallory", { manager: "kubectl-edit" });
  await world.bao.put("secret/data/shop/db", { PASSWORD: "right", USERNAME: "app" });
  await makeBaoStore(world, { namespace: "shop", name: "checkout" });
  await startMetronome(world, "aside");
  const merged = { name: "merged", namespace: "shop" };
  await world.admin.create({ apiVersion: "v1", kind: "Secret", metadata: merged, data: { OTHER: base64("theirs") } });
  for (const state of ["up", "sealed", "gone"]) for (const i of edits.keys()) await make(`${state}-${i}`);
});
after(() => world?.stop());

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const right = { PASSWORD: "right", USERNAME: "app" };
const pathOf = (name: string): string => secretPath("shop", name);

interface Wish {
  readonly annotations?: Record<string, string>;
  readonly target?: object;
}

/** An ExternalSecret with a label and an annotation of its own, which go to its Secret. */
async function make(name: string, wish: Wish = {}): Promise<void> {
  await world.admin.apply({
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: {
      name,
      namespace: "shop",
      labels: { team: "checkout" },
      annotations: { note: "by us", ...wish.annotations },
    },
    spec: {
      refreshInterval: "1h",
      secretStoreRef: { name: "checkout" },
      ...(wish.target && { target: wish.target }),
      dataFrom: [{ extract: { key: "shop/db" } }],
    },
  });
  await untilReady(world.admin, externalSecretPath("shop", name), "True");
}

/** Everything of a Secret that keyferry answers for. */
function answeredFor({ metadata, type, data, ...rest }: KubeObject): object {
  const { labels, annotations, ownerReferences } = metadata;
  return { labels, annotations, ownerReferences, type, data, immutable: rest["immutable"] };
}

interface Edit {
  readonly what: string;
  /** `secret`: as it was. */
  readonly edit: (path: string, secret: KubeObject) => Promise<unknown>;
  /** What the event says between the writer and the fate. */
  readonly told: RegExp;
  readonly writer?: string;
}

const hashOf = (data: Record<string, string>): string =>
  dataHash(new Map(Object.entries(data).map(([key, text]) => [key, SecretValue.fromText(text)])));

const edits: readonly Edit[] = [
  {
    what: "a value",
    edit: (path) => mallory.patch(path, { data: { PASSWORD: base64("evil") } }),
    told: /key PASSWORD changed/,
  },
  {
    what: "a value with the data hash that belongs to it",
    edit: (path) =>
      mallory.patch(path, {
        metadata: {
          annotations: { "reconcile.external-secrets.io/data-hash": hashOf({ ...right, PASSWORD: "evil" }) },
        },
        data: { PASSWORD: base64("evil") },
      }),
    told: /key PASSWORD changed, data hash forged/,
  },
  {
    what: "keys taken out and put in",
    edit: (path) => mallory.patch(path, { data: { PASSWORD: null, LD_PRELOAD: base64("evil") } }),
    told: /key LD_PRELOAD added, key PASSWORD missing/,
  },
  {
    what: "the label stripped by which it is watched, with another value",
    edit: (path) =>
      mallory.patch(path, {
        metadata: { labels: { "reconcile.external-secrets.io/managed": null } },
        data: { PASSWORD: base64("evil") },
      }),
    told: /key PASSWORD changed, label reconcile\.external-secrets\.io\/managed missing/,
  },
  {
    what: "labels and annotations",
    edit: (path) => mallory.patch(path, { metadata: { labels: { team: "mallory" }, annotations: { note: null } } }),
    told: /label team changed, annotation note missing/,
  },
  {
    what: "the owner",
    edit: (path) => mallory.patch(path, { metadata: { ownerReferences: [] } }),
    told: /owner changed/,
    writer: "an unknown writer",
  },
  {
    what: "made immutable with another value",
    edit: (path) => mallory.patch(path, { immutable: true, data: { PASSWORD: base64("evil") } }),
    told: /key PASSWORD changed/,
  },
  { what: "deleted", edit: (path) => mallory.remove(path), told: /Secret deleted/, writer: "an unknown writer" },
  {
    what: "of another type",
    edit: async (path, { metadata: { name, namespace } }) => {
      await mallory.remove(path);
      await untilData(world.admin, path, right);
      // The second repair in a row is not before 0.1 s: enough to come first.
      await mallory.remove(path);
      const data = { username: base64("evil"), password: base64("evil") };
      await mallory.create({
        apiVersion: "v1",
        kind: "Secret",
        type: "kubernetes.io/basic-auth",
        metadata: { name, namespace },
        data,
      });
    },
    told: /type changed/,
  },
];

function everyEditIsUndone(state: string): void {
  for (const { what, edit, told, writer = "kubectl-edit" } of edits) {
    const name = `${state}-${edits.findIndex((one) => one.what === what)}`;
    test(`${what}: undone, and told`, async () => {
      const before = await world.admin.get(pathOf(name));
      const asked = world.proxy.requests.length;
      await edit(pathOf(name), before);
      const wanted = answeredFor(before);
      await world.admin.waitFor(pathOf(name), (secret) => (assert.deepEqual(answeredFor(secret), wanted), true));
      const { type, message } = await untilEvent(world.admin, "shop", name, "SecretDrifted", told);
      assert.equal(type, "Warning");
      assert.match(message, new RegExp(`^secret edited by ${writer}: .*; restored$`));
      assert.doesNotMatch(message, /evil|right/);
      assert.equal(world.proxy.requests.length, asked, "the store was asked");
      const ready = conditionOf(await world.admin.get(externalSecretPath("shop", name)));
      assert.equal(ready?.status, "True");
      assert.ok((await world.node.metric("externalsecrets_drift_detected_total", { name }))! >= 1);
    });
  }
}

describe("while the store answers", () => everyEditIsUndone("up"));

describe("while the store is sealed", () => {
  before(() => world.bao.seal());
  after(() => world.bao.unseal());
  everyEditIsUndone("sealed");
});

describe("edited while nothing ran, with the store sealed", () => {
  before(async () => {
    for (const name of ["idle-label", "idle-value", "idle-gone"]) await make(name);
    await world.restart(async () => {
      await world.bao.seal();
      await mallory.patch(pathOf("idle-label"), { metadata: { labels: { team: "mallory" } } });
      const forged = hashOf({ ...right, PASSWORD: "evil" });
      await mallory.patch(pathOf("idle-value"), {
        metadata: { annotations: { "reconcile.external-secrets.io/data-hash": forged } },
        data: { PASSWORD: base64("evil") },
      });
      await mallory.remove(pathOf("idle-gone"));
    });
  });
  after(() => world.bao.unseal());

  test("a label is put right from the Secret's own values, which are proven", async () => {
    await world.admin.waitFor(pathOf("idle-label"), ({ metadata }) => metadata.labels?.["team"] === "checkout");
    await untilEvent(world.admin, "shop", "idle-label", "SecretDrifted", /kubectl-edit: label team changed; restored/);
  });

  test("a forged value is not taken for the truth: it is told, and put right once the store answers", async () => {
    const told = await untilEvent(world.admin, "shop", "idle-value", "SecretDrifted", /not restored yet/);
    assert.match(told.message, /kubectl-edit/);
    const path = externalSecretPath("shop", "idle-value");
    await untilReady(world.admin, path, "False", /\[store_sealed\]/);
    assert.equal(await world.admin.find(pathOf("idle-gone")), undefined);
    await world.bao.unseal();
    await untilData(world.admin, pathOf("idle-value"), right, 60_000);
    await untilData(world.admin, pathOf("idle-gone"), right, 60_000);
    await untilReady(world.admin, path, "True");
  });

  test("what nobody had edited was not written for the restart", async () => {
    for (const i of edits.keys()) assert.deepEqual(await eventsOn(world.admin, "shop", `gone-${i}`, "Updated"), []);
  });
});

test("edited again and again: always undone, ever later, and counted", async () => {
  await make("again");
  for (let time = 1; time <= 4; time++) {
    await mallory.patch(pathOf("again"), { data: { PASSWORD: base64(`evil-${time}`) } });
    await untilData(world.admin, pathOf("again"), right);
  }
  // What was repaired is counted and told once the write is answered.
  await until(async () => {
    assert.equal(await world.node.metric("externalsecrets_drift_detected_total", { name: "again" }), 4);
    assert.equal((await untilEvent(world.admin, "shop", "again", "SecretDrifted")).count, 4);
    return true;
  });
});

test("an announced emergency edit stays until the pause ends, then it is undone", async () => {
  await make("paused");
  const path = externalSecretPath("shop", "paused");
  const until = new Date(Date.now() + 3_600_000).toISOString();
  await world.admin.patch(path, { metadata: { annotations: { "keyferry.dev/pause-until": until } } });
  await world.admin.waitFor(path, (object) => conditionOf(object, "Paused")?.status === "True");
  await mallory.patch(pathOf("paused"), { data: { PASSWORD: base64("by hand") } });
  await beats(world, 2);
  assert.equal(secretText(await world.admin.get(pathOf("paused")))["PASSWORD"], "by hand");
  await world.admin.patch(path, { metadata: { annotations: { "keyferry.dev/pause-until": null } } });
  await untilData(world.admin, pathOf("paused"), right);
  await world.admin.waitFor(path, (object) => conditionOf(object, "Paused") === undefined);
  await untilReady(world.admin, path, "True");
});

test("Orphan: an edit is told and left; with the annotation repair it is undone", async () => {
  await make("orphan", { target: { creationPolicy: "Orphan" } });
  await mallory.patch(pathOf("orphan"), { data: { PASSWORD: base64("kept") } });
  await untilEvent(world.admin, "shop", "orphan", "SecretDrifted", /kubectl-edit: .*; left as it is/);
  assert.equal(secretText(await world.admin.get(pathOf("orphan")))["PASSWORD"], "kept");
  await world.admin.patch(externalSecretPath("shop", "orphan"), {
    metadata: { annotations: { "keyferry.dev/repair": "true" } },
  });
  await untilData(world.admin, pathOf("orphan"), right);
});

test("Merge: our keys are put right, those of others are theirs", async () => {
  await make("merged", { target: { creationPolicy: "Merge" } });
  await untilData(world.admin, pathOf("merged"), { ...right, OTHER: "theirs" });
  await mallory.patch(pathOf("merged"), { data: { OTHER: base64("changed"), PASSWORD: base64("evil") } });
  await untilData(world.admin, pathOf("merged"), { ...right, OTHER: "changed" });
  const told = await untilEvent(world.admin, "shop", "merged", "SecretDrifted");
  assert.match(told.message, /kubectl-edit: key PASSWORD changed; restored/);
});

describe("when the store is gone altogether", () => {
  before(() => world.bao.stop());
  everyEditIsUndone("gone");
});
