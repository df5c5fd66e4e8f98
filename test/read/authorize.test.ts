import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { StoreCondition } from "../../plugin/manifests/objects.ts";
import { authorize } from "../../plugin/read/authorize.ts";
import type { Question, Rules } from "../../plugin/read/authorize.ts";
import type { ResolvedStore } from "../../plugin/read/catalog.ts";
import type { StorePolicyItem } from "../../plugin/read/ports.ts";
import { storeId } from "../../plugin/read/store-id.ts";
import type { Address } from "../../plugin/stores/contract.ts";
import { storeManifest, storePolicy } from "./fake-cluster.ts";
import type { StoreOptions } from "./fake-cluster.ts";
import { externalSecret, pod } from "./read-bench.ts";

function store(options: StoreOptions = {}): ResolvedStore {
  const { kind = "ClusterSecretStore", namespace = "" } = options;
  const manifest = storeManifest("vault", {}, { ...options, kind, namespace });
  const id = storeId(kind, namespace, "vault");
  return { id, ref: { kind, name: "vault" }, namespace, manifest } as ResolvedStore;
}

function condition(parts: Partial<StoreCondition>): StoreCondition {
  return { namespaces: [], namespaceRegexes: [], ...parts };
}

const own = store({ kind: "SecretStore", namespace: "shop" });
const cluster = store();
const clusterRef = { kind: "ClusterSecretStore", name: "vault" } as const;
const ownRef = { kind: "SecretStore", name: "vault", namespace: "shop" } as const;
const team = (name: string) => ({ matchLabels: { team: name }, matchExpressions: [] });
const broken = (about: object): StorePolicyItem => ({
  ok: false,
  problems: [{ path: "spec.rules", problem: "must be a list" }],
  ...about,
});

interface Case {
  readonly name: string;
  readonly question?: Partial<Question>;
  readonly address?: string;
  readonly rules?: Partial<Rules>;
  /** Absent: allowed. */
  readonly refusal?: RegExp;
}

