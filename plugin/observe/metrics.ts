/** What the house counts. Names and labels on the wire are in prometheus.ts; docs/metrics.md lists them. */

export type Outcome = "success" | "error";

export interface StoreLabels {
  readonly kind: "SecretStore" | "ClusterSecretStore";
  /** Empty for a ClusterSecretStore. */
  readonly namespace: string;
  readonly name: string;
}

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
  /** Drift that was found. `writer`: who made it, a name that users choose; `parts`: kinds of what differs, each once. */
  drift(
    object: { readonly namespace: string; readonly name: string },
    found: { readonly writer: string; readonly parts: readonly string[] },
  ): void;
  /** How many ExternalSecrets other controllers sync, by the reason for which they are left to them. */
  leftAlone(counts: Readonly<Record<string, number>>): void;
  /** One validation of a store. */
  storeValidated(store: StoreLabels, ready: "True" | "False", seconds: number): void;
  /** A store is gone or another's: its series go. */
  forgetStore(store: StoreLabels): void;
  authFailure(store: string): void;
  storeCall(providerLabel: string, call: string, outcome: Outcome): void;
  cacheAnswer(result: "hit" | "miss" | "stale"): void;
  mount(outcome: Outcome, code: string, seconds: number): void;
  /** Seconds until the earliest periodic refresh of a store, and its waiting reads. */
  storeQueue(store: string, waiting: number, inFlight: number): void;
}
