import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMountClass } from "../../plugin/manifests/mount-class.ts";
import { accepted, refuses } from "./outcome.ts";

const secretStoreRef = "{name: vault-prod, kind: ClusterSecretStore}";
const data = '- {secretKey: db/password, remoteRef: {key: payments/db, property: password}, mode: "0400"}';

test("a class that names an ExternalSecret", () => {
  assert.deepEqual(accepted(parseMountClass({ externalSecret: "payments-db" })), {
    source: { externalSecret: "payments-db" },
    identity: "Pod",
  });
});

test("a class with entries of its own, and every other parameter", () => {
  const mountClass = accepted(
    parseMountClass({
      secretStoreRef,
      data,
      dataFrom: "- extract: {key: all}\n  sourceRef: {storeRef: {name: files}}",
      identity: "Store",
      refreshInterval: "30s",
      maxStale: "24h",
      filePermission: "0444",
    }),
  );
  const defaults = {
    metadataPolicy: "None",
    conversionStrategy: "Default",
    decodingStrategy: "None",
    nullBytePolicy: "Ignore",
  };
  assert.deepEqual(mountClass, {
    source: {
      data: [
        {
          secretKey: "db/password",
          remoteRef: { key: "payments/db", property: "password", ...defaults },
          storeRef: { kind: "ClusterSecretStore", name: "vault-prod" },
          mode: 0o400,
        },
      ],
      dataFrom: [{ extract: { key: "all", ...defaults }, storeRef: { kind: "SecretStore", name: "files" } }],
    },
    identity: "Store",
    refreshIntervalMs: 30_000,
    maxStaleMs: 86_400_000,
    filePermission: 0o444,
  });
});

test("a template of its own, with the keys of files", () => {
  const template = 'data: {db/url: "{{ .user }}"}\ntemplateFrom: [{literal: "a: b", target: data}]';
  const { source } = accepted(parseMountClass({ secretStoreRef, data, template, templateEngine: "go" }));
  assert.deepEqual("data" in source && source.template, {
    engine: "go",
    mergePolicy: "Replace",
    labels: {},
    annotations: {},
    finalizers: [],
    data: { "db/url": "{{ .user }}" },
    templateFrom: [{ literal: "a: b", target: "Data", decoding: "None" }],
  });
});

test("a template in another language", () => {
  const { source } = accepted(
    parseMountClass({ secretStoreRef, data, template: "data: {a: b}", templateEngine: "handlebars" }),
  );
  assert.equal("data" in source && source.template?.engine, "handlebars");
});

test("entries may be JSON, and need no default store when each names its own", () => {
  const text = JSON.stringify([{ secretKey: "a", remoteRef: { key: "b" }, sourceRef: { storeRef: { name: "c" } } }]);
  const { source } = accepted(parseMountClass({ data: text }));
  assert.deepEqual("data" in source && source.data.map(({ storeRef }) => storeRef.name), ["c"]);
});

test("a duration of 0 is kept apart from none", () => {
  const { maxStaleMs, refreshIntervalMs } = accepted(parseMountClass({ externalSecret: "a", maxStale: "0s" }));
  assert.deepEqual([maxStaleMs, refreshIntervalMs], [0, undefined]);
});

const modeRule = 'must be octal text with a leading 0, from "0000" to "0777", such as "0400"';
const durationRule = "is not a duration; write numbers with units, such as 30s, 15m or 1h30m";
const entryWith = (more: string): Record<string, string> => ({
  secretStoreRef,
  data: `- {secretKey: a, remoteRef: {key: k}, ${more}}`,
});

