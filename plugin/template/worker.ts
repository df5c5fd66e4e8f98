/**
 * The one worker for heavy templates: started when first needed, killed when a job outlives its time, ended when idle.
 *
 * Jobs run one at a time, in the order they came. A killed worker costs only the job that it was on.
 */
import { Worker } from "node:worker_threads";
import type { Clock } from "../core/clock.ts";
import { Failure } from "../core/failure.ts";
import { templateFailure } from "./execute.ts";
import { BudgetError } from "./go/errors.ts";
import { toJob, valuesOf } from "./job.ts";
import type { JobResult } from "./job.ts";
import type { Rendered, RenderRequest, TemplateBudgets } from "./request.ts";

/** A worker that has nothing to do for so long goes: it holds some ten MiB. */
const idleMs = 60_000;

/** What a job has beyond its budget before the worker is killed: for starting, and for noticing the budget itself. */
const graceMs = 1_000;

/** The budgets keep well below; a library that takes more dies with the thread instead of the process, if it can. */
const memoryMiB = 256;

interface Waiting {
  readonly request: RenderRequest;
  readonly budgets: TemplateBudgets;
  readonly resolve: (rendered: Rendered) => void;
  readonly reject: (reason: unknown) => void;
  /** Takes the job out of the signal's hands. */
  readonly release: () => void;
}

/** The worker's file: a source beside this one, or the bundle's second entry beside its chunks. */
const entry = (): URL =>
  new URL(import.meta.url.endsWith(".ts") ? "./worker-entry.ts" : "./template-worker.mjs", import.meta.url);

export class TemplateWorker {
  readonly #clock: Clock;
  readonly #queue: Waiting[] = [];
  #thread: Worker | undefined;
  #current: { readonly id: number; readonly job: Waiting; readonly cancelLimit: () => void } | undefined;
  #cancelIdle = (): void => undefined;
  #jobs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects with Failure `template_failed`, or the signal's reason. */
  render(request: RenderRequest, budgets: TemplateBudgets, signal: AbortSignal): Promise<Rendered> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#drop(job, signal.reason);
      const release = (): void => signal.removeEventListener("abort", onAbort);
      const job: Waiting = { request, budgets, resolve, reject, release };
      this.#queue.push(job);
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      if (!this.#current) this.#next();
    });
  }

  /** Ends the thread; running and waiting jobs fail. */
  close(): void {
    const reason = new Failure("internal", "keyferry is ending: no more templates are rendered");
    for (const job of this.#queue.splice(0)) {
      job.release();
      job.reject(reason);
    }
    if (this.#current) this.#fail(reason);
    this.#stop();
  }

  #drop(job: Waiting, reason: unknown): void {
    if (this.#current?.job === job) return this.#fail(reason);
    this.#queue.splice(this.#queue.indexOf(job), 1);
    job.reject(reason);
  }

  #next(): void {
    const job = this.#queue.shift();
    if (!job) {
      this.#thread?.unref();
      this.#cancelIdle = this.#clock.after(idleMs, () => this.#stop());
      return;
    }
    this.#cancelIdle();
    const id = ++this.#jobs;
    const overdue = (): void =>
      this.#fail(templateFailure(new BudgetError("time"), job.request.templates[0]!, job.budgets));
    this.#current = { id, job, cancelLimit: this.#clock.after(job.budgets.timeMs + graceMs, overdue) };
    this.#thread ??= this.#start();
    this.#thread.ref();
    this.#thread.postMessage(toJob(id, job.request, job.budgets));
  }

  #start(): Worker {
    const thread = new Worker(entry(), { env: {}, argv: [], resourceLimits: { maxOldGenerationSizeMb: memoryMiB } });
    thread.on("message", (result: JobResult) => this.#answer(result));
    thread.on("error", (cause) => this.#fail(crash(cause)));
    thread.on("exit", () => this.#fail(crash(undefined)));
    return thread;
  }

  #answer(result: JobResult): void {
    if (this.#current?.id !== result.id) return;
    const { job } = this.#finish();
    if ("failure" in result) {
      const { message, field } = result.failure;
      job.reject(new Failure("template_failed", message, field === undefined ? {} : { field }));
    } else job.resolve({ values: valuesOf(result.values), spentMs: result.spentMs });
    this.#next();
  }

  /** Gives the current job up and the thread with it. */
  #fail(reason: unknown): void {
    this.#stop();
    if (!this.#current) return;
    this.#finish().job.reject(reason);
    this.#next();
  }

  #finish(): { readonly job: Waiting } {
    const { job, cancelLimit } = this.#current!;
    this.#current = undefined;
    cancelLimit();
    job.release();
    return { job };
  }

  #stop(): void {
    this.#cancelIdle();
    const thread = this.#thread;
    this.#thread = undefined;
    thread?.removeAllListeners();
    // A thread that is being killed may still report why; nobody waits for it.
    thread?.on("error", () => undefined);
    void thread?.terminate();
  }
}

/** Most often memory: a thread beyond its limit dies. Whatever it was, the template is what brought it about. */
const crash = (cause: unknown): Failure =>
  new Failure("template_failed", `the template worker died (it has ${memoryMiB} MiB): shorten the values`, { cause });
