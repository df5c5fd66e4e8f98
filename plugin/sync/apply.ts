/** Carries out a plan; decides nothing. */
import { assertNever } from "../core/exhaustive.ts";
import type { SyncPlan } from "./plan.ts";
import type { TargetSecrets, WriteOutcome } from "./ports.ts";

const nothingToDo: WriteOutcome = { done: true, resourceVersion: "" };

/** `done: false`: the Secret is no longer the one that was planned for. */
export async function applyPlan(plan: SyncPlan, targets: TargetSecrets, signal: AbortSignal): Promise<WriteOutcome> {
  switch (plan.step) {
    case "create":
      return targets.create(plan.write, signal);
    case "restore":
    case "update":
      return targets.replace(plan.write, plan.present, signal);
    case "recreate": {
      const removed = await targets.remove(plan.present, signal);
      return removed.done ? targets.create(plan.write, signal) : removed;
    }
    case "remove":
      return targets.remove(plan.secret, signal);
    case "keep":
    case "refuse":
      return nothingToDo;
    default:
      return assertNever(plan);
  }
}
