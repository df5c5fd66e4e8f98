import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoreManifest } from "../../plugin/manifests/objects.ts";
import { parseStore } from "../../plugin/manifests/store.ts";
import { accepted, refuses } from "./outcome.ts";

function manifest(spec: Record<string, unknown> = {}, kind = "ClusterSecretStore"): Record<string, unknown> {
  return {
    apiVersion: "external-secrets.io/v1",
    kind,
    metadata: { name: "prod", namespace: "shop" },
    spec: { provider: { fake: { data: [] } }, ...spec },
  };
}
const storeOf = (spec: Record<string, unknown>): StoreManifest => accepted(parseStore(manifest(spec)));

test("the least that works", () => {
  const { meta, ...rest } = accepted(parseStore(manifest({}, "SecretStore")));
  assert.equal(meta.namespace, "shop");
  assert.deepEqual(rest, {
    kind: "SecretStore",
    provider: { kind: "fake", raw: { data: [] } },
    conditions: [],
    refreshIntervalMs: 0,
  });
});

test("a ClusterSecretStore has no namespace, whatever its manifest says", () => {
  assert.equal(storeOf({}).meta.namespace, "");
});

test("every field is read", () => {
  const selector = {
    matchLabels: { "kubernetes.io/metadata.name": "shop" },
    matchExpressions: [
      { key: "tier", operator: "In", values: ["a", "b"] },
      { key: "old", operator: "DoesNotExist" },
    ],
  };
  const store = storeOf({
    controller: "keyferry",
    refreshInterval: "5m",
    retrySettings: { maxRetries: 3, retryInterval: "10s" },
    conditions: [{ namespaces: ["a"], namespaceRegexes: ["^team-[a-z]+$"] }, { namespaceSelector: selector }],
  });
  assert.equal(store.controller, "keyferry");
  assert.equal(store.refreshIntervalMs, 300_000);
  assert.deepEqual(store.retry, { maxRetries: 3, retryIntervalMs: 10_000 });
  assert.deepEqual(store.conditions, [
    { namespaces: ["a"], namespaceRegexes: ["^team-[a-z]+$"] },
    {
      namespaces: [],
      namespaceRegexes: [],
      namespaceSelector: {
        ...selector,
        matchExpressions: [selector.matchExpressions[0], { key: "old", operator: "DoesNotExist", values: [] }],
      },
    },
  ]);
});

test("an interval may be whole seconds, and parts may be left out", () => {
  assert.equal(storeOf({ refreshInterval: 90 }).refreshIntervalMs, 90_000);
  assert.deepEqual(storeOf({ retrySettings: { maxRetries: 0 } }).retry, { maxRetries: 0 });
  assert.equal(storeOf({ controller: "" }).controller, undefined);
});

test("the provider block is passed on untouched, nulls and all", () => {
  const block = { auth: null, nested: { deep: [null, { x: null }] } };
  assert.equal(storeOf({ provider: { vault: block, aws: null } }).provider.raw, block);
});

function annotated(url: string): ReturnType<typeof parseStore> {
  const whole = manifest();
  return parseStore({ ...whole, metadata: { name: "prod", annotations: { "keyferry.dev/proxy-url": url } } });
}

for (const [sentence, given, want] of [
  ["a proxy", "http://proxy.example.com:3128", "http://proxy.example.com:3128"],
  ["a proxy, written otherwise", "HTTPS://Proxy.example.com:443/", "https://proxy.example.com"],
  ["no proxy at all", "", ""],
] as const)
  test(`the annotation proxy-url: ${sentence}`, () => assert.equal(accepted(annotated(given)).proxyUrl, want));

const noProxysUrl = `is no proxy's URL; write http://proxy.example.com:3128, or "" for none`;
const notBare = `must be a proxy's scheme, host and port alone; write http://proxy.example.com:3128, or "" for none`;
const hasLogin =
  "must hold no user and no password, which whoever reads the store would see; a proxy that wants them is for KEYFERRY_HTTPS_PROXY";
for (const [sentence, given, problem] of [
  ["no URL", "proxy:3128", noProxysUrl],
  ["another protocol", "socks5://canary", noProxysUrl],
  ["a space", " ", noProxysUrl],
  ["a path", "http://proxy/canary", notBare],
  ["a query", "http://proxy/?canary", notBare],
  ["a password", "http://user:canary@proxy", hasLogin],
  ["a user", "http://canary@proxy", hasLogin],
] as const)
  test(`the annotation proxy-url is refused with ${sentence}`, () =>
    refuses(annotated(given), [`metadata.annotations[keyferry.dev/proxy-url]: ${problem}`]));

