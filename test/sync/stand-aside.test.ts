import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExternalSecretItem, ForeignStatusWriter } from "../../plugin/sync/ports.ts";
import { anotherSyncs, classRule, standAside } from "../../plugin/sync/stand-aside.ts";
import { externalSecret, hourMs, type Wish } from "./house.ts";

const nowMs = 1_000 * hourMs;

function itemOf(wish: Wish, facts: Partial<ExternalSecretItem> = {}): ExternalSecretItem {
  const value = externalSecret(wish);
  return { key: value.meta, meta: value.meta, parsed: { ok: true, value }, ...facts };
}

const wrote = (agoMs: number, newest = true): ForeignStatusWriter => ({
  manager: "external-secrets",
  atMs: nowMs - agoMs,
  newest,
});
const problem = { ok: false, problems: [{ path: "spec", problem: "x" }] } as const;

const beside: readonly {
  name: string;
  wish?: Wish;
  facts: Partial<ExternalSecretItem>;
  takeOver?: boolean;
  /** Milliseconds from now until it is looked at anew; undefined = it is ours. */
  want: number | undefined;
}[] = [
  { name: "a status that only keyferry wrote", facts: {}, want: undefined },
  { name: "a write of another within an interval", facts: { statusWriter: wrote(hourMs / 2) }, want: 1.5 * hourMs },
  { name: "one within two intervals", facts: { statusWriter: wrote(2 * hourMs - 1) }, want: 1 },
  { name: "one two intervals ago", facts: { statusWriter: wrote(2 * hourMs) }, want: undefined },
  {
    name: "a recent one although ours is newer",
    facts: { statusWriter: wrote(60_000, false) },
    want: 2 * hourMs - 60_000,
  },
  {
    name: "one that the other clock puts into the future",
    facts: { statusWriter: wrote(-60_000) },
    want: 2 * hourMs + 60_000,
  },
  { name: "a recent one, to be taken over", facts: { statusWriter: wrote(1) }, takeOver: true, want: undefined },
  {
    name: "interval 0, the other's entry is the newest",
    wish: { spec: { refreshIntervalMs: 0 } },
    facts: { statusWriter: wrote(99 * hourMs) },
    want: Infinity,
  },
  {
    name: "interval 0, ours is newer",
    wish: { spec: { refreshIntervalMs: 0 } },
    facts: { statusWriter: wrote(1, false) },
    want: undefined,
  },
  {
    name: "OnChange, the other's is the newest",
    wish: { spec: { refreshPolicy: "OnChange" } },
    facts: { statusWriter: wrote(99 * hourMs) },
    want: Infinity,
  },
  {
    name: "CreatedOnce, the other's is the newest",
    wish: { spec: { refreshPolicy: "CreatedOnce" } },
    facts: { statusWriter: wrote(1) },
    want: Infinity,
  },
  {
    name: "CreatedOnce, to be taken over",
    wish: { spec: { refreshPolicy: "CreatedOnce" } },
    facts: { statusWriter: wrote(1) },
    takeOver: true,
    want: undefined,
  },
  {
    name: "an object that only the other understands",
    facts: { parsed: problem, statusWriter: wrote(99 * hourMs) },
    want: Infinity,
  },
  {
    name: "an object that does not parse and that we spoke of last",
    facts: { parsed: problem, statusWriter: wrote(1, false) },
    want: undefined,
  },
];

for (const { name, wish = {}, facts, takeOver = false, want } of beside)
  test(`beside another controller: ${name}`, () => {
    const rules = { takeOver, classOf: () => "", isOurs: () => true };
    const aside = standAside(itemOf(wish, facts), rules, nowMs);
    assert.equal(aside?.why === "other_controller" ? aside.untilMs - nowMs : undefined, want);
    if (aside?.why === "other_controller") assert.equal(aside.manager, "external-secrets");
  });

const classes: readonly { name: string; controller: string | undefined; strict?: boolean; ours: boolean }[] = [
  { name: "no such store", controller: undefined, ours: true },
  { name: "no such store, strict", controller: undefined, strict: true, ours: true },
  { name: "a store without a class", controller: "", ours: true },
  { name: "a store without a class, strict", controller: "", strict: true, ours: false },
  { name: "a store of our class", controller: "default", ours: true },
  { name: "a store of our class, strict", controller: "default", strict: true, ours: true },
  { name: "a store of another class", controller: "eso", ours: false },
];

for (const { name, controller, strict = false, ours } of classes)
  test(`controller classes: ${name} is ${ours ? "ours" : "left alone"}, whoever takes over`, () => {
    const rules = { takeOver: true, classOf: () => controller, isOurs: classRule("default", strict) };
    const aside = standAside(itemOf({}), rules, nowMs);
    const store = { kind: "SecretStore", name: "vault", namespace: "shop" };
    assert.deepEqual(aside, ours ? undefined : { why: "other_class", store });
  });

test("one store of another class is enough, also in an object that does not parse", () => {
  const classOf = ({ name }: { readonly name: string }): string => (name === "theirs" ? "eso" : "");
  const rules = { takeOver: false, classOf, isOurs: classRule("default", false) };
  const storeRefs = [
    { kind: "SecretStore", name: "ours" },
    { kind: "ClusterSecretStore", name: "theirs" },
  ] as const;
  const store = { kind: "ClusterSecretStore", name: "theirs", namespace: "" };
  assert.deepEqual(standAside(itemOf({}, { parsed: problem, storeRefs }), rules, nowMs), { why: "other_class", store });
  assert.equal(standAside(itemOf({}, { parsed: problem }), rules, nowMs), undefined);
});

test("another controller counts as at work only where its end would show", () => {
  const once = itemOf({ spec: { refreshPolicy: "OnChange" } }, { statusWriter: wrote(1) });
  const old = itemOf({}, { statusWriter: wrote(2 * hourMs) });
  assert.equal(anotherSyncs([once, old], nowMs), false);
  assert.equal(anotherSyncs([once, old, itemOf({}, { statusWriter: wrote(hourMs) })], nowMs), true);
});
