/** How a mirror is doing: for its health, and as one log line when an outage begins and one when it ends. */
import type { Log } from "../../observe/log.ts";
import type { KubeFailure, MirrorHealth } from "../contract.ts";
import { SilentWatch } from "./watch.ts";

export interface MirrorState {
  health: () => MirrorHealth;
  /** The API server confirmed what is held. */
  confirmed(): void;
  /** A whole list was taken in. */
  listed(): void;
  /** A request was answered as it should. */
  well(): void;
  failed(failure: KubeFailure): void;
}

/** `kind`: the watched resource, for the log. `nowMs`: the monotonic clock. */
export function createMirrorState(log: Log, kind: string, nowMs: () => number): MirrorState {
  let synced = false;
  let freshAtMs: number | undefined;
  let problem: KubeFailure | undefined;
  const well = (): void => {
    if (problem) log.info("watching again", { kind });
    problem = undefined;
  };
  const confirmed = (): void => {
    freshAtMs = nowMs();
    well();
  };
  return {
    health: () => ({ synced, freshAtMs, ...(problem ? { problem } : {}) }),
    confirmed,
    listed() {
      synced = true;
      confirmed();
    },
    well,
    failed(failure) {
      // Everyday life, not an outage: state that expired on the server, and a resource that nobody writes.
      if (failure.status === 410 || failure instanceof SilentWatch) return;
      if (!problem) log.warn("watching failed and is tried again", { kind, message: failure.message });
      problem = failure;
    },
  };
}
