/** The loop as a whole, in a world that behaves, on the fake clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import { managedLabel } from "../../plugin/sync/secret-shape.ts";
import { settle } from "../fakes/clock.ts";
import { at, externalSecret, hourMs, openHouse, openStartedHouse, type House } from "./house.ts";

const password = (house: House, name = "db"): string | undefined => house.world.textOf(at(name))?.PASSWORD;
const secretWrites = (house: House): readonly string[] =>
  house.world.writes.filter((text) => !text.startsWith("status"));

test("a new object is synced at once: one Secret write, one status write, one event", async () => {
  const house = await openStartedHouse({});
  assert.deepEqual(house.world.writes, ["create shop/db", "status shop/db"]);
  assert.deepEqual(house.reasons(), ["Created"]);
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  assert.ok(house.counted.includes("condition shop/db Ready=True"));
  assert.ok(house.counted.includes('secrets [["fake",1]]'));
  await house.sync.stop();
  assert.equal(house.clock.pending, 0);
});

test("a rotated value arrives within an interval; until then nothing is written", async () => {
  const house = await openStartedHouse({});
  await house.advance(10 * hourMs);
  const quiet = secretWrites(house).length;
  house.reader.secrets.set("db", { password: "two" });
  await house.advance(hourMs);
  assert.equal(password(house), "two");
  assert.equal(secretWrites(house).length, quiet + 1);
  assert.deepEqual(house.reasons(), ["Created", "Updated"]);
  await house.sync.stop();
});

test("a key is fetched once per interval, and always at its absolute instant", async () => {
  const house = await openStartedHouse({}, { name: "twin" }, { name: "third", data: { PASSWORD: "db#password" } });
  await house.advance(2 * hourMs);
  house.reader.fetched.length = 0;
  const wall: number[] = [];
  house.reader.gate = async () => {
    wall.push(house.clock.nowMs() % hourMs);
  };
  await house.advance(5 * hourMs);
  assert.equal(house.reader.fetched.length, 5);
  assert.equal(new Set(wall).size, 1, "every read stood at one instant of the hour");
  await house.sync.stop();
});

test("an object that reads something leased is read once per interval, however old that is", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  house.reader.leased.add("db");
  house.world.apply(externalSecret({}));
  house.sync.start();
  await house.rest();
  const tries = house.reader.terms.length;
  await house.advance(6 * hourMs);
  assert.ok([6, 7].includes(house.reader.terms.length - tries), String(house.reader.terms.length - tries));
  assert.deepEqual(house.reader.fetched, ["db"]);
  await house.sync.stop();
});

test("objects that begin together share one timer and are spread from the second interval on", async () => {
  const house = openHouse();
  for (let i = 0; i < 200; i++) {
    house.reader.secrets.set(`k${i}`, { password: "one" });
    house.world.apply(externalSecret({ name: `es${i}`, data: { PASSWORD: `k${i}#password` } }));
  }
  house.sync.start();
  await house.rest();
  assert.equal(house.clock.pending, 1);
  await house.advance(hourMs);
  const perMinute = new Map<number, number>();
  house.reader.gate = async () => {
    const minute = Math.floor(house.clock.nowMs() / 60_000);
    perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1);
  };
  await house.advance(hourMs);
  assert.ok(Math.max(...perMinute.values()) < 15, String(Math.max(...perMinute.values())));
  await house.sync.stop();
});

test("a version that one object's read brings is in all Secrets of that key at once", async () => {
  const house = await openStartedHouse({}, { name: "slow", spec: { refreshIntervalMs: 24 * hourMs } });
  house.reader.secrets.set("db", { password: "two" });
  await house.advance(hourMs);
  assert.deepEqual([password(house), password(house, "slow")], ["two", "two"]);
  await house.sync.stop();
});

test("objects that do not follow their source are not moved by somebody else's read", async () => {
  const house = await openStartedHouse({}, { name: "once", spec: { refreshPolicy: "CreatedOnce" } });
  house.reader.secrets.set("db", { password: "two" });
  await house.advance(hourMs);
  assert.deepEqual([password(house), password(house, "once")], ["two", "one"]);
  await house.sync.stop();
});

test("an object that waits for its first value gets it as soon as the store has news, whatever its policy", async () => {
  const house = openHouse();
  house.world.apply(externalSecret({ spec: { refreshPolicy: "OnChange" } }));
  house.sync.start();
  await house.rest();
  await house.advance(10 * hourMs);
  house.reader.secrets.set("db", { password: "one" });
  house.reader.tell({ namespace: "shop", name: "db", uid: "uid-db", kind: "ExternalSecret" });
  await house.rest();
  assert.equal(password(house), "one");
  await house.sync.stop();
});

test("drift is undone at once and without the store, and told with the writer and the key, not the value", async () => {
  const house = await openStartedHouse({});
  house.reader.refusal = "store_unreachable";
  const fetched = house.reader.fetched.length;
  house.world.tamper(at("db"), { PASSWORD: "evil-value", PLANTED: "evil-value" });
  await house.rest();
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one" });
  assert.equal(house.reader.fetched.length, fetched);
  const told = house.world.events.find((event) => event.reason === "SecretDrifted");
  assert.equal(told?.message, "secret edited by mallory: key PASSWORD changed, key PLANTED added; restored");
  assert.ok(house.counted.includes("drift shop/db"));
  assert.ok(!JSON.stringify([house.world.events, house.logged]).includes("evil-value"));
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  await house.sync.stop();
});

test("a Secret that is deleted during an outage is made again, and Ready tells of the outage", async () => {
  const house = await openStartedHouse({});
  house.reader.refusal = "store_sealed";
  await house.advance(2 * hourMs);
  house.world.deleteSecret(at("db"));
  await house.rest();
  assert.equal(password(house), "one");
  assert.match(house.ready("db"), /^False SecretSyncedError .*\[store_sealed\]/);
  assert.deepEqual(house.reasons().filter((reason) => reason === "SecretStale").length, 1);
  await house.sync.stop();
});

test("repeated drift is undone after 0, 0.1, 1, 5, 30 and again 30 seconds, for ever", async () => {
  const house = await openStartedHouse({});
  for (const waitMs of [0, 100, 1_000, 5_000, 30_000, 30_000, 30_000]) {
    house.world.tamper(at("db"), { PASSWORD: "evil" });
    await house.rest();
    if (waitMs > 0) {
      await house.advance(waitMs - 1);
      assert.equal(password(house), "evil", `after ${waitMs - 1} ms`);
      await house.advance(1);
    }
    assert.equal(password(house), "one", `after ${waitMs} ms`);
  }
  await house.advance(10 * 60_000);
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.rest();
  assert.equal(password(house), "one", "at once again after a quiet time");
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.advance(100);
  assert.equal(password(house), "one", "and the spacing begins anew");
  await house.sync.stop();
});

test("an outage: the Secret stays, retries back off, recovery is seen by itself", async () => {
  const house = await openStartedHouse({});
  house.reader.refusal = "store_unreachable";
  await house.advance(hourMs);
  const writes = secretWrites(house).length;
  const tries = house.reader.terms.length;
  await house.advance(hourMs);
  assert.ok(house.reader.terms.length - tries <= 20, String(house.reader.terms.length - tries));
  assert.equal(secretWrites(house).length, writes);
  house.reader.refusal = undefined;
  house.reader.secrets.set("db", { password: "two" });
  await house.advance(5 * 60_000);
  assert.equal(password(house), "two");
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  await house.sync.stop();
});

test("the first read that a store answers wakes the others that wait for it within 30 seconds", async () => {
  const names = Array.from({ length: 20 }, (_, i) => `es${i}`);
  const house = openHouse();
  house.reader.refusal = "store_unreachable";
  for (const name of names) {
    house.reader.secrets.set(name, { password: "one" });
    house.world.apply(externalSecret({ name, spec: { refreshIntervalMs: 0 }, data: { PASSWORD: `${name}#password` } }));
  }
  house.sync.start();
  await house.rest();
  await house.advance(hourMs);
  house.reader.refusal = undefined;
  house.reader.secrets.set("db", { password: "one" });
  house.world.apply(externalSecret());
  await house.advance(30_000);
  for (const name of names) assert.equal(password(house, name), "one");
  await house.sync.stop();
});

test("the store's Retry-After is kept", async () => {
  const house = openHouse();
  house.reader.refusal = "store_throttled";
  house.reader.retryAfterMs = 600_000;
  house.world.apply(externalSecret({ spec: { refreshIntervalMs: 30_000 } }));
  house.sync.start();
  await house.rest();
  await house.advance(599_000);
  assert.equal(house.reader.terms.length, 1);
  await house.advance(31_000);
  assert.ok(house.reader.terms.length > 1);
  await house.sync.stop();
});

test("an authoritative no leaves the Secret and its repair, but makes no deleted Secret again", async () => {
  const house = await openStartedHouse({});
  house.reader.refusal = "store_denied";
  await house.advance(2 * hourMs);
  assert.match(house.ready("db"), /\[store_denied\]/);
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.rest();
  assert.equal(password(house), "one");
  house.world.deleteSecret(at("db"));
  await house.advance(60_000);
  assert.equal(password(house), undefined);
  await house.sync.stop();
});

test("a conflict is read again and decided again; the edit in between is not lost sight of", async () => {
  const house = await openStartedHouse({ target: { creationPolicy: "Merge" } });
  let conflicts = 2;
  house.world.beforeWrite = (what) => {
    if (!what.startsWith("replace") || conflicts-- <= 0) return undefined;
    house.world.tamper(at("db"), { [`THEIRS${conflicts}`]: "x" });
    return "conflict";
  };
  house.world.tamper(at("db"), { THEIRS: "x" });
  await house.rest();
  assert.deepEqual(Object.keys(house.world.textOf(at("db"))!).sort(), ["PASSWORD", "THEIRS", "THEIRS0", "THEIRS1"]);
  await house.sync.stop();
});

test("after three conflicts the object waits, says so, and comes through later", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  house.world.beforeWrite = (what) => (what.startsWith("create") ? "conflict" : undefined);
  house.world.apply(externalSecret());
  house.sync.start();
  await house.rest();
  assert.match(house.ready("db"), /could not update secret: \[target_refused\] .* 3 times/);
  assert.equal(house.reader.fetched.length, 1);
  house.world.beforeWrite = () => undefined;
  await house.advance(1_000);
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  assert.equal(house.reader.fetched.length, 1, "the retry of a write reads nothing");
  await house.sync.stop();
});

test("a write that fails is tried again with backoff and told once", async () => {
  const house = await openStartedHouse({});
  house.world.beforeWrite = (what) =>
    what.startsWith("replace") ? new Failure("kube_unavailable", "the API server is away") : undefined;
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.rest();
  await house.advance(60_000);
  assert.match(house.ready("db"), /could not update secret: \[kube_unavailable\]/);
  assert.equal(house.reasons().filter((reason) => reason === "UpdateFailed").length, 1);
  house.world.beforeWrite = () => undefined;
  await house.advance(300_000);
  assert.equal(password(house), "one");
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  await house.sync.stop();
});

test("a status that cannot be written is written later; the Secret is not written again", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  house.world.beforeWrite = (what) =>
    what.startsWith("status") ? new Failure("kube_unavailable", "the API server is away") : undefined;
  house.world.apply(externalSecret());
  house.sync.start();
  await house.rest();
  await house.advance(10_000);
  house.world.beforeWrite = () => undefined;
  await house.advance(60_000);
  assert.deepEqual(house.world.writes, ["create shop/db", "status shop/db"]);
  await house.sync.stop();
});

test("one object whose manifest is broken keeps its Secret and its repair; the others go on", async () => {
  const house = await openStartedHouse({}, { name: "other" });
  house.world.break(at("db"), "spec.data[0].remoteRef.key", "must be text; put it in quotes");
  await house.rest();
  assert.match(house.ready("db"), /\[manifest_invalid\] spec.data\[0\].remoteRef.key: must be text; put it in quotes/);
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.rest();
  assert.equal(password(house), "one");
  house.reader.secrets.set("db", { password: "two" });
  await house.advance(hourMs);
  assert.deepEqual([password(house), password(house, "other")], ["one", "two"]);
  house.world.apply(externalSecret());
  await house.rest();
  assert.equal(password(house), "two");
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  await house.sync.stop();
});

test("a manifest that never parsed has a status and nothing to wait for but a change", async () => {
  const house = openHouse();
  const { meta } = externalSecret();
  house.world.items.set("shop/db", {
    key: at("db"),
    meta,
    parsed: { ok: false, problems: [{ path: "spec.data", problem: "must be a list" }] },
  });
  house.sync.start();
  await house.rest();
  assert.match(house.ready("db"), /\[manifest_invalid\] spec.data: must be a list/);
  assert.equal(house.clock.pending, 0);
  await house.sync.stop();
});

test("a spec change demands a fetch; a refusal of it leaves the Secret of the old spec, drift included", async () => {
  const house = await openStartedHouse({});
  await house.advance(1_000);
  house.reader.refusal = "store_unreachable";
  house.world.apply(externalSecret({ data: { PASSWORD: "db#password", EXTRA: "db#user" } }));
  await house.rest();
  assert.equal(house.reader.terms.at(-1)?.acceptBegunFromMs, house.clock.monotonicMs());
  house.world.tamper(at("db"), { PASSWORD: "evil" });
  await house.rest();
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one" });
  house.reader.refusal = undefined;
  await house.advance(60_000);
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one", EXTRA: "app" });
  await house.sync.stop();
});

test("a change that comes in the middle of a read is taken up right after it", async () => {
  const house = await openStartedHouse({});
  let answer = (): void => undefined;
  house.reader.gate = () => new Promise((resolve) => (answer = resolve));
  assert.equal(house.reader.terms.at(-1)?.leasedFromMs, undefined);
  house.world.annotate(at("db"), { "keyferry.dev/force-sync": "1" });
  await settle();
  house.world.apply(externalSecret({ data: { PASSWORD: "db#password", USER: "db#user" } }));
  house.reader.gate = async () => undefined;
  answer();
  await house.rest();
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one", USER: "app" });
  assert.equal(house.reader.terms.at(-1)?.leasedFromMs, house.clock.monotonicMs());
  await house.sync.stop();
});

test("an annotation of ours makes a new plan from the cached answer, not a fetch", async () => {
  const house = await openStartedHouse({});
  const fetched = house.reader.fetched.length;
  house.world.annotate(at("db"), { "keyferry.dev/adopt": "Merge" });
  await house.rest();
  house.world.tamper(at("db"), { THEIRS: "x" });
  await house.rest();
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one", THEIRS: "x" });
  assert.equal(house.reader.fetched.length, fetched);
  await house.sync.stop();
});

for (const refreshPolicy of ["Periodic", "OnChange", "CreatedOnce"] as const)
  test(`a changed store or policy has failed reads tried again at once: ${refreshPolicy}`, async () => {
    const house = openHouse();
    house.reader.refusal = "not_allowed";
    house.reader.secrets.set("db", { password: "one" });
    house.world.apply(externalSecret({ spec: { refreshPolicy } }));
    house.sync.start();
    await house.rest();
    await house.advance(10 * hourMs);
    assert.equal(house.reader.terms.length, 1);
    house.reader.refusal = undefined;
    house.world.changeDependency();
    await house.rest();
    assert.equal(password(house), "one");
    await house.sync.stop();
  });

test("a status whose refresh time alone moves is written once per heartbeat", async () => {
  const house = await openStartedHouse({ spec: { refreshIntervalMs: 60_000 } });
  await house.advance(hourMs);
  const before = house.world.writes.length;
  await house.advance(10 * hourMs);
  const written = house.world.writes.length - before;
  assert.ok(written >= 10 && written <= 11, String(written));
  await house.sync.stop();
});

test("a step of the wall clock moves nothing: no storm, and every object still refreshes", async () => {
  const house = openHouse();
  for (let i = 0; i < 50; i++) {
    house.reader.secrets.set(`k${i}`, { password: "one" });
    house.world.apply(externalSecret({ name: `es${i}`, data: { PASSWORD: `k${i}#password` } }));
  }
  house.sync.start();
  await house.rest();
  await house.advance(3 * hourMs);
  for (const jumpMs of [400 * 24 * hourMs, -500 * 24 * hourMs]) {
    house.clock.jumpWall(jumpMs);
    house.reader.fetched.length = 0;
    await house.advance(60_000);
    assert.ok(house.reader.fetched.length < 10, String(house.reader.fetched.length));
    for (let i = 0; i < 50; i++) house.reader.secrets.set(`k${i}`, { password: String(jumpMs) });
    await house.advance(hourMs);
    for (let i = 0; i < 50; i++) assert.equal(password(house, `es${i}`), String(jumpMs));
  }
  await house.sync.stop();
});

test("stop in the middle of a read ends at once, without a status of half a run", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  house.reader.gate = (signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
  house.world.apply(externalSecret());
  house.sync.start();
  await settle();
  await house.sync.stop();
  assert.deepEqual(house.world.writes, []);
  assert.equal(house.clock.pending, 0);
});

test("a write under way at stop is let through, and its status with it", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  let letThrough = (): void => undefined;
  const create = house.world.targets.create.bind(house.world.targets);
  house.world.targets.create = async (...args) => {
    await new Promise<void>((resolve) => (letThrough = resolve));
    return create(...args);
  };
  house.world.apply(externalSecret());
  house.sync.start();
  await settle();
  const stopped = house.sync.stop();
  await settle();
  letThrough();
  await stopped;
  assert.deepEqual(house.world.writes, ["create shop/db", "status shop/db"]);
});

test("a fault of our own stops neither the others nor, for long, the object itself", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one", user: "app" });
  let isBroken = true;
  const emit = house.world.eventSink.emit.bind(house.world.eventSink);
  house.world.eventSink.emit = (key, ...event) => {
    if (isBroken && key.name === "db") throw new TypeError("a fault");
    emit(key, ...event);
  };
  house.world.apply(externalSecret());
  house.world.apply(externalSecret({ name: "other" }));
  house.sync.start();
  await house.rest();
  assert.deepEqual([house.ready("db"), house.ready("other")], ["none", "True SecretSynced secret synced"]);
  assert.ok(house.logged.includes("run of an object broke off"));
  isBroken = false;
  await house.advance(60_000);
  assert.equal(house.ready("db"), "True SecretSynced secret synced");
  await house.sync.stop();
});

test("the mark is put back when somebody takes it off", async () => {
  const house = await openStartedHouse({});
  house.world.edit(at("db"), { labels: {} });
  await house.rest();
  assert.equal(house.world.secrets.get("shop/db")?.labels[managedLabel], "true");
  await house.sync.stop();
});

test("settleOnce syncs everything once, fillers last, and names what failed", async () => {
  const house = openHouse();
  house.reader.secrets.set("db", { password: "one" });
  house.world.apply(
    externalSecret({
      name: "a-filler",
      target: { name: "db", creationPolicy: "Merge" },
      data: { MORE: "db#password" },
    }),
  );
  house.world.apply(externalSecret());
  house.world.apply(externalSecret({ name: "lost", data: { X: "nowhere" } }));
  const settled = await house.sync.settleOnce(new AbortController().signal);
  assert.deepEqual(
    settled.map(({ key, ready }) => `${key.name} ${ready}`),
    ["a-filler true", "db true", "lost false"],
  );
  assert.match(settled[2]!.message, /\[ref_not_found\] spec.data\[0\]/);
  assert.deepEqual(house.world.textOf(at("db")), { PASSWORD: "one", MORE: "one" });
  await house.sync.stop();
  assert.equal(house.clock.pending, 0);
});

test("settleOnce reads periodic objects although an earlier process has synced them, and no others", async () => {
  const house = await openStartedHouse({}, { name: "once", spec: { refreshPolicy: "CreatedOnce" } });
  await house.replace();
  house.reader.secrets.set("db", { password: "two" });
  await house.sync.settleOnce(new AbortController().signal);
  assert.deepEqual([password(house), password(house, "once")], ["two", "one"]);
  await house.sync.stop();
});

test("settleOnce ends when it is told to, and says what it did not get to", async () => {
  const house = openHouse();
  house.reader.gate = (signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
  house.world.apply(externalSecret());
  const stop = new AbortController();
  const settling = house.sync.settleOnce(stop.signal);
  await settle();
  stop.abort();
  const [settled] = await settling;
  assert.equal(settled?.ready, false);
  assert.match(settled?.message ?? "", /not synced/);
});
