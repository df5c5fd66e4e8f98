/**
 * A log line is a constant sentence plus fields from one list. No field ever holds a value, a token, attributes or an
 * upstream body.
 */

/** Every field that a log line may carry. */
export interface LogFields {
  readonly address?: string;
  readonly attempt?: number;
  readonly cache?: "hit" | "miss" | "stale";
  readonly code?: string;
  readonly file?: string;
  readonly kind?: string;
  readonly message?: string;
  readonly mode?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly pod?: string;
  readonly reason?: string;
  readonly socket?: string;
  readonly store?: string;
  readonly tookMs?: number;
  readonly version?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly inMs?: number;
}

export interface Log {
  debug(sentence: string, fields?: LogFields): void;
  info(sentence: string, fields?: LogFields): void;
  warn(sentence: string, fields?: LogFields): void;
  error(sentence: string, fields?: LogFields): void;
}
