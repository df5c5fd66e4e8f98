/**
 * What a store is that knows the cluster's accounts by their tokens alone, as the tests see each of them: whom it admits,
 * what it then gives, and which knob its refusals must name.
 */
import type { ServiceAccountKeys } from "./keys.ts";

export interface AccountName {
  readonly namespace: string;
  readonly name: string;
}

type Annotations = Readonly<Record<string, string>>;

export interface Federation {
  readonly name: string;
  /** Of tokens that it takes. */
  readonly audience: string;
  /** What the process needs in its environment to find it. */
  readonly env: Readonly<Record<string, string>>;
  /** Lets it trust what these keys sign. Accounts of `namespace` alone are admitted to come. */
  readonly trust: (keys: ServiceAccountKeys, namespace: string) => Promise<void> | void;
  /** Makes an identity for the account. Resolves with what the account is to be annotated with. */
  readonly admit: (account: AccountName) => Promise<Annotations> | Annotations;
  /** The block under spec.provider, for tokens of another audience where one is given. */
  readonly provider: (account: string, audience?: string) => object;
  /** The key under which the account reads, and the value that it and nobody else gets. */
  readonly reads: (account: AccountName) => { readonly key: string; readonly value: string };
  /** Of a value what tells whose it is; all of it unless given. */
  readonly told?: (value: string) => string;
  /** Words of the message about a token for another audience, and of another account's. */
  readonly knobs: { readonly audience: RegExp; readonly subject: RegExp };
  readonly stop: () => Promise<void>;
}

export function subjectOf({ namespace, name }: AccountName): string {
  return `system:serviceaccount:${namespace}:${name}`;
}
