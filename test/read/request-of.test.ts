import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  DataEntry,
  ExternalSecret,
  ExtractEntry,
  FindEntry,
  RemoteFind,
  RemoteRef,
} from "../../plugin/manifests/objects.ts";
import { optionalKeysOf, requestOf, requestOfClass } from "../../plugin/read/request-of.ts";
import type { RefEntry } from "../../plugin/read/request.ts";

const remote: RemoteRef = {
  key: "payments/db",
  metadataPolicy: "None",
  conversionStrategy: "Default",
  decodingStrategy: "None",
  nullBytePolicy: "Ignore",
};
const storeRef = { kind: "SecretStore", name: "vault" } as const;

function data(secretKey: string, overrides: Partial<RemoteRef> = {}): DataEntry {
  return { secretKey, remoteRef: { ...remote, ...overrides }, storeRef };
}

function extract(overrides: Partial<RemoteRef> = {}): ExtractEntry {
  return { extract: { ...remote, ...overrides }, storeRef };
}

function spec(
  parts: Partial<Pick<ExternalSecret["spec"], "data" | "dataFrom">>,
  deletionPolicy: ExternalSecret["spec"]["target"]["deletionPolicy"] = "Retain",
): ExternalSecret["spec"] {
  return {
    refreshPolicy: "Periodic",
    refreshIntervalMs: 3_600_000,
    target: { name: "db", creationPolicy: "Owner", deletionPolicy, immutable: false, immediate: false },
    data: [],
    dataFrom: [],
    ...parts,
  };
}

test("dataFrom comes before data, so that a single value wins", () => {
  const { entries } = requestOf(spec({ data: [data("a"), data("b")], dataFrom: [extract()] }), new Set());
  assert.deepEqual(
    entries.map(({ field, take }) => [field, take]),
    [
      ["spec.dataFrom[0]", { as: "map", conversion: "Default" }],
      ["spec.data[0]", { as: "value", name: "a" }],
      ["spec.data[1]", { as: "value", name: "b" }],
    ],
  );
});

test("everything that shapes a value is carried over, and absent fields stay absent", () => {
  const full = data("a", { version: "3", property: "p", decodingStrategy: "Base64", nullBytePolicy: "Fail" });
  const { entries } = requestOf(spec({ data: [full, data("b")] }), new Set());
  assert.deepEqual(entries[0], {
    field: "spec.data[0]",
    store: storeRef,
    ref: { key: "payments/db", version: "3", metadataPolicy: "None" },
    property: "p",
    take: { as: "value", name: "a" },
    decoding: "Base64",
    nullBytes: "Fail",
    optional: false,
  });
  assert.deepEqual(Object.keys((entries[1] as RefEntry).ref), ["key", "metadataPolicy"]);
  assert.ok(!("property" in entries[1]!));
});

test("a find keeps what narrows it apart from how its values are read", () => {
  const find: RemoteFind = {
    ...{ path: "payments", regexp: "db", tags: { team: "red" } },
    ...{ conversionStrategy: "Unicode", decodingStrategy: "Base64", nullBytePolicy: "Fail" },
  };
  const rewrite: FindEntry["rewrite"] = [{ by: "regexp", source: "a", target: "b" }];
  const { entries } = requestOf(spec({ dataFrom: [{ find, storeRef, rewrite }] }), new Set());
  assert.deepEqual(entries, [
    {
      field: "spec.dataFrom[0]",
      store: storeRef,
      find: { path: "payments", regexp: "db", tags: { team: "red" } },
      take: { as: "map", conversion: "Unicode", rewrite },
      decoding: "Base64",
      nullBytes: "Fail",
      optional: false,
    },
  ]);
});

const optionalCases = [
  { name: "nothing is optional with deletionPolicy Retain", policy: "Retain", keys: "", want: [false, false, false] },
  { name: "all is optional with deletionPolicy Delete", policy: "Delete", keys: "", want: [true, true, true] },
  { name: "all is optional with deletionPolicy Merge", policy: "Merge", keys: "", want: [true, true, true] },
  { name: "the annotation names single keys", policy: "Retain", keys: " b ,c,", want: [false, false, true] },
  {
    name: "the annotation cannot name a dataFrom",
    policy: "Retain",
    keys: "spec.dataFrom[0]",
    want: [false, false, false],
  },
] as const;

for (const c of optionalCases)
  test(c.name, () => {
    const keys = optionalKeysOf({ annotations: { "keyferry.dev/optional-keys": c.keys } });
    const { entries } = requestOf(spec({ data: [data("a"), data("b")], dataFrom: [extract()] }, c.policy), keys);
    assert.deepEqual(
      entries.map(({ optional }) => optional),
      c.want,
    );
  });

test("without the annotation no key is optional", () => {
  assert.deepEqual([...optionalKeysOf({ annotations: {} })], []);
});

test("a class's entries stand below its parameters and are never optional", () => {
  const { entries } = requestOfClass({ data: [data("db/password")], dataFrom: [extract()] });
  assert.deepEqual(
    entries.map(({ field, optional }) => [field, optional]),
    [
      ["parameters.dataFrom[0]", false],
      ["parameters.data[0]", false],
    ],
  );
});
