/**
 * Everything that can go wrong, as a closed set of codes with one row of consequences each.
 *
 * `message` reaches logs, events, conditions and gRPC answers unchanged, so it never holds a value, a token or an
 * upstream body. `cause` is for code to inspect, never for printing. docs/errors.md lists exactly these codes.
 */

/** What a failure means for a running consumer. */
export type FailureClass = "unavailable" | "no" | "invalid" | "target" | "internal";

/** gRPC status codes that Mount may answer. The driver retries the others, or kubelet reads them as "still running". */
export type MountStatus = "FAILED_PRECONDITION" | "PERMISSION_DENIED" | "NOT_FOUND" | "INVALID_ARGUMENT" | "INTERNAL";

/**
 * When to try again without anybody changing anything:
 * `backoff` soon and then rarer, `next_interval` at the next scheduled refresh, `on_change` when an input object changes.
 */
export type Retry = "backoff" | "next_interval" | "on_change";

export interface FailureHandling {
  readonly class: FailureClass;
  readonly grpc: MountStatus;
  /** ESO's Ready=False reason on an ExternalSecret. */
  readonly reason: "SecretSyncedError";
  /** ESO's constant condition text; the cause is appended as `: [code] message`. */
  readonly conditionText: string;
  readonly retry: Retry;
}

const providerText = "could not get secret data from provider";
const updateText = "could not update secret";

function row(
  failureClass: FailureClass,
  grpc: MountStatus,
  retry: Retry,
  conditionText: string = providerText,
): FailureHandling {
  return { class: failureClass, grpc, reason: "SecretSyncedError", conditionText, retry };
}

/** What each failure means to both deliveries. A new code does not compile until it has a row. */
export const failureHandling = {
  store_unreachable: row("unavailable", "FAILED_PRECONDITION", "backoff"),
  store_timeout: row("unavailable", "FAILED_PRECONDITION", "backoff"),
  store_throttled: row("unavailable", "FAILED_PRECONDITION", "backoff"),
  store_sealed: row("unavailable", "FAILED_PRECONDITION", "backoff"),
  store_error: row("unavailable", "FAILED_PRECONDITION", "backoff"),
  store_login_denied: row("unavailable", "FAILED_PRECONDITION", "backoff"),
  kube_unavailable: row("unavailable", "FAILED_PRECONDITION", "backoff"),
  store_denied: row("no", "PERMISSION_DENIED", "backoff"),
  credential_missing: row("no", "PERMISSION_DENIED", "backoff"),
  not_allowed: row("no", "PERMISSION_DENIED", "on_change"),
  ref_not_found: row("no", "NOT_FOUND", "backoff"),
  property_not_found: row("no", "NOT_FOUND", "backoff"),
  version_not_found: row("no", "NOT_FOUND", "backoff"),
  store_not_found: row("no", "NOT_FOUND", "on_change"),
  manifest_invalid: row("invalid", "INVALID_ARGUMENT", "on_change"),
  ref_invalid: row("invalid", "INVALID_ARGUMENT", "on_change"),
  store_invalid: row("invalid", "INVALID_ARGUMENT", "on_change"),
  store_not_ready: row("invalid", "INVALID_ARGUMENT", "on_change"),
  answer_invalid: row("invalid", "INVALID_ARGUMENT", "next_interval"),
  answer_too_large: row("invalid", "INVALID_ARGUMENT", "next_interval"),
  decode_failed: row("invalid", "INVALID_ARGUMENT", "next_interval"),
  template_failed: row("invalid", "INVALID_ARGUMENT", "next_interval"),
  not_mountable: row("invalid", "INVALID_ARGUMENT", "on_change"),
  target_conflict: row("target", "INTERNAL", "backoff", "target is owned by another ExternalSecret"),
  target_immutable: row("target", "INTERNAL", "on_change", "could not update secret, target is immutable"),
  target_refused: row("target", "INTERNAL", "backoff", updateText),
  target_too_large: row("target", "INTERNAL", "next_interval", updateText),
  deletion_held: row("target", "INTERNAL", "on_change", "could not delete secret"),
  audit_unavailable: row("internal", "INTERNAL", "backoff", updateText),
  internal: row("internal", "INTERNAL", "backoff", updateText),
} as const satisfies Record<string, FailureHandling>;

export type FailureCode = keyof typeof failureHandling;

export interface FailureOptions {
  readonly cause?: unknown;
  /** The store's own wish, milliseconds from now. Source: a Retry-After header. */
  readonly retryAfterMs?: number;
  /** Where the fault sits, e.g. `spec.data[2].remoteRef.key`. Put in front of the message by `refMessage`. */
  readonly field?: string;
}

/** Something that did not work, in words that may be shown to anyone. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: FailureCode;
  readonly retryAfterMs: number | undefined;
  readonly field: string | undefined;

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.field = options.field;
  }

  get handling(): FailureHandling {
    return failureHandling[this.code];
  }
}

/** Severity for the one code that speaks for several failed refs: an authoritative no must never hide behind an outage. */
const rank: Record<FailureClass, number> = { no: 0, invalid: 1, internal: 2, target: 3, unavailable: 4 };

/** A read whose refs failed, every one of them named. Its own code is that of the gravest part. */
export class ReadFailure extends Failure {
  readonly parts: readonly Failure[];

  constructor(parts: readonly [Failure, ...Failure[]]) {
    const gravest = parts.reduce((a, b) => (rank[b.handling.class] < rank[a.handling.class] ? b : a));
    const waits = parts.map((part) => part.retryAfterMs ?? 0);
    const longestWaitMs = Math.max(...waits);
    super(gravest.code, joinParts(parts), longestWaitMs > 0 ? { retryAfterMs: longestWaitMs } : {});
    this.parts = parts;
  }
}

const shownParts = 5;

function joinParts(parts: readonly Failure[]): string {
  const texts = parts
    .slice(0, shownParts)
    .map((part) => (part.field ? `${part.field}: ${part.message}` : part.message));
  const hidden = parts.length - texts.length;
  return texts.join("; ") + (hidden > 0 ? ` and ${hidden} more` : "");
}

/** Whatever was thrown, as a Failure. An unknown error keeps only its class name: its message may hold anything. */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const kind = thrown instanceof Error ? thrown.constructor.name : typeof thrown;
  return new Failure("internal", `unexpected ${kind}; see the log of this node`, { cause: thrown });
}