const refused: readonly (readonly [sentence: string, spec: Record<string, unknown>, problems: readonly string[]])[] = [
  ["no provider", { provider: undefined }, ["spec.provider: must be set"]],
  ["an empty provider", { provider: {} }, ["spec.provider: has no block; add exactly one, such as vault"]],
  [
    "a provider block without content",
    { provider: { vault: null } },
    ["spec.provider: has no block; add exactly one, such as vault"],
  ],
  [
    "two provider blocks",
    { provider: { vault: {}, aws: {} } },
    ["spec.provider: has 2 blocks; keep exactly one, and make a store of each other"],
  ],
  [
    "a provider that is a name",
    { provider: "vault" },
    ["spec.provider: must be a map with one block, such as vault, not text"],
  ],
  ["a block that is a list", { provider: { vault: [] } }, ["spec.provider.vault: must be a map, not a list"]],
  [
    "misspelt fields",
    { retrySetings: {}, conditions: [{ namespace: [] }] },
    [
      "spec.retrySetings: unknown field; did you mean retrySettings?",
      "spec.conditions[0].namespace: unknown field; did you mean namespaces?",
    ],
  ],
  ["an interval below zero", { refreshInterval: -1 }, ["spec.refreshInterval: must not be negative"]],
  ["part of a second", { refreshInterval: 1.5 }, ["spec.refreshInterval: must be whole seconds"]],
  [
    "a bad interval",
    { refreshInterval: "soon" },
    ["spec.refreshInterval: is not a duration; write numbers with units, such as 30s, 15m or 1h30m"],
  ],
  [
    "bad retries",
    { retrySettings: { maxRetries: -1, retryInterval: 5 } },
    [
      "spec.retrySettings.maxRetries: must be a whole number, 0 or more",
      "spec.retrySettings.retryInterval: must be text, not a number; put it in quotes",
    ],
  ],
  [
    "bad conditions",
    {
      conditions: [
        { namespaces: ["Shop"], namespaceRegexes: ["ok", "(?=x)", "("] },
        { namespaceSelector: { matchLabels: JSON.parse('{"__proto__": "x", "a": "b"}') as object } },
        {
          namespaceSelector: {
            matchExpressions: [
              { key: "a", operator: "In" },
              { key: "b", operator: "Exists", values: ["x"] },
              { key: "", operator: "Is", values: [] },
            ],
          },
        },
      ],
    },
    [
      'spec.conditions[0].namespaces[0]: must be 1–63 lower-case letters, digits or "-", with a letter or digit at both ends',
      "spec.conditions[0].namespaceRegexes[1]: look-around is not possible; list the namespaces, or use namespaceSelector",
      "spec.conditions[0].namespaceRegexes[2]: does not compile as a regular expression; check brackets, repetitions and backslashes",
      "spec.conditions[1].namespaceSelector.matchLabels.__proto__: this name cannot be used here; choose another",
      "spec.conditions[2].namespaceSelector.matchExpressions[0].values: must not be empty; In needs at least one value",
      "spec.conditions[2].namespaceSelector.matchExpressions[1].values: must be left out; Exists takes no values",
      "spec.conditions[2].namespaceSelector.matchExpressions[2].key: must not be empty",
      "spec.conditions[2].namespaceSelector.matchExpressions[2].operator: must be one of In, NotIn, Exists, DoesNotExist; did you mean In?",
    ],
  ],
];
for (const [sentence, spec, problems] of refused)
  test(`refuses ${sentence}`, () => refuses(parseStore(manifest(spec)), problems));

test("refuses a SecretStore without a namespace, and other kinds", () => {
  const document = { ...manifest({}, "SecretStore"), metadata: { name: "a" } };
  refuses(parseStore(document), [
    'metadata.namespace: must be 1–63 lower-case letters, digits or "-", with a letter or digit at both ends',
  ]);
  refuses(parseStore(manifest({}, "VaultStore")), ["kind: must be SecretStore or ClusterSecretStore"]);
  refuses(parseStore(null), ["document: must be a map with apiVersion, kind and metadata, not empty"]);
});
