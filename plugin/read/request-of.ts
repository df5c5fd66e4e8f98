/** From what manifests say to what the read path reads: dataFrom first, then data, so that a single value wins. */
import type {
  DataEntry,
  DataFromEntry,
  ExternalSecret,
  GeneratorEntry,
  ObjectMeta,
  RemoteFind,
  RemoteRef,
  SecretTemplate,
  StoreRef,
} from "../manifests/objects.ts";
import type { FindEntry, FindPlan, ReadEntry, ReadRequest, RefEntry } from "./request.ts";

const optionalKeysAnnotation = "keyferry.dev/optional-keys";

/** The secretKeys that an ExternalSecret may do without: a comma list in its annotation. */
export function optionalKeysOf(meta: Pick<ObjectMeta, "annotations">): ReadonlySet<string> {
  const keys = (meta.annotations[optionalKeysAnnotation] ?? "").split(",").map((key) => key.trim());
  return new Set(keys.filter((key) => key !== ""));
}

/** Every entry is optional when the object says what becomes of keys whose source is gone. */
export function requestOf(spec: ExternalSecret["spec"], optionalKeys: ReadonlySet<string>): ReadRequest {
  const allOptional = spec.target.deletionPolicy !== "Retain";
  const request = entriesOf(
    spec,
    "spec",
    (secretKey) => allOptional || (secretKey !== undefined && optionalKeys.has(secretKey)),
  );
  return withTemplate(request, "spec.target.template", spec.target.template);
}

/** For a class that lists its entries itself. */
export function requestOfClass(
  source: Pick<ExternalSecret["spec"], "data" | "dataFrom"> & { readonly template?: SecretTemplate },
): ReadRequest {
  return withTemplate(
    entriesOf(source, "parameters", () => false),
    "parameters.template",
    source.template,
  );
}

function withTemplate(request: ReadRequest, field: string, template: SecretTemplate | undefined): ReadRequest {
  return template ? { ...request, template: { field, template } } : request;
}

function entriesOf(
  source: { readonly data: readonly DataEntry[]; readonly dataFrom: readonly DataFromEntry[] },
  at: string,
  isOptional: (secretKey?: string) => boolean,
): ReadRequest {
  const maps = source.dataFrom.map((entry, i) => mapEntryOf(entry, `${at}.dataFrom[${i}]`, isOptional()));
  const values = source.data.map(({ secretKey, remoteRef, storeRef }, i): RefEntry => ({
    ...commonPart(`${at}.data[${i}]`, remoteRef, storeRef, isOptional(secretKey)),
    ...refPart(remoteRef),
    take: { as: "value", name: secretKey },
  }));
  return { entries: [...maps, ...values] };
}

function mapEntryOf(entry: DataFromEntry, field: string, optional: boolean): ReadEntry {
  if ("generatorRef" in entry) return generatorEntryOf(entry, field);
  const remote = "find" in entry ? entry.find : entry.extract;
  const { rewrite, storeRef } = entry;
  const take = { as: "map" as const, conversion: remote.conversionStrategy, ...(rewrite ? { rewrite } : {}) };
  const common = { ...commonPart(field, remote, storeRef, optional), take };
  return "find" in entry ? { ...common, find: findPart(entry.find) } : { ...common, ...refPart(entry.extract) };
}

/** Never optional: a generator that makes nothing has failed. */
function generatorEntryOf({ generatorRef, rewrite }: GeneratorEntry, field: string): RefEntry {
  return {
    field,
    store: generatorRef,
    decoding: "None",
    nullBytes: "Ignore",
    optional: false,
    ref: { key: generatorRef.name, metadataPolicy: "None" },
    take: { as: "map", conversion: "Default", ...(rewrite ? { rewrite } : {}) },
  };
}

function commonPart(
  field: string,
  { decodingStrategy, nullBytePolicy }: RemoteRef | RemoteFind,
  store: StoreRef,
  optional: boolean,
): Omit<FindEntry, "take" | "find"> {
  return { field, store, decoding: decodingStrategy, nullBytes: nullBytePolicy, optional };
}

function refPart({ key, version, property, metadataPolicy }: RemoteRef): Pick<RefEntry, "ref" | "property"> {
  return {
    ref: { key, metadataPolicy, ...(version === undefined ? {} : { version }) },
    ...(property === undefined ? {} : { property }),
  };
}

function findPart({ conversionStrategy: _, decodingStrategy: __, nullBytePolicy: ___, ...plan }: RemoteFind): FindPlan {
  return plan;
}
