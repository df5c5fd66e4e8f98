import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStorePolicy } from "../../plugin/manifests/store-policy.ts";
import { accepted, refuses } from "./outcome.ts";

const clusterRef = { name: "vault-prod", kind: "ClusterSecretStore" };
function manifest(spec: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    apiVersion: "keyferry.dev/v1alpha1",
    kind: "StorePolicy",
    metadata: { name: "vault-prod" },
    spec: { storeRef: clusterRef, ...spec },
  };
}

test("a policy without rules closes its store to everybody, and shows it the pod's proof only", () => {
  const { meta, ...rest } = accepted(parseStorePolicy(manifest()));
  assert.equal(meta.name, "vault-prod");
  assert.deepEqual(rest, { storeRef: clusterRef, rules: [], identity: ["Pod"], hosts: [] });
});

test("every field is read", () => {
  const storeRef = { name: "s", kind: "SecretStore", namespace: "shop" };
  const rules = [
    { namespaces: ["shop"], keys: ["secret/data/payments/*", "secret/data/shared/**", "literal"] },
    { namespaces: [], namespaceSelector: { matchLabels: {}, matchExpressions: [] } },
  ];
  const policy = accepted(
    parseStorePolicy(manifest({ storeRef, rules, identity: ["Store", "Pod"], hosts: ["a.example"] })),
  );
  assert.deepEqual([policy.storeRef, policy.rules], [storeRef, rules]);
  assert.deepEqual([policy.identity, policy.hosts], [["Store", "Pod"], ["a.example"]]);
});

const star = "may have * only as its last segment: /* (one segment) or /** (any depth); leave keys out to allow all";
const rule = (more: Record<string, unknown>): Record<string, unknown> => ({ rules: [{ namespaces: ["a"], ...more }] });

const refused: readonly (readonly [sentence: string, spec: Record<string, unknown>, problems: readonly string[]])[] = [
  ["no store", { storeRef: undefined }, ["spec.storeRef: must be set"]],
  [
    "a store without name and kind",
    { storeRef: {} },
    ["spec.storeRef.name: must be set", "spec.storeRef.kind: must be set"],
  ],
  [
    "a SecretStore without a namespace",
    { storeRef: { name: "s", kind: "SecretStore" } },
    ["spec.storeRef.namespace: must be set; a SecretStore belongs to one namespace"],
  ],
  [
    "a ClusterSecretStore with one",
    { storeRef: { ...clusterRef, namespace: "a" } },
    ["spec.storeRef.namespace: must be left out; a ClusterSecretStore has no namespace"],
  ],
  [
    "a rule for nobody",
    { rules: [{ keys: ["a"] }] },
    ["spec.rules[0]: names no namespace; set namespaces, or namespaceSelector: {} for all"],
  ],
  [
    "stars elsewhere",
    rule({ keys: ["*", "a*", "a/*/b", "a/***", "**"] }),
    [0, 1, 2, 3, 4].map((i) => `spec.rules[0].keys[${i}]: ${star}`),
  ],
  ["an empty key", rule({ keys: [""] }), ["spec.rules[0].keys[0]: must not be empty"]],
  [
    "an empty list of keys",
    rule({ keys: [] }),
    ["spec.rules[0].keys: allows nothing; list keys, or leave it out to allow all"],
  ],
  [
    "a selector that does not add up",
    rule({ namespaceSelector: { matchExpressions: [{ key: "a", operator: "NotIn" }] } }),
    ["spec.rules[0].namespaceSelector.matchExpressions[0].values: must not be empty; NotIn needs at least one value"],
  ],
  ["a misspelt list of rules", { rule: [] }, ["spec.rule: unknown field; did you mean rules?"]],
  [
    "identities outside of their values",
    { identity: ["pod"] },
    ["spec.identity[0]: must be one of Pod, Store; did you mean Pod?"],
  ],
  ["no identity at all", { identity: [] }, ["spec.identity: allows nobody; list Pod, Store or both"]],
  [
    "a host with a scheme",
    { hosts: ["https://x"] },
    ["spec.hosts[0]: must be a host name or address, without scheme and port"],
  ],
];
for (const [sentence, spec, problems] of refused)
  test(`refuses ${sentence}`, () => refuses(parseStorePolicy(manifest(spec)), problems));

test("refuses other versions", () => {
  refuses(parseStorePolicy({ ...manifest(), apiVersion: "keyferry.dev/v1" }), [
    "apiVersion: not supported; write keyferry.dev/v1alpha1",
  ]);
});
