/**
 * Preloaded into the program by tests of long silences (`--import`): a silent watch is given up after seconds in place of
 * a minute and a half, and SIGUSR2 lets four minutes pass at once, as a machine that slept sees it.
 */
import { systemClock } from "../../../plugin/core/clock.ts";
import { kubeLimits } from "../../../plugin/kube/client/limits.ts";

let sleptMs = 0;
Object.assign(systemClock, { monotonicMs: () => performance.now() + sleptMs });
Object.assign(kubeLimits, { silenceMs: 5_000 });
process.on("SIGUSR2", () => (sleptMs += 4 * 60_000));
