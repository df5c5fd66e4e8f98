/** Waiting for what is followed, where nothing can be said without it. */
import type { Clock } from "../core/clock.ts";
import { joinUnderSignal, withDeadline } from "../core/deadline.ts";
import { Failure } from "../core/failure.ts";
import type { Mirror } from "./contract.ts";

/** At a start the list is on its way. */
const patienceMs = 5_000;

/**
 * Resolves once there is a complete list. Rejects with Failure `kube_unavailable`, `what` in front: after five seconds,
 * or at once where the API server does not know the resource or this process has no right to it.
 */
export async function firstList(
  mirror: Mirror<unknown>,
  what: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { synced, problem } = mirror.health();
  if (synced) return;
  const unavailable = (why: string): Failure => new Failure("kube_unavailable", `${what}: ${why}`);
  if (problem && [403, 404].includes(problem.status)) throw unavailable(problem.message);
  try {
    await withDeadline(signal, patienceMs, clock, "the first list", (bounded) =>
      joinUnderSignal(mirror.synced, bounded),
    );
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    throw unavailable(mirror.health().problem?.message ?? "the API server does not answer");
  }
}
