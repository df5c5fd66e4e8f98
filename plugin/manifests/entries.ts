/** Entries of data and dataFrom, as ExternalSecrets and mount classes share them. */
import * as v from "valibot";
import { exactlyOne, filledIn, forApi } from "./api-schema.ts";
import { described, fields, formatPath, isMap, later, type FieldPath } from "./fields.ts";
import { findSchema, remoteFindOf } from "./find.ts";
import type { DataEntry, DataFromEntry, Problem, SourceRef, StoreRef } from "./objects.ts";
import { remoteRefOf, remoteRefSchema } from "./remote-ref.ts";
import { rewriteOf, rewriteSchema } from "./rewrite.ts";
import { objectName } from "./values.ts";

/** An empty kind counts as SecretStore. */
const storeKind = described(
  "SecretStore (of the same namespace, the default) or ClusterSecretStore.",
  v.optional(v.picklist(["SecretStore", "ClusterSecretStore", ""]), "SecretStore"),
);

/** Without a name it serves no entry: each then names its own store. */
export const storeRefSchema = fields({
  name: described("Name of the store.", v.optional(objectName)),
  kind: storeKind,
});

const generatorKinds = [
  ...["ACRAccessToken", "BeyondtrustWorkloadCredentialsDynamicSecret", "ClusterGenerator", "CloudsmithAccessToken"],
  ...["ECRAuthorizationToken", "Fake", "GCRAccessToken", "GithubAccessToken", "GitlabDeployToken", "Grafana", "MFA"],
  ...["Password", "QuayAccessToken", "SSHKey", "STSSessionToken", "UUID", "VaultDynamicSecret", "Webhook"],
];

const generatorKind = "VaultDynamicSecret";
const generatorVersion = "generators.external-secrets.io/v1alpha1";

const generatorRefSchema = fields({
  apiVersion: described(
    "API version of the generator.",
    filledIn(
      v.pipe(
        v.string(),
        v.check((version) => version === generatorVersion, `must be ${generatorVersion}`),
      ),
      generatorVersion,
    ),
  ),
  kind: described(
    "Kind of the generator.",
    v.pipe(
      v.picklist(generatorKinds),
      v.check(
        (kind) => kind === generatorKind,
        `not supported yet; of the generators ${generatorKind} works, all else is read from a store: use storeRef`,
      ),
    ),
  ),
  name: described(
    "Name of the generator, in the namespace of this object unless it is a ClusterGenerator.",
    objectName,
  ),
});

const ownStoreRef = described(
  "The store of this entry, in place of the default one.",
  v.optional(fields({ name: described("Name of the store.", objectName), kind: storeKind })),
);
const generatorRef = described(
  "A generator that makes new values at each refresh; for dataFrom only.",
  v.optional(generatorRefSchema),
);

const sourceRefSchema = v.pipe(
  fields({ storeRef: ownStoreRef }, { generatorRef: later("a generator makes a map: use dataFrom", generatorRef) }),
  forApi(exactlyOne),
);
const mapSourceRefSchema = v.pipe(fields({ storeRef: ownStoreRef, generatorRef }), forApi(exactlyOne));

/** One entry of data, with `secretKey` and whatever else its owner adds. */
export function dataEntrySchema<const E extends v.ObjectEntries>(own: E) {
  return fields({
    ...own,
    remoteRef: described("What to read.", remoteRefSchema),
    sourceRef: described("Where to read it, when not from the default store.", v.optional(sourceRefSchema)),
  });
}

