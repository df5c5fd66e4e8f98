/** A `provider.webhook` block, parsed: plain data without a secret value, fit for a cache key. */
import type { CaSource } from "../ca-bundle.ts";
import type { SecretKeyRef } from "../contract.ts";

export interface WebhookConfig {
  /** A template whose origin is written out. */
  readonly url: string;
  /** The only place that requests go to: `https://api.example.com:8443`. */
  readonly origin: string;
  readonly method: string;
  /** Lower-case name → template. */
  readonly headers: Readonly<Record<string, string>>;
  /** A template; empty = no body. */
  readonly body: string;
  /** A template; empty = the whole body of the answer. */
  readonly jsonPath: string;
  /** Absent = as long as any read may take. */
  readonly timeoutMs?: number;
  readonly ca: CaSource;
  /** What templates see as `.<name>.<key of the Secret>`; several of one name unite. */
  readonly secrets: readonly { readonly name: string; readonly ref: SecretKeyRef }[];
}

/** The block's place in a store, for fields in messages. */
export const root = "spec.provider.webhook";
