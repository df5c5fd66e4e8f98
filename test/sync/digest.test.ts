import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, isAsWritten } from "../../plugin/sync/digest.ts";
import type { OwnParts, SecretObject } from "../../plugin/sync/ports.ts";
import { dataOf } from "../fakes/sync-world.ts";
import { digestKey } from "./house.ts";

const own: OwnParts = {
  policy: "Owner",
  type: "Opaque",
  immutable: true,
  keys: ["A", "B"],
  labels: ["constructor", "team"],
  annotations: ["note"],
};
const secret: SecretObject = {
  namespace: "shop",
  name: "db",
  type: "Opaque",
  immutable: true,
  labels: { team: "a", foreign: "x" },
  annotations: { note: "n", foreign: "x", "reconcile.external-secrets.io/data-hash": "h" },
  data: dataOf({ A: "1", B: "23", foreign: "x" }),
};
const written = { digest: digestOf(secret, own, digestKey), own };

const cases: readonly { name: string; seen: Partial<SecretObject>; same: boolean }[] = [
  { name: "the Secret itself", seen: {}, same: true },
  { name: "another value", seen: { data: dataOf({ A: "1", B: "24" }) }, same: false },
  { name: "a byte moved from one value to the next", seen: { data: dataOf({ A: "12", B: "3" }) }, same: false },
  { name: "an empty value instead of none", seen: { data: dataOf({ A: "1", B: "" }) }, same: false },
  { name: "a missing key", seen: { data: dataOf({ A: "1" }) }, same: false },
  { name: "another key of somebody else", seen: { data: dataOf({ A: "1", B: "23", foreign: "y" }) }, same: true },
  { name: "a changed label", seen: { labels: { team: "b" } }, same: false },
  { name: "a missing label", seen: { labels: {} }, same: false },
  { name: "another label of somebody else", seen: { labels: { team: "a", foreign: "y" } }, same: true },
  { name: "a changed annotation", seen: { annotations: { note: "m" } }, same: false },
  { name: "another type", seen: { type: "kubernetes.io/tls" }, same: false },
  { name: "no longer immutable", seen: { immutable: false }, same: false },
  { name: "a copy under another name", seen: { name: "copy" }, same: false },
];
for (const { name, seen, same } of cases)
  test(`${name} ${same ? "carries" : "breaks"} the digest`, () =>
    assert.equal(isAsWritten({ ...secret, ...seen }, written, digestKey), same));

test("nobody without the key can make a digest, and the list of own parts is part of it", () => {
  assert.equal(isAsWritten(secret, { digest: digestOf(secret, own, Buffer.alloc(32)), own }, digestKey), false);
  assert.equal(isAsWritten(secret, { ...written, own: { ...own, keys: ["A"] } }, digestKey), false);
  assert.equal(isAsWritten(secret, { digest: "", own }, digestKey), false);
});

test("the type of a Secret that is only filled is not ours", () => {
  const merge: OwnParts = { ...own, policy: "Merge" };
  const digest = digestOf(secret, merge, digestKey);
  assert.equal(isAsWritten({ ...secret, type: "kubernetes.io/tls" }, { digest, own: merge }, digestKey), true);
});
