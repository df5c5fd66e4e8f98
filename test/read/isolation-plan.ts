/** What can happen to a small crowd of tenants and stores: the plans of the isolation property, made to collide often. */
import * as fc from "fast-check";
import type { WireBlock } from "./fake-server.ts";

export const namespaces = ["a", "b"] as const;
export const accounts = ["app", "job"] as const;
/** `address|METHOD|arguments`; `whole#part` is an address too. */
export const keys = ["k1", "k2", "k1|POST", "k1|PUT", "k1|GET|all", "k1#p", "k1#q", "k1#p|POST"] as const;

export interface StorePlan {
  /** A namespace, or `cluster`. */
  readonly scope: (typeof namespaces)[number] | "cluster";
  readonly name: "s1" | "s2";
  readonly provider: "plain" | "factful";
  readonly server: "x" | "y";
  readonly auth: WireBlock["auth"];
  readonly audience: "vault" | "other";
  readonly account: (typeof accounts)[number];
  /** Where account and Secret are; undefined = the store's namespace, or the caller's. */
  readonly referred: "a" | undefined;
  /** A token is shown with a Secret beside it; a Secret alone says nothing about who reads. */
  readonly beside: boolean;
  /** Reads that one call can hold; undefined = it has no such call. */
  readonly batch: 2 | 5 | undefined;
}

export interface ConsumerPlan {
  readonly kind: "Pod" | "ExternalSecret";
  readonly namespace: (typeof namespaces)[number];
  readonly account: (typeof accounts)[number];
  readonly name: "one" | "two";
}

export interface ReadPlan {
  readonly consumer: ConsumerPlan;
  /** Index into the stores, for each key. */
  readonly store: number;
  readonly refs: readonly { readonly key: (typeof keys)[number]; readonly version: "" | "1" }[];
  readonly identity: "Pod" | "Store";
  /** Age of answers that it takes, milliseconds. */
  readonly acceptMs: number;
  readonly maxStaleMs: number;
}

export type Happening =
  | { readonly what: "rotate"; readonly server: "x" | "y" }
  | { readonly what: "outage" | "recovery"; readonly server: "x" | "y" }
  | { readonly what: "deny" | "remove" | "restore"; readonly address: "k1" | "k2" }
  | { readonly what: "refuseLogin" | "admitLogin"; readonly account: (typeof accounts)[number] };

export type Step =
  | {
      readonly what: "reads";
      readonly reads: readonly ReadPlan[];
      readonly latencyMs: 0 | 100;
      /** 50 ms later, while answers may be on their way. `abort`: the first reader leaves. */
      readonly meanwhile: Happening | { readonly what: "abort" } | undefined;
      /** Start after that. */
      readonly laterReads: readonly ReadPlan[];
      readonly laterLatencyMs: 0 | 10 | 100;
    }
  | { readonly what: "happens"; readonly happening: Happening }
  | { readonly what: "recreateAccount"; readonly namespace: string; readonly account: string }
  | { readonly what: "annotate"; readonly namespace: string; readonly account: string; readonly role: string }
  | { readonly what: "changeSecret"; readonly namespace: string }
  | {
      readonly what: "policy";
      readonly store: number;
      readonly namespace: string;
      readonly keys: readonly string[] | undefined;
      readonly identities: readonly ("Pod" | "Store")[];
    }
  | { readonly what: "dropPolicies" }
  | { readonly what: "wait"; readonly ms: number };

export interface Plan {
  readonly stores: readonly StorePlan[];
  /** Accounts whose tokens tell no uid. */
  readonly opaque: boolean;
  readonly steps: readonly Step[];
}

const oneOf = <const T>(...values: readonly T[]) => fc.constantFrom(...values);

const storeValues = {
  scope: ["cluster", "a", "b"],
  name: ["s1", "s2"],
  provider: ["plain", "factful"],
  server: ["x", "y"],
  auth: ["token", "none", "static"],
  audience: ["vault", "other"],
  account: ["app", "job"],
  referred: [undefined, "a"],
  beside: [false, true],
  batch: [undefined, 2, 5],
} as const satisfies { [K in keyof StorePlan]: readonly StorePlan[K][] };

const anyStore: fc.Arbitrary<StorePlan> = fc.record({
  scope: oneOf(...storeValues.scope),
  name: oneOf(...storeValues.name),
  provider: oneOf(...storeValues.provider),
  server: oneOf(...storeValues.server),
  auth: oneOf("token", ...storeValues.auth),
  audience: oneOf(...storeValues.audience),
  account: oneOf(...storeValues.account),
  referred: oneOf(...storeValues.referred),
  beside: oneOf(...storeValues.beside),
  batch: oneOf(...storeValues.batch),
});

