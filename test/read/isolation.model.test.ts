import { test } from "node:test";
import * as fc from "fast-check";
import { keyParts } from "../../plugin/read/key.ts";
import { checkPlan } from "./isolation-model.ts";
import { anyPlan } from "./isolation-plan.ts";

test("whatever happens, everybody gets what their own identity read, once a window, unmixed and never after a no", async () => {
  await fc.assert(
    fc.asyncProperty(anyPlan, (plan) => checkPlan(plan, keyParts)),
    { numRuns: 500 },
  );
});
