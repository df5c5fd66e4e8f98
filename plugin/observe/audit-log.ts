/**
 * Audit lines: who got which version of what, written ahead of every release of a value.
 *
 * No line, no release: while the destination fails or its buffer is full, `record` rejects. Lines that were accepted
 * stay first in line through a failure, so a full disk loses none and may repeat some.
 */
import type { Clock } from "../core/clock.ts";
import { Failure } from "../core/failure.ts";
import type { Audit, AuditEntry } from "./audit.ts";
import { errorCode } from "./line-destination.ts";
import { LineQueue, type LineWrite } from "./line-queue.ts";
import type { Log } from "./log.ts";

export interface AuditOptions {
  readonly write: LineWrite;
  /** Of accepted lines that are not written yet; 0 accepts none. */
  readonly capacityBytes: number;
  readonly clock: Clock;
  /** Name of this node. */
  readonly node: string;
  readonly log: Log;
}

export interface BoundedAudit extends Audit {
  /** Resolves when every line is written, or writing has failed. A stuck destination never gets there: bound the wait. */
  settled(): Promise<void>;
}

export function createAudit({ write, capacityBytes, clock, node, log }: AuditOptions): BoundedAudit {
  let failing = false;
  const queue = new LineQueue({
    write: (text, done) =>
      write(text, (error) => {
        done(error);
        if (failing && !queue.failed) {
          failing = false;
          log.info("audit destination works again");
        }
      }),
    capacityBytes,
    keepFailed: true,
    onFailure(lines, error) {
      if (!failing) log.error("audit destination failed", { count: lines, code: errorCode(error) });
      failing = true;
    },
    onEmpty: () => {},
  });
  return {
    async record(entries) {
      await Promise.resolve();
      if (queue.failed) {
        // This release is refused either way; the next one goes through if the destination has recovered.
        queue.retry();
        throw unavailable("cannot be written");
      }
      const time = new Date(clock.nowMs()).toISOString();
      if (!queue.offer(entries.map((entry) => auditLine(time, node, entry)))) throw unavailable("does not keep up");
    },
    settled: () => queue.settled(),
  };
}

function unavailable(what: string): Failure {
  return new Failure("audit_unavailable", `the audit log ${what}, so nothing is released; check --audit-log`);
}

/** Field by field: the order is a contract, and nothing else of an entry may slip in. */
function auditLine(time: string, node: string, entry: AuditEntry): string {
  const { kind, namespace, name, uid } = entry.consumer;
  return `${JSON.stringify({
    time,
    node,
    delivery: entry.delivery,
    consumer: { kind, namespace, name, uid },
    serviceAccount: entry.serviceAccount,
    store: entry.store,
    address: entry.address,
    version: entry.version,
    digest: entry.digest,
    storeRequestId: entry.storeRequestId,
    cache: entry.cache,
    ageMs: entry.ageMs,
    withheld: entry.withheld,
  })}\n`;
}
