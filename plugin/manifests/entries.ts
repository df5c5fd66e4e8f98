/** Entries of data and dataFrom, as ExternalSecrets and mount classes share them. */
import * as v from "valibot";
import { described, fields, formatPath, isMap, type FieldPath, type NotYet } from "./fields.ts";
import type { ExtractEntry, Problem, RemoteRef, StoreRef } from "./objects.ts";
import { nonEmptyText, objectName } from "./values.ts";

const noGenerator: NotYet = { generatorRef: "read the value from a store: use storeRef" };

/** An empty kind counts as SecretStore. */
const storeKind = described(
  "SecretStore (of the same namespace) or ClusterSecretStore.",
  v.optional(v.picklist(["SecretStore", "ClusterSecretStore", ""]), "SecretStore"),
);

export const storeRefSchema = fields({
  name: described("Name of the store.", v.optional(objectName)),
  kind: storeKind,
});

const remoteRefSchema = fields({
  key: described("The secret's name or path in the store.", nonEmptyText),
  property: described("One property of the secret; the whole secret when absent.", v.optional(v.string())),
  version: described("A version, in the store's own syntax; the current one when absent.", v.optional(v.string())),
  metadataPolicy: described(
    "Fetch reads the secret's labels or tags in place of its value.",
    v.optional(v.picklist(["None", "Fetch"]), "None"),
  ),
  conversionStrategy: described(
    "How characters that a Secret key cannot have are replaced.",
    v.optional(v.picklist(["Default", "Unicode"]), "Default"),
  ),
  decodingStrategy: described(
    "How the value is decoded.",
    v.optional(v.picklist(["None", "Auto", "Base64", "Base64URL"]), "None"),
  ),
  nullBytePolicy: described(
    "Fail refuses values that hold a null byte.",
    v.optional(v.picklist(["Ignore", "Fail"]), "Ignore"),
  ),
});

const sourceRefSchema = fields(
  { storeRef: described("The store of this entry, in place of the default one.", v.optional(storeRefSchema)) },
  noGenerator,
);

/** One entry of data, with `secretKey` and whatever else its owner adds. */
export function dataEntrySchema<const E extends v.ObjectEntries>(own: E) {
  return fields({
    ...own,
    remoteRef: described("What to read.", remoteRefSchema),
    sourceRef: described("Where to read it, when not from the default store.", v.optional(sourceRefSchema)),
  });
}

export const dataFromEntrySchema = fields(
  {
    extract: described("Reads every property of one secret.", v.optional(remoteRefSchema)),
    sourceRef: described("Where to read it, when not from the default store.", v.optional(sourceRefSchema)),
  },
  {
    find: "name each secret: use extract, or entries of data",
    rewrite: "give the keys their names in entries of data",
  },
);

type RawStoreRef = v.InferOutput<typeof storeRefSchema>;
type RawRemoteRef = v.InferOutput<typeof remoteRefSchema>;
type RawSourceRef = v.InferOutput<typeof sourceRefSchema>;

/** Where each checked entry reads from. The rules of `entryProblems` see to it that a name is there. */
export function storeOf(sourceRef: RawSourceRef | undefined, fallback: RawStoreRef | undefined): StoreRef {
  const { name = "", kind = "SecretStore" } = sourceRef?.storeRef ?? fallback ?? {};
  return { kind: kind === "" ? "SecretStore" : kind, name };
}

export function remoteRefOf({ property, version, ...raw }: RawRemoteRef): RemoteRef {
  return { ...raw, ...(property ? { property } : {}), ...(version ? { version } : {}) };
}

export function extractEntryOf(
  raw: v.InferOutput<typeof dataFromEntrySchema>,
  fallback: RawStoreRef | undefined,
): ExtractEntry {
  if (!raw.extract) throw new Error("a dataFrom entry without extract has passed its rules");
  return { extract: remoteRefOf(raw.extract), storeRef: storeOf(raw.sourceRef, fallback) };
}

/** What an owner of entries holds, before or after its schema was checked. */
export interface RawEntries {
  readonly data: unknown;
  readonly dataFrom: unknown;
  /** Whether entries without a sourceRef have a store to fall back on. */
  readonly hasStore: boolean;
  /** Where data and dataFrom stand. */
  readonly at: FieldPath;
}

/** Rules between fields. Works on unchecked input, so that they are reported along with the schema's problems. */
export function entryProblems(raw: RawEntries): readonly Problem[] {
  const data = Array.isArray(raw.data) ? (raw.data as unknown[]) : [];
  const dataFrom = Array.isArray(raw.dataFrom) ? (raw.dataFrom as unknown[]) : [];
  const storeField = formatPath([...raw.at, "secretStoreRef"]);
  return [
    ...duplicateKeys(data, raw.at),
    ...data.flatMap((entry, i) => storeProblems(entry, [...raw.at, "data", i], raw.hasStore, storeField)),
    ...dataFrom.flatMap((entry, i) => [
      ...takeProblems(entry, [...raw.at, "dataFrom", i]),
      ...storeProblems(entry, [...raw.at, "dataFrom", i], raw.hasStore, storeField),
    ]),
  ];
}

function duplicateKeys(data: readonly unknown[], at: FieldPath): readonly Problem[] {
  const firstAt = new Map<string, number>();
  const problems: Problem[] = [];
  data.forEach((entry, i) => {
    if (!isMap(entry) || typeof entry.secretKey !== "string") return;
    const first = firstAt.get(entry.secretKey);
    if (first === undefined) return void firstAt.set(entry.secretKey, i);
    problems.push({
      path: formatPath([...at, "data", i, "secretKey"]),
      problem: `same key as ${formatPath([...at, "data", first])}; rename or remove one of the two`,
    });
  });
  return problems;
}

/** An entry without extract reads nothing, unless it asks for something that is refused already. */
function takeProblems(entry: unknown, at: FieldPath): readonly Problem[] {
  if (!isMap(entry)) return [];
  const { extract, find, sourceRef } = entry;
  const generates = isMap(sourceRef) && sourceRef.generatorRef !== undefined;
  if (extract === undefined && find === undefined && !generates)
    return [{ path: formatPath(at), problem: "reads nothing; set extract" }];
  const both =
    extract === undefined ? [] : [...(find === undefined ? [] : ["find"]), ...(generates ? ["generatorRef"] : [])];
  return both.map((other) => ({
    path: formatPath(at),
    problem: `extract and ${other} exclude each other; keep one, or make two entries`,
  }));
}

function storeProblems(entry: unknown, at: FieldPath, hasStore: boolean, storeField: string): readonly Problem[] {
  if (!isMap(entry)) return [];
  const { sourceRef } = entry;
  if (sourceRef === undefined)
    return hasStore
      ? []
      : [{ path: formatPath(at), problem: `names no store; set ${storeField}.name or the entry's sourceRef.storeRef` }];
  if (!isMap(sourceRef) || sourceRef.generatorRef !== undefined) return [];
  const { storeRef } = sourceRef;
  if (storeRef === undefined)
    return [{ path: formatPath([...at, "sourceRef"]), problem: "is empty; set storeRef, or remove it" }];
  if (namesStore(storeRef)) return [];
  return [{ path: formatPath([...at, "sourceRef", "storeRef", "name"]), problem: "must be set" }];
}

/** Whether a secretStoreRef has a name at all; its form, and that of something else in its place, is the schema's matter. */
export function namesStore(secretStoreRef: unknown): boolean {
  return secretStoreRef !== undefined && (!isMap(secretStoreRef) || secretStoreRef.name !== undefined);
}
