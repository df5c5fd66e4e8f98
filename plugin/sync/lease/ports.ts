/** What keeping a turn needs of the API server: one coordination.k8s.io/v1 Lease. Implemented by kube/. */

export interface LeaseRecord {
  /** Empty when nobody holds it. */
  readonly holder: string;
  /** Times that the holder has changed. */
  readonly transitions: number;
  /** Of the state that was read; changes with every write. */
  readonly resourceVersion: string;
}

export interface LeaseWrite {
  readonly holder: string;
  readonly transitions: number;
  readonly durationMs: number;
  /** Wall clock epoch milliseconds. */
  readonly renewedAtMs: number;
  /** A holder that renews does not tell again since when it holds; absent = unchanged. */
  readonly acquiredAtMs?: number;
}

/** All reject with Failure `kube_unavailable` when the answer cannot be had now. */
export interface LeaseStore {
  /** Undefined when there is no such Lease. */
  get(name: string, signal: AbortSignal): Promise<LeaseRecord | undefined>;
  /**
   * Creates it where `resourceVersion` is undefined, replaces exactly that state otherwise. Undefined: somebody else
   * wrote in between.
   */
  put(
    name: string,
    write: LeaseWrite,
    resourceVersion: string | undefined,
    signal: AbortSignal,
  ): Promise<LeaseRecord | undefined>;
}
