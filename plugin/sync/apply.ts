/** Carries out a plan; decides nothing. */
import { assertNever } from "../core/exhaustive.ts";
import type { SyncPlan } from "./plan.ts";
import type { TargetSecrets, WriteOutcome } from "./ports.ts";

const nothingToDo: WriteOutcome = { done: true, resourceVersion: "" };

/** `done: false`: the Secret is no longer the one that was planned for. */
export async function applyPlan(plan: SyncPlan, targets: TargetSecrets, signal: AbortSignal): Promise<WriteOutcome> {
  switch (plan.step) {
    case "create": {
      const { secret, owner } = plan.write;
      return targets.create(secret, owner, signal);
    }
    case "restore":
    case "update": {
      const { secret, owner } = plan.write;
      return targets.replace(secret, owner, plan.resourceVersion, signal);
    }
    case "recreate": {
      const { secret, owner } = plan.write;
      const removed = await targets.remove(secret, plan.resourceVersion, signal);
      return removed.done ? targets.create(secret, owner, signal) : removed;
    }
    case "remove":
      return targets.remove(plan.secret, plan.secret.resourceVersion, signal);
    case "keep":
    case "refuse":
      return nothingToDo;
    default:
      return assertNever(plan);
  }
}
