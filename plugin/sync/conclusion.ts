/** What came of one run, for whoever ends it: schedule, status and report. */
import type { SyncPlan } from "./plan.ts";
import type { ReadOutcome } from "./read-want.ts";
import type { Seen } from "./situation.ts";
import type { Outcome, SyncResult } from "./status.ts";

export interface Conclusion {
  readonly outcome: Outcome;
  /** What was done to the Secret; absent when nothing was, or when it failed. */
  readonly action?: SyncPlan;
  readonly seen?: Seen;
  /** Absent when no read was due. */
  readonly read?: ReadOutcome;
  readonly holding?: SyncResult["holding"];
}

export interface Run extends Conclusion {
  readonly startedAtMs: number;
  readonly begunAtMs: number;
  /** Value of the state's counter when the run began. */
  readonly asks: number;
}
