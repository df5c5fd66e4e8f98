/** What the isolation model and the fake store say to one another. */
import type { SecretBundle } from "../../plugin/read/request.ts";
import type { Located, StoreContext } from "../../plugin/stores/contract.ts";
import { storeManifest } from "./fake-cluster.ts";
import type { StorePlan } from "./isolation-plan.ts";

/** Everything of a request that the store sees. */
export interface Wire {
  readonly server: string;
  readonly facts: StoreContext | undefined;
  readonly shown: string;
  readonly located: Located;
}

/** What the fake store answers: the request itself, and when and how often it was asked. */
export interface Told extends Wire {
  readonly rotation: number;
  readonly serial: number;
  readonly sentAtMs: number;
  /** The address of what was taken out of it; absent when it was released whole. */
  readonly part?: string;
}

export function manifestOf(store: StorePlan) {
  const { scope, name, provider, server, auth, audience, account, referred, beside, batch } = store;
  const namespaced = referred === undefined ? {} : { namespace: referred };
  return storeManifest(
    name,
    {
      server,
      auth,
      audience,
      account: { name: account, ...namespaced },
      secret: { name: "creds", ...namespaced },
      ...(beside && { beside: { name: "creds", ...namespaced }, anonymous: true }),
      annotated: "maybe",
      ...(batch !== undefined && { batch }),
    },
    { provider, ...(scope === "cluster" ? {} : { kind: "SecretStore", namespace: scope }) },
  );
}

export function wireText({ server, facts, shown, located }: Wire): string {
  return JSON.stringify([server, facts?.scope, facts?.name, facts?.namespace, shown, located]);
}

export function toldIn(bundle: SecretBundle): readonly Told[] {
  return [...bundle.values].map(([, { value }]) => JSON.parse(value.reveal().toString("utf8")) as Told);
}

export function textOf(told: readonly Told[]): string {
  return JSON.stringify(told);
}
