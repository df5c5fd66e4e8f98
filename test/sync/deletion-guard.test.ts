import assert from "node:assert/strict";
import { test } from "node:test";
import { createDeletionGuard } from "../../plugin/sync/deletion-guard.ts";
import { FakeClock } from "../fakes/clock.ts";
import { hourMs } from "./house.ts";

const shares: readonly { secrets: number; left: number }[] = [
  { secrets: 0, left: 1 },
  { secrets: 1, left: 1 },
  { secrets: 19, left: 1 },
  { secrets: 20, left: 2 },
  { secrets: 1_000, left: 100 },
];
for (const { secrets, left } of shares)
  test(`of ${secrets} Secrets, ${left} may be lost in one interval`, () =>
    assert.equal(createDeletionGuard(new FakeClock()).left("a", secrets, hourMs), left));

test("losses count for their store, for one interval, unless taken back", async () => {
  const clock = new FakeClock();
  const guard = createDeletionGuard(clock);
  guard.take("a");
  const undo = guard.take("a");
  assert.equal(guard.left("a", 30, hourMs), 1);
  assert.equal(guard.left("b", 30, hourMs), 3);
  undo();
  assert.equal(guard.left("a", 30, hourMs), 2);
  await clock.advance(hourMs);
  assert.equal(guard.left("a", 30, hourMs), 3);
  assert.equal(guard.left("a", 30, 2 * hourMs), 2);
});
