/**
 * HTTP as the API client needs it: one request, an answer whose body arrives in pieces, ended by the caller's signal
 * down to the socket. Implemented in wire/kube-http.ts on one pooled agent.
 */
import type { SecretValue } from "../core/secret-value.ts";

/** Certificates of one moment; another object or other texts mean new connections. */
export interface KubeTls {
  /** PEM of the authorities to trust. Absent = the system's roots. */
  readonly ca?: string;
  /** PEM of a client certificate, with its key. */
  readonly certificate?: string;
  readonly key?: SecretValue;
  /** Name to verify instead of the URL's host. */
  readonly serverName?: string;
}

export interface KubeHttpRequest {
  readonly method: "DELETE" | "GET" | "PATCH" | "POST" | "PUT";
  readonly url: URL;
  readonly tls: KubeTls;
  /** Header values may be secret (tokens). */
  readonly headers: Readonly<Record<string, string | SecretValue>>;
  readonly body?: SecretValue;
}

export interface KubeHttpAnswer {
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The body as it arrives, not inflated. Taken once; leaving the loop early ends the connection, and so does the
   * signal. Rejects with KubeHttpProblem when the connection breaks, with the signal's reason when it aborts.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Resolves with every status, redirects included, which are never followed. Rejects with KubeHttpProblem, or with the
 * signal's own reason. Has no limits of its own on the answer's time or size but a connect timeout.
 */
export type KubeHttp = (request: KubeHttpRequest, signal: AbortSignal) => Promise<KubeHttpAnswer>;

/** No answer, or only part of one. The message is safe to show: host and a fixed word or error code. */
export class KubeHttpProblem extends Error {
  override readonly name = "KubeHttpProblem";
  /** False when the request certainly did not reach the server. */
  readonly maybeArrived: boolean;

  constructor(message: string, maybeArrived: boolean) {
    super(message);
    this.maybeArrived = maybeArrived;
  }
}
