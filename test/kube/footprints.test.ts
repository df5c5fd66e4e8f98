import assert from "node:assert/strict";
import { test } from "node:test";
import { createFootprints, type Footprint } from "../../plugin/kube/footprints.ts";

interface Step {
  readonly name: string;
  /** What the watch reports while the write is under way, and after it. */
  readonly during: readonly Footprint[];
  readonly left: Footprint | undefined;
  readonly after: readonly Footprint[];
  readonly foreign: number;
}

const own = { resourceVersion: "11" };
const other = { resourceVersion: "12" };
const steps: readonly Step[] = [
  { name: "an own write that is reported afterwards", during: [], left: own, after: [own], foreign: 0 },
  { name: "an own write that is reported before its answer", during: [own], left: own, after: [], foreign: 0 },
  { name: "an own write that is reported twice", during: [own], left: own, after: [own], foreign: 0 },
  { name: "an edit that follows before the answer", during: [own, other], left: own, after: [], foreign: 1 },
  { name: "an edit that follows after the answer", during: [], left: own, after: [own, other], foreign: 1 },
  { name: "a write that was not done, beside an edit", during: [other], left: undefined, after: [], foreign: 1 },
  { name: "a write that was not done", during: [], left: undefined, after: [], foreign: 0 },
  {
    name: "an own deletion",
    during: [{ goneUid: "a" }],
    left: { goneUid: "a" },
    after: [{ goneUid: "a" }],
    foreign: 0,
  },
  {
    name: "the deletion of the next Secret",
    during: [],
    left: { goneUid: "a" },
    after: [{ goneUid: "b" }],
    foreign: 1,
  },
];

for (const { name, during, left, after, foreign } of steps)
  test(`${name}: ${foreign === 0 ? "nobody else did anything" : "somebody else did something"}`, async () => {
    const told: string[] = [];
    const footprints = createFootprints((id) => void told.push(id));
    const answer = Promise.withResolvers<void>();
    const writing = footprints.during(
      "shop/db",
      () => answer.promise,
      () => left,
    );
    for (const state of during) footprints.saw("shop/db", state);
    assert.deepEqual(told, []);
    answer.resolve();
    await writing;
    for (const state of after) footprints.saw("shop/db", state);
    assert.deepEqual(told, Array<string>(foreign).fill("shop/db"));
  });

test("a deletion and a creation that follow each other are both one's own", async () => {
  const told: string[] = [];
  const footprints = createFootprints((id) => void told.push(id));
  const gone = { goneUid: "a" };
  await footprints.during(
    "shop/db",
    () => Promise.resolve(),
    () => gone,
  );
  await footprints.during(
    "shop/db",
    () => Promise.resolve(),
    () => own,
  );
  footprints.saw("shop/db", gone);
  footprints.saw("shop/db", own);
  assert.deepEqual(told, []);
});

test("what was seen during a write that failed is told, and the failure passed on", async () => {
  const told: string[] = [];
  const footprints = createFootprints((id) => void told.push(id));
  const writing = footprints.during(
    "shop/db",
    () => {
      footprints.saw("shop/db", own);
      footprints.saw("shop/web", other);
      return Promise.reject(new Error("no answer"));
    },
    () => own,
  );
  await assert.rejects(writing, { message: "no answer" });
  assert.deepEqual(told, ["shop/web", "shop/db"]);
});
