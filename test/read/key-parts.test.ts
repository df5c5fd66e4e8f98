/** Every part of the key is there for a reason: without it somebody gets what is not theirs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { keyParts } from "../../plugin/read/key.ts";
import { checkPlan } from "./isolation-model.ts";
import { anyPlan } from "./isolation-plan.ts";

for (const part of keyParts)
  test(`without ${part.name} the isolation property fails`, async () => {
    const others = keyParts.filter((other) => other !== part);
    const property = fc.asyncProperty(anyPlan, (plan) => checkPlan(plan, others));
    const { failed, errorInstance } = await fc.check(property, { numRuns: 2_000, endOnFailure: true });
    assert.ok(failed, "2,000 plans without a counterexample");
    assert.match(
      String(errorInstance),
      /a value was released that its reader did not ask for|one consumer's was released/,
    );
  });
