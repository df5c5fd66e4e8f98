/** Log, audit and metrics of one process, and their last words at its end. */
import { systemClock } from "../core/clock.ts";
import type { ServiceConfig } from "../config.ts";
import { createAudit } from "../observe/audit-log.ts";
import type { Audit } from "../observe/audit.ts";
import { openAuditDestination, openStandardStream } from "../observe/line-destination.ts";
import type { Log } from "../observe/log.ts";
import { createLog } from "../observe/pino-log.ts";
import { createMetrics, type PrometheusMetrics } from "../observe/prometheus.ts";
import { startStep } from "./start-problem.ts";

export interface Reports {
  readonly log: Log;
  readonly audit: Audit;
  readonly metrics: PrometheusMetrics;
  /** Resolves when all lines are out, or after half a second: a stuck collector must not hold up the end. */
  close(): Promise<void>;
}

const auditBytes = 4 * 1024 * 1024;
const lastWordsMs = 500;

export async function openReports(config: ServiceConfig, node: string): Promise<Reports> {
  const stderr = openStandardStream(2);
  const auditOut = await startStep("", () => openAuditDestination(config.auditLog));
  const clock = systemClock;
  const log = createLog({ level: config.logLevel, write: stderr.write, clock });
  const audit = createAudit({ write: auditOut.write, capacityBytes: auditBytes, clock, node, log });
  const metrics = createMetrics({ objectLabels: config.metricsObjectLabels, logLinesDropped: () => log.dropped() });
  return {
    log,
    audit,
    metrics,
    async close() {
      const settled = Promise.all([log.settled(), audit.settled()]);
      const patience = new Promise((resolve) => setTimeout(resolve, lastWordsMs).unref());
      await Promise.race([settled, patience]);
      await Promise.all([auditOut.close(), stderr.close()]);
    },
  };
}
