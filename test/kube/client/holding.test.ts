/** What tells one state of an object from another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createHolding } from "../../../plugin/kube/client/holding.ts";
import type { KubeObject } from "../../../plugin/kube/contract.ts";

const object = (uid: string, resourceVersion: string): KubeObject => ({
  metadata: { namespace: "shop", name: "a", uid, resourceVersion },
});

const rows = [
  { name: "the same state", next: object("u1", "7"), told: [] },
  { name: "a later state", next: object("u1", "8"), told: ["changed"] },
  {
    name: "another object with the same resourceVersion, as after a restored backup",
    next: object("u2", "7"),
    told: ["removed", "added"],
  },
];
for (const { name, next, told } of rows) {
  test(`${name} is ${told.join(" and ") || "no change"}`, () => {
    const heard: string[] = [];
    const holding = createHolding({
      keep: () => "",
      keepManagedFields: false,
      onUnkept: () => assert.fail("kept"),
      onChange: ({ type }) => void heard.push(type),
    });
    holding.put(holding.entryOf(object("u1", "7"))!);
    heard.length = 0;
    holding.replaceAll([holding.entryOf(next)!], new Set());
    assert.deepEqual(heard, told);
  });
}