const twin = fc.record({
  field: oneOf(...(Object.keys(storeValues) as (keyof StorePlan)[])),
  step: oneOf(1, 2),
  name: oneOf(...storeValues.name),
});

/** A first store and twins of it that differ in little more than one field, so that only that field keeps them apart. */
const storesPlan: fc.Arbitrary<readonly StorePlan[]> = fc
  .record({ first: anyStore, twins: fc.array(twin, { minLength: 1, maxLength: 3, size: "max" }) })
  .map(({ first, twins }) => [
    first,
    ...twins.map(({ field, step, name }): StorePlan => {
      const values: readonly unknown[] = storeValues[field];
      const other = values[(values.indexOf(first[field]) + step) % values.length];
      return { ...first, name, [field]: other };
    }),
  ]);

const readPlan: fc.Arbitrary<ReadPlan> = fc.record({
  consumer: fc.record({
    kind: oneOf("Pod", "ExternalSecret"),
    namespace: oneOf(...namespaces),
    account: oneOf(...accounts),
    name: oneOf("one", "two"),
  }),
  store: fc.nat(3),
  refs: fc.array(fc.record({ key: oneOf("k1", "k1", "k1", ...keys), version: oneOf("", "", "1") }), {
    minLength: 1,
    maxLength: 3,
    size: "max",
  }),
  identity: oneOf("Pod", "Store"),
  acceptMs: oneOf(0, 5_000, 60_000, 60_000),
  maxStaleMs: oneOf(0, 3_600_000),
});

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ what: oneOf("rotate", "outage", "recovery"), server: oneOf("x", "y") }),
  fc.record({ what: oneOf("deny", "remove", "restore", "restore"), address: oneOf("k1", "k2") }),
  fc.record({ what: oneOf("refuseLogin", "admitLogin"), account: oneOf(...accounts) }),
);

const readsStep = fc.record({
  what: fc.constant("reads" as const),
  reads: fc.array(readPlan, { minLength: 1, maxLength: 3, size: "max" }),
  latencyMs: oneOf(0, 100),
  meanwhile: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: happening },
    { weight: 1, arbitrary: fc.constant({ what: "abort" as const }) },
  ),
  laterReads: fc.array(readPlan, { maxLength: 2, size: "max" }),
  laterLatencyMs: oneOf(0, 10, 100),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: readsStep },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("happens" as const), happening }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("recreateAccount" as const),
      namespace: oneOf(...namespaces),
      account: oneOf(...accounts),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("annotate" as const),
      namespace: oneOf(...namespaces),
      account: oneOf(...accounts),
      role: oneOf("", "reader", "writer"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("changeSecret" as const), namespace: oneOf(...namespaces) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("policy" as const),
      store: fc.nat(3),
      namespace: oneOf(...namespaces),
      keys: fc.constantFrom<readonly string[] | undefined>(undefined, ["k1"], ["k1#p"]),
      identities: fc.constantFrom<readonly ("Pod" | "Store")[]>(["Pod"], ["Pod", "Store"]),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ what: "dropPolicies" as const }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("wait" as const), ms: oneOf(500, 15_000, 90_000) }) },
);

/** One reader who comes back while things change around it: what random steps alone would rarely bring together. */
const story: fc.Arbitrary<readonly Step[]> = fc
  .record({
    reads: readsStep,
    again: fc.array(
      fc.record({ changes: fc.array(step, { maxLength: 2 }), latencyMs: oneOf(0, 100), acceptMs: oneOf(0, 60_000) }),
      {
        maxLength: 4,
      },
    ),
  })
  .map(({ reads, again }) => [
    reads,
    ...again.flatMap(({ changes, latencyMs, acceptMs }): Step[] => [
      ...changes,
      { what: "wait", ms: 500 },
      {
        ...reads,
        latencyMs,
        reads: reads.reads.map((read) => ({ ...read, acceptMs, maxStaleMs: 3_600_000 })),
        meanwhile: undefined,
      },
    ]),
  ]);

export const anyPlan: fc.Arbitrary<Plan> = fc.record({
  stores: storesPlan,
  opaque: fc.boolean(),
  steps: fc.oneof(
    fc.array(step, { minLength: 3, maxLength: 12, size: "max" }),
    fc.array(story, { minLength: 1, maxLength: 3 }).map((stories) => stories.flat()),
  ),
});
