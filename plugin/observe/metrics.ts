/** What the house counts. Names and labels on the wire are in prometheus.ts; docs/metrics.md lists them. */

export type Outcome = "success" | "error";

export interface Metrics {
  /** One sync of one ExternalSecret. `store` is the default store's name. */
  syncCall(
    object: { readonly namespace: string; readonly name: string; readonly store: string },
    outcome: Outcome,
    seconds: number,
  ): void;
  /** Ready and Paused of one object; `undefined` status drops its series. */
  condition(
    object: { readonly namespace: string; readonly name: string },
    condition: string,
    status: "True" | "False" | undefined,
  ): void;
  /** An ExternalSecret is gone: all its series go. */
  forgetObject(object: { readonly namespace: string; readonly name: string }): void;
  /** How many Secrets are kept in sync, by registry name of the store kind. */
  secretsByProvider(counts: ReadonlyMap<string, number>): void;
  drift(object: { readonly namespace: string; readonly name: string }): void;
  authFailure(store: string): void;
  storeCall(providerLabel: string, call: string, outcome: Outcome): void;
  cacheAnswer(result: "hit" | "miss" | "stale"): void;
  mount(outcome: Outcome, code: string, seconds: number): void;
  /** Seconds until the earliest periodic refresh of a store, and its waiting reads. */
  storeQueue(store: string, waiting: number, inFlight: number): void;
}
