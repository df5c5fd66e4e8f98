/**
 * The worker: executes one job after another, each at one go. Reaches nothing but its message port.
 *
 * It may be killed at any moment; whoever started it then answers for it.
 */
import { parentPort } from "node:worker_threads";
import { systemClock } from "../core/clock.ts";
import { Failure } from "../core/failure.ts";
import { bytesOf } from "./go/text.ts";
import { dotOf, startMachine, templateFailure } from "./execute.ts";
import { fromPlain } from "./job.ts";
import type { Job, JobResult } from "./job.ts";
import { createPreparedTemplates } from "./prepared.ts";

const prepared = createPreparedTemplates();

function executeGo({ id, templates, missingKey, delimiters, data, budgets }: Job): JobResult {
  const dot = dotOf(fromPlain(data));
  const values = new Map<string, Uint8Array>();
  let spentMs = 0;
  for (const template of templates)
    try {
      const program = prepared.get(template, delimiters);
      const left = { ...budgets, timeMs: budgets.timeMs - spentMs };
      const machine = startMachine(program, dot, { missingKey }, left, systemClock);
      machine.run();
      spentMs += machine.spentMs;
      values.set(template.key, bytesOf(machine.output));
    } catch (thrown) {
      const failure = templateFailure(thrown, template, budgets);
      if (!(failure instanceof Failure)) throw thrown;
      return { id, failure: { message: failure.message, field: failure.field } };
    }
  return { id, values, spentMs };
}

/** Handlebars takes memory and time to load: only for who asks for it. */
async function executeHandlebars({ id, data, budgets, ...asked }: Job): Promise<JobResult> {
  const { renderHandlebars } = await import("./handlebars/render.ts");
  try {
    return { id, ...renderHandlebars({ ...asked, data: fromPlain(data) }, budgets, systemClock) };
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    return { id, failure: { message: thrown.message, field: thrown.field } };
  }
}

parentPort!.on("message", (job: Job) => {
  if (job.engine !== "handlebars") return parentPort!.postMessage(executeGo(job));
  // A job comes only after the answer to the one before.
  void executeHandlebars(job).then((result) => parentPort!.postMessage(result));
});
