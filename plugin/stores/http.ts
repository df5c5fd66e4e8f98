/**
 * HTTP as stores may use it: one request, one whole answer, bounded in size on the wire and inflated, no redirects,
 * ended by the caller's signal down to the socket.
 */
import type { SecretValue } from "../core/secret-value.ts";

export interface TlsOptions {
  /** PEM. Absent = the system's roots. */
  readonly ca?: string;
  /** What the client shows of itself, PEM, its own certificate first; with `key`. Connections are never shared with another pair. */
  readonly cert?: string;
  /** PEM. */
  readonly key?: SecretValue;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  /** Header values may be secret (tokens). */
  readonly headers: Readonly<Record<string, string | SecretValue>>;
  readonly body?: SecretValue;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Inflated. */
  readonly body: SecretValue;
}

/**
 * Rejects with Failure: `store_unreachable` (refused, reset, DNS, TLS, an address that stores may not use),
 * `store_timeout`, the signal's own reason when it aborts, `answer_too_large`, `answer_invalid` for a broken encoding,
 * for what is not HTTP and for a redirect, which is never followed. Every other status resolves.
 */
export type HttpSend = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;
