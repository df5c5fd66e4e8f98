/** One line per release of a value, written before the release. */

export interface AuditEntry {
  readonly delivery: "mount" | "sync";
  readonly consumer: {
    readonly kind: "Pod" | "ExternalSecret";
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
  /** `namespace/name`, followed by ` (unproven)` when no verified token backs it; empty when no account is involved. */
  readonly serviceAccount: string;
  /** `kind/namespace/name` or `kind/name`. */
  readonly store: string;
  readonly address: string;
  readonly version: string;
  /** Keyed digest of the answer, hex. */
  readonly digest: string;
  readonly storeRequestId: string;
  readonly cache: "hit" | "miss" | "stale";
  readonly ageMs: number;
  /** Of a find's listing alone: how many secrets of it the StorePolicies kept from this consumer. */
  readonly withheld?: number;
}

export interface Audit {
  /** Resolves when every line is accepted for writing; rejects with Failure `audit_unavailable` when it cannot be. */
  record(entries: readonly AuditEntry[]): Promise<void>;
}