export const dataFromEntrySchema = v.pipe(
  fields({
    extract: described("Reads every property of one secret.", v.optional(remoteRefSchema)),
    find: described("Reads many secrets, by their names or tags.", v.optional(findSchema)),
    sourceRef: described("Where to read it, when not from the default store.", v.optional(mapSourceRefSchema)),
    rewrite: described(
      "Steps that give the keys other names, one after the other.",
      v.optional(v.array(rewriteSchema)),
    ),
  }),
  forApi({
    "x-kubernetes-validations": [
      {
        rule: "has(self.extract) || has(self.find) || has(self.sourceRef)",
        message: "reads nothing; set extract, find or sourceRef.generatorRef",
      },
      {
        rule: "!has(self.extract) || !has(self.find)",
        message: "extract and find exclude each other; keep one, or make two entries",
      },
      // Two rules: as one they would come close to what an API server lets a rule cost.
      ...["extract", "find"].map((other) => ({
        rule: `!has(self.${other}) || !has(self.sourceRef) || !has(self.sourceRef.generatorRef)`,
        message: `${other} and generatorRef exclude each other; keep one, or make two entries`,
      })),
    ],
  }),
);

type RawStoreRef = v.InferOutput<typeof storeRefSchema>;
type RawSourceRef = Pick<v.InferOutput<typeof sourceRefSchema>, "storeRef">;

/** Where each checked entry reads from. The rules of `entryProblems` see to it that a name is there. */
export function storeOf(sourceRef: RawSourceRef | undefined, fallback: RawStoreRef | undefined): StoreRef {
  const { name = "", kind = "SecretStore" } = sourceRef?.storeRef ?? fallback ?? {};
  return { kind: kind === "" ? "SecretStore" : kind, name };
}

export function dataFromEntryOf(
  { extract, find, sourceRef, rewrite }: v.InferOutput<typeof dataFromEntrySchema>,
  fallback: RawStoreRef | undefined,
): DataFromEntry {
  const generator = sourceRef?.generatorRef;
  if (generator) return { generatorRef: { kind: generatorKind, name: generator.name }, ...rewriteOf(rewrite) };
  const common = { storeRef: storeOf(sourceRef, fallback), ...rewriteOf(rewrite) };
  if (extract) return { extract: remoteRefOf(extract), ...common };
  if (find) return { find: remoteFindOf(find), ...common };
  throw new Error("a dataFrom entry that reads nothing has passed its rules");
}

/** What a checked entry reads from. */
export function sourceOf(entry: DataEntry | DataFromEntry): SourceRef {
  return "generatorRef" in entry ? entry.generatorRef : entry.storeRef;
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

/** An entry without extract and find reads nothing, unless it asks for something that is refused already. */
function takeProblems(entry: unknown, at: FieldPath): readonly Problem[] {
  if (!isMap(entry)) return [];
  const { extract, find, sourceRef } = entry;
  const generates = isMap(sourceRef) && sourceRef.generatorRef !== undefined;
  if (extract === undefined && find === undefined && !generates)
    return [{ path: formatPath(at), problem: "reads nothing; set extract or find" }];
  const asked = Object.entries({ extract, find, generatorRef: generates || undefined });
  const [first, ...others] = asked.flatMap(([name, value]) => (value === undefined ? [] : [name]));
  return others.map((other) => ({
    path: formatPath(at),
    problem: `${first} and ${other} exclude each other; keep one, or make two entries`,
  }));
}

function storeProblems(entry: unknown, at: FieldPath, hasStore: boolean, storeField: string): readonly Problem[] {
  if (!isMap(entry)) return [];
  const { sourceRef } = entry;
  if (sourceRef === undefined)
    return hasStore
      ? []
      : [{ path: formatPath(at), problem: `names no store; set ${storeField}.name or the entry's sourceRef.storeRef` }];
  if (!isMap(sourceRef)) return [];
  if (sourceRef.storeRef !== undefined && sourceRef.generatorRef !== undefined)
    return [
      { path: formatPath([...at, "sourceRef"]), problem: "storeRef and generatorRef exclude each other; keep one" },
    ];
  if (sourceRef.storeRef !== undefined || sourceRef.generatorRef !== undefined) return [];
  return [{ path: formatPath([...at, "sourceRef"]), problem: "is empty; set storeRef, or remove it" }];
}

/** Whether a secretStoreRef has a name at all; its form, and that of something else in its place, is the schema's matter. */
export function namesStore(secretStoreRef: unknown): boolean {
  return secretStoreRef !== undefined && (!isMap(secretStoreRef) || secretStoreRef.name !== undefined);
}