const refused: readonly (readonly [sentence: string, given: Record<string, string>, problems: readonly string[]])[] = [
  ["nothing to mount", {}, ["parameters: names nothing to mount; set externalSecret, or secretStoreRef and data"]],
  [
    "empty lists",
    { data: "[]", dataFrom: "[]" },
    ["parameters: names nothing to mount; set externalSecret, or secretStoreRef and data"],
  ],
  [
    "an ExternalSecret beside entries",
    { externalSecret: "a", data, secretStoreRef },
    ["secretStoreRef", "data"].map(
      (name) =>
        `parameters.${name}: does not go with externalSecret, which names its own stores and entries; keep one of the two`,
    ),
  ],
  [
    "a bad name",
    { externalSecret: "A" },
    [
      'parameters.externalSecret: must be 1–253 lower-case letters, digits, "-" or ".", with a letter or digit at both ends of every part',
    ],
  ],
  [
    "unknown parameters, each with the nearest",
    { externalSecret: "a", identiy: "Pod", objects: "", roleName: "x" },
    [
      "parameters.identiy: unknown parameter; did you mean identity?",
      "parameters.objects: unknown parameter; known here: externalSecret, secretStoreRef, data, dataFrom, template, templateEngine, identity, refreshInterval, maxStale, filePermission",
      "parameters.roleName: unknown parameter; known here: externalSecret, secretStoreRef, data, dataFrom, template, templateEngine, identity, refreshInterval, maxStale, filePermission",
    ],
  ],
  [
    "a template beside an ExternalSecret, which has its own",
    { externalSecret: "a", template: "data: {}" },
    [
      "parameters.template: does not go with externalSecret, which names its own stores and entries; keep one of the two",
    ],
  ],
  [
    "an engine beside an ExternalSecret, which says its own",
    { externalSecret: "a", templateEngine: "handlebars" },
    ["parameters.templateEngine: does not go with externalSecret, which says keyferry.dev/template-engine itself"],
  ],
  [
    "an engine that nobody knows",
    { secretStoreRef, data, templateEngine: "handlebar" },
    ["parameters.templateEngine: must be one of go, handlebars; did you mean handlebars?"],
  ],
  [
    "wrong fields of a template",
    { secretStoreRef, data, template: "dat: {}\ntemplateFrom: [{}]\ndata: {a: 1}" },
    [
      "parameters.template.dat: unknown field; did you mean data?",
      "parameters.template.data.a: must be text, not a number; put it in quotes",
      "parameters.template.templateFrom[0]: holds no template; set configMap, secret or literal",
    ],
  ],
  [
    "values outside of their range",
    { externalSecret: "a", identity: "pod", refreshInterval: "30", maxStale: "-1s", filePermission: "444" },
    [
      "parameters.identity: must be one of Pod, Store; did you mean Pod?",
      `parameters.refreshInterval: ${durationRule}`,
      "parameters.maxStale: must not be negative",
      `parameters.filePermission: ${modeRule}`,
    ],
  ],
  [
    "a permission beyond rwx",
    { externalSecret: "a", filePermission: "01777" },
    [`parameters.filePermission: ${modeRule}`],
  ],
  ["a mode without quotes", entryWith("mode: 0400"), [`parameters.data[0].mode: ${modeRule}; put it in quotes`]],
  ["a mode that is not octal", entryWith('mode: "0888"'), [`parameters.data[0].mode: ${modeRule}`]],
  ["a misspelt field of an entry", entryWith("mod: 1"), ["parameters.data[0].mod: unknown field; did you mean mode?"]],
  [
    "two entries with one path",
    { secretStoreRef, data: `${data}\n${data}` },
    ["parameters.data[1].secretKey: same key as parameters.data[0]; rename or remove one of the two"],
  ],
  [
    "an empty path and a missing reference",
    { secretStoreRef, data: '- {secretKey: ""}' },
    ["parameters.data[0].secretKey: must not be empty", "parameters.data[0].remoteRef: must be set"],
  ],
  [
    "entries without a store",
    { data },
    ["parameters.data[0]: names no store; set parameters.secretStoreRef.name or the entry's sourceRef.storeRef"],
  ],
  [
    "a store that is only a name",
    { secretStoreRef: "vault", data },
    ["parameters.secretStoreRef: must be a map, not text"],
  ],
  [
    "what is not built yet",
    { secretStoreRef, dataFrom: "- {sourceRef: {generatorRef: {kind: UUID, name: u}}}" },
    [
      "parameters.dataFrom[0].sourceRef.generatorRef.kind: not supported yet; of the generators VaultDynamicSecret works, all else is read from a store: use storeRef",
    ],
  ],
  ["a map in place of the list", { secretStoreRef, data: "{a: 1}" }, ["parameters.data: must be a list, not a map"]],
  [
    "broken YAML, by line",
    { secretStoreRef: "{name", data: "- a: 1\n- [" },
    [
      "parameters.secretStoreRef: line 1: a closing quote, bracket, comma or colon is missing",
      "parameters.data: line 2: the indentation is wrong",
    ],
  ],
  ["an empty text", { secretStoreRef, data: "# nothing" }, ["parameters.data: is empty; fill it in or remove it"]],
  [
    "two documents",
    { secretStoreRef, data: "- a\n---\n- b" },
    ["parameters.data: line 1: more than 1 documents; split it"],
  ],
  [
    "a text beyond reason",
    { secretStoreRef, data: "x".repeat(70_000) },
    ["parameters.data: line 1: larger than 65536 characters; split it"],
  ],
];
for (const [sentence, given, problems] of refused)
  test(`refuses ${sentence}`, () => refuses(parseMountClass(given), problems));
