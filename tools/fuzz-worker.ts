/** Where inputs are tried: a thread that may hang or die without its master. */
import { parentPort, workerData } from "node:worker_threads";
import { attempt } from "../test/template/fuzz/attempt.ts";
import type { Input } from "../test/template/fuzz/attempt.ts";

/** Which input of the batch is being tried. */
const current = new Int32Array(workerData as SharedArrayBuffer);

parentPort!.on("message", (batch: readonly Input[]) => {
  const outcomes = batch.map((input, index) => {
    Atomics.store(current, 0, index);
    return attempt(input);
  });
  parentPort!.postMessage(outcomes);
});
