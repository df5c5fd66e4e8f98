/** Whatever comes in, a parser answers; and no answer repeats what it was given. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseExternalSecret } from "../../plugin/manifests/external-secret.ts";
import { parseMountClass } from "../../plugin/manifests/mount-class.ts";
import { readMeta } from "../../plugin/manifests/object-meta.ts";
import type { Parsed } from "../../plugin/manifests/objects.ts";
import { parseStorePolicy } from "../../plugin/manifests/store-policy.ts";
import { parseStore } from "../../plugin/manifests/store.ts";
import { parseYamlDocuments } from "../../plugin/manifests/yaml-text.ts";

const parsers: readonly (readonly [string, (document: unknown) => Parsed<unknown>])[] = [
  ["ExternalSecret", parseExternalSecret],
  ["SecretStore", parseStore],
  ["ClusterSecretStore", parseStore],
  ["StorePolicy", parseStorePolicy],
];
const versions: Readonly<Record<string, string>> = { StorePolicy: "keyferry.dev/v1alpha1" };
const anything = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, maxDepth: 4 });

for (const [kind, parse] of parsers) {
  const head = { apiVersion: versions[kind] ?? "external-secrets.io/v1", kind };
  test(`junk in place of a ${kind} is refused, never thrown at`, () => {
    fc.assert(
      fc.property(anything, (document) => {
        const parsed = parse(document);
        assert.ok(!parsed.ok && parsed.problems.length > 0);
        readMeta(document);
      }),
      { numRuns: 300 },
    );
  });

  test(`junk inside of a ${kind} never throws`, () => {
    const metadata = fc.oneof(anything, fc.constant({ name: "a", namespace: "b" }));
    const names = fc.constantFrom(
      ...["secretStoreRef", "target", "data", "dataFrom", "provider", "conditions", "refreshInterval", "rules"],
      ...["storeRef", "extract", "remoteRef", "sourceRef", "key", "keys", "namespaceSelector", "matchExpressions"],
    );
    const spec = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 5 },
        anything,
        fc.dictionary(names, tie("node"), { maxKeys: 4 }),
        fc.array(tie("node"), { maxLength: 3 }),
      ),
    })).node;
    fc.assert(
      fc.property(metadata, spec, (meta, junk) => {
        const parsed = parse({ ...head, metadata: meta, spec: junk });
        assert.ok(parsed.ok || parsed.problems.every(({ path, problem }) => path !== "" && problem !== ""));
      }),
      { numRuns: 500 },
    );
  });
}

test("junk parameters never throw", () => {
  const names = fc.constantFrom("data", "dataFrom", "secretStoreRef", "identity", "maxStale", "filePermission", "x");
  fc.assert(
    fc.property(fc.dictionary(names, fc.string()), (given) => void parseMountClass(given)),
    { numRuns: 500 },
  );
});

test("junk text never throws", () => {
  const pieces = fc.constantFrom(
    "a",
    ":",
    " ",
    "\n",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "&a",
    "*a",
    "!t",
    "---\n",
    "\t",
    "|",
  );
  const text = fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), (yaml) => void parseYamlDocuments(yaml)),
    { numRuns: 1_000 },
  );
});

/** One wrong value of every kind at every place, each text of them a canary. */
const canary = "CANARY-4711";
const wrong: readonly unknown[] = [canary, [canary], { known: canary }, 4711, true];

function* mutations(value: unknown): Generator<unknown> {
  yield* wrong;
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value))
    for (const other of mutations(member))
      yield Array.isArray(value)
        ? value.map((item: unknown, i) => (String(i) === key ? other : item))
        : { ...value, [key]: other };
}

const store = { name: "s", kind: "SecretStore" };
const ref = { key: "k", property: "p", version: "v", decodingStrategy: "None", conversionStrategy: "Default" };
const samples: readonly (readonly [(document: unknown) => Parsed<unknown>, Record<string, unknown>])[] = [
  [
    parseExternalSecret,
    {
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata: { name: "a", namespace: "b", labels: { l: "x" } },
      spec: {
        secretStoreRef: store,
        refreshInterval: "1h",
        refreshPolicy: "Periodic",
        target: { name: "t", creationPolicy: "Owner", deletionPolicy: "Delete", immutable: true },
        data: [{ secretKey: "a", remoteRef: ref, sourceRef: { storeRef: store } }],
        dataFrom: [{ extract: ref }, { find: { path: "p" } }],
      },
    },
  ],
  [
    parseStore,
    {
      apiVersion: "external-secrets.io/v1",
      kind: "ClusterSecretStore",
      metadata: { name: "a" },
      spec: {
        provider: { vault: { token: canary } },
        conditions: [
          {
            namespaces: ["a"],
            namespaceRegexes: ["x"],
            namespaceSelector: {
              matchLabels: { a: "b" },
              matchExpressions: [{ key: "a", operator: "In", values: ["b"] }],
            },
          },
        ],
        retrySettings: { maxRetries: 1, retryInterval: "1s" },
        refreshInterval: 1,
      },
    },
  ],
  [
    parseStorePolicy,
    {
      apiVersion: "keyferry.dev/v1alpha1",
      kind: "StorePolicy",
      metadata: { name: "a" },
      spec: {
        storeRef: { ...store, namespace: "n" },
        rules: [{ namespaces: ["a"], keys: ["k"] }],
        identity: ["Pod"],
        hosts: ["h"],
      },
    },
  ],
];

test("no problem repeats a value", () => {
  let refusals = 0;
  const check = (parsed: Parsed<unknown>): void => {
    if (parsed.ok) return;
    refusals++;
    for (const { path, problem } of parsed.problems) assert.doesNotMatch(`${path}: ${problem}`, /CANARY|4711/);
  };
  for (const [parse, sample] of samples) for (const document of mutations(sample)) check(parse(document));
  const entries = [{ secretKey: "a", remoteRef: ref, sourceRef: { storeRef: store }, mode: "0400" }];
  for (const data of mutations(entries)) check(parseMountClass({ data: JSON.stringify(data) }));
  for (const name of [
    "externalSecret",
    "secretStoreRef",
    "data",
    "dataFrom",
    "identity",
    "refreshInterval",
    "maxStale",
  ])
    for (const text of [canary, `{${canary}`, `- [${canary}`, `${canary}: 1\n${canary}: 2`, `!${canary} x`])
      check(parseMountClass({ externalSecret: "a", [name]: text }));
  assert.ok(refusals > 400, `${refusals} refusals were looked at`);
});