const cases: readonly Case[] = [
  { name: "a pod may read a ClusterSecretStore without conditions" },
  { name: "a pod may read its namespace's SecretStore", question: { store: own } },
  {
    name: "a SecretStore of another namespace is out of reach",
    question: { store: store({ kind: "SecretStore", namespace: "bank" }) },
    refusal: /^SecretStore\/bank\/vault serves its own namespace alone; use a SecretStore of namespace "shop"/,
  },
  {
    name: "a condition can list the namespace",
    question: {
      store: store({ conditions: [condition({ namespaces: ["bank"] }), condition({ namespaces: ["shop"] })] }),
    },
  },
  {
    name: "a condition can select the namespace by label",
    question: { store: store({ conditions: [condition({ namespaceSelector: team("a") })] }) },
  },
  {
    name: "a condition's pattern is not anchored",
    question: { store: store({ conditions: [condition({ namespaceRegexes: ["ho"] })] }) },
  },
  {
    name: "no condition met",
    question: {
      store: store({
        conditions: [
          condition({ namespaces: ["bank"], namespaceSelector: team("b"), namespaceRegexes: ["^hop"] }),
          condition({}),
        ],
      }),
    },
    refusal: /^namespace "shop" meets none of spec.conditions of ClusterSecretStore\/vault; add it there/,
  },
  {
    name: "the conditions of a SecretStore say nothing",
    question: {
      store: store({ kind: "SecretStore", namespace: "shop", conditions: [condition({ namespaces: ["bank"] })] }),
    },
  },
  {
    name: "a rule that lists namespace and address",
    rules: { policies: [storePolicy("p", clusterRef, [{ namespaces: ["shop"], keys: ["secret/data/a"] }])] },
  },
  {
    name: "a rule that selects the namespace and leaves keys open",
    rules: { policies: [storePolicy("p", clusterRef, [{ namespaceSelector: team("a") }])] },
  },
  {
    name: "a policy without a fitting rule denies",
    rules: {
      policies: [
        storePolicy("p", clusterRef, [
          { namespaces: ["shop"], keys: ["secret/data/b/**"] },
          { namespaces: ["bank"], keys: ["secret/data/a"] },
        ]),
      ],
    },
    refusal:
      /^no rule of StorePolicy "p" lets namespace "shop" read "secret\/data\/a" of ClusterSecretStore\/vault; add one$/,
  },
  {
    name: "a policy without rules denies",
    rules: { policies: [storePolicy("p", clusterRef, [])] },
    refusal: /^no rule of StorePolicy "p"/,
  },
  {
    name: "rules of several policies unite",
    rules: {
      policies: [
        storePolicy("p", clusterRef, [{ namespaces: ["bank"] }]),
        storePolicy("q", clusterRef, [{ namespaces: ["shop"] }]),
      ],
    },
  },
  {
    name: "a policy of another store says nothing",
    rules: {
      policies: [storePolicy("p", { kind: "ClusterSecretStore", name: "other" }, []), storePolicy("q", ownRef, [])],
    },
  },
  {
    name: "a policy of a SecretStore is about its namespace's store alone",
    question: { store: own },
    rules: { policies: [storePolicy("p", { ...ownRef, namespace: "bank" }, []), storePolicy("q", clusterRef, [])] },
  },
  {
    name: "a policy of a SecretStore closes it",
    question: { store: own },
    rules: { policies: [storePolicy("p", ownRef, [])] },
    refusal: /^no rule of StorePolicy "p"/,
  },
  {
    name: "a policy that does not parse closes its store",
    rules: {
      policies: [broken({ name: "p", storeRef: clusterRef }), storePolicy("q", clusterRef, [{ namespaces: ["shop"] }])],
    },
    refusal: /^ClusterSecretStore\/vault is closed because StorePolicy "p" is not valid \(spec.rules: must be a list\)/,
  },
  { name: "a broken policy of another store closes nothing here", rules: { policies: [broken({ storeRef: ownRef })] } },
  {
    name: "a broken policy whose store cannot be told closes every store",
    rules: { policies: [broken({})] },
    refusal: /^ClusterSecretStore\/vault is closed because a StorePolicy is not valid/,
  },
  {
    name: "a broken policy with a namespace too many still closes its ClusterSecretStore",
    rules: { policies: [broken({ storeRef: { ...clusterRef, namespace: "x" } })] },
    refusal: /is closed because/,
  },
  {
    name: "a broken policy without its namespace closes every SecretStore of that name",
    question: { store: own },
    rules: { policies: [broken({ storeRef: { kind: "SecretStore", name: "vault" } })] },
    refusal: /is closed because/,
  },
  {
    name: "identity Store is refused for a ClusterSecretStore without policy",
    question: { identity: "Store" },
    refusal: /^identity: Store needs a StorePolicy for ClusterSecretStore\/vault that lists Store in spec.identity/,
  },
  { name: "identity Store is fine for a SecretStore without policy", question: { identity: "Store", store: own } },
  {
    name: "a policy says Pod unless it says Store",
    question: { identity: "Store", store: own },
    rules: { policies: [storePolicy("p", ownRef, [{ namespaces: ["shop"] }])] },
    refusal: /^StorePolicy "p" does not allow identity: Store for SecretStore\/shop\/vault; add it to spec.identity/,
  },
  {
    name: "a policy can allow identity Store for a ClusterSecretStore",
    question: { identity: "Store" },
    rules: { policies: [storePolicy("p", clusterRef, [{ namespaces: ["shop"] }], ["Store"])] },
  },
  {
    name: "a policy with Store alone does not allow Pod",
    rules: { policies: [storePolicy("p", clusterRef, [{ namespaces: ["shop"] }], ["Store"])] },
    refusal: /does not allow identity: Pod/,
  },
  {
    name: "the identity must be allowed by a policy whose rule admits",
    question: { identity: "Store" },
    rules: {
      policies: [
        storePolicy("p", clusterRef, [{ namespaces: ["shop"] }], ["Pod"]),
        storePolicy("q", clusterRef, [{ namespaces: ["bank"] }], ["Store"]),
      ],
    },
    refusal: /^StorePolicy "p" does not allow identity: Store/,
  },
  { name: "sync needs no identity right", question: { caller: externalSecret(), identity: "Store" } },
  {
    name: "sync needs no identity right of a policy either",
    question: { caller: externalSecret(), identity: "Store" },
    rules: { policies: [storePolicy("p", clusterRef, [{ namespaces: ["shop"] }])] },
  },
  {
    name: "sync needs a rule",
    question: { caller: externalSecret("bank"), identity: "Store" },
    rules: { policies: [storePolicy("p", clusterRef, [{ namespaces: ["shop"] }])] },
    refusal: /^no rule of StorePolicy "p" lets namespace "bank"/,
  },
];

for (const c of cases)
  test(c.name, () => {
    const located = { address: (c.address ?? "secret/data/a") as Address, method: "GET", arguments: "", version: "" };
    const question: Question = { caller: pod(), store: cluster, located, identity: "Pod", ...c.question };
    const ask = () => authorize(question, { policies: [], namespaceLabels: { team: "a" }, ...c.rules });
    if (!c.refusal) return void assert.equal(ask().located, located);
    assert.throws(
      ask,
      (thrown) => thrown instanceof Failure && thrown.code === "not_allowed" && c.refusal!.test(thrown.message),
    );
  });
