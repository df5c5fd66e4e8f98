/**
 * The log: JSON lines through pino, bounded. Lines that the destination does not take in time are dropped and counted.
 *
 * Only the fields of LogFields are written, and of those only texts, numbers and booleans: an Error that strays in here
 * leaves no message, cause or stack behind.
 */
import { pino, type LevelWithSilent } from "pino";
import type { Clock } from "../core/clock.ts";
import { LineQueue, type LineWrite } from "./line-queue.ts";
import type { Log, LogFields } from "./log.ts";
import { scrub } from "./scrub.ts";

export interface LogOptions {
  /** The least level that is written. */
  readonly level: LevelWithSilent;
  readonly write: LineWrite;
  readonly clock: Clock;
  /** Of lines that wait to be written; default 1 MiB. */
  readonly capacityBytes?: number;
}

export interface BoundedLog extends Log {
  /** Lines dropped since the start. */
  dropped(): number;
  /** Resolves when every line is written, or writing has failed. A stuck destination never gets there: bound the wait. */
  settled(): Promise<void>;
}

const fieldNames: Readonly<Record<keyof LogFields, true>> = {
  address: true,
  attempt: true,
  bytes: true,
  cache: true,
  code: true,
  count: true,
  file: true,
  inMs: true,
  kind: true,
  message: true,
  mode: true,
  name: true,
  namespace: true,
  pod: true,
  reason: true,
  socket: true,
  store: true,
  tookMs: true,
  version: true,
};

export function createLog({ level, write, clock, capacityBytes = 1024 * 1024 }: LogOptions): BoundedLog {
  let dropped = 0;
  let reported = 0;
  const reportDropped = (): void => {
    const count = dropped - reported;
    if (count === 0) return;
    reported = dropped;
    line("warn", "log lines dropped", { count });
  };
  const queue = new LineQueue({
    write,
    capacityBytes,
    keepFailed: false,
    onFailure: (lines) => void (dropped += lines),
    onEmpty: reportDropped,
  });
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (text) => void (queue.offer([text]) || dropped++) },
  );
  const line = (at: "debug" | "info" | "warn" | "error", sentence: string, fields: LogFields = {}): void => {
    if (logger.isLevelEnabled(at)) logger[at](safeFields(fields), scrub(sentence));
  };
  return {
    debug: (sentence, fields) => line("debug", sentence, fields),
    info: (sentence, fields) => line("info", sentence, fields),
    warn: (sentence, fields) => line("warn", sentence, fields),
    error: (sentence, fields) => line("error", sentence, fields),
    dropped: () => dropped,
    settled: () => queue.settled(),
  };
}

function safeFields(fields: LogFields): Record<string, string | number | boolean> {
  const safe: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (!Object.hasOwn(fieldNames, name)) continue;
    if (typeof value === "string") safe[name] = scrub(value);
    else if (typeof value === "number" || typeof value === "boolean") safe[name] = value;
  }
  return safe;
}
