/** From what manifests say to what the read path reads: dataFrom first, then data, so that a single value wins. */
import type {
  DataEntry,
  ExternalSecret,
  ExtractEntry,
  ObjectMeta,
  RemoteRef,
  SecretTemplate,
  StoreRef,
} from "../manifests/objects.ts";
import type { ReadEntry, ReadRequest } from "./request.ts";

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
  source: { readonly data: readonly DataEntry[]; readonly dataFrom: readonly ExtractEntry[] },
  at: string,
  isOptional: (secretKey?: string) => boolean,
): ReadRequest {
  const maps = source.dataFrom.map(({ extract, storeRef, rewrite }, i): ReadEntry => ({
    ...commonPart(`${at}.dataFrom[${i}]`, extract, storeRef),
    take: { as: "map", conversion: extract.conversionStrategy, ...(rewrite ? { rewrite } : {}) },
    optional: isOptional(),
  }));
  const values = source.data.map(({ secretKey, remoteRef, storeRef }, i): ReadEntry => ({
    ...commonPart(`${at}.data[${i}]`, remoteRef, storeRef),
    take: { as: "value", name: secretKey },
    optional: isOptional(secretKey),
  }));
  return { entries: [...maps, ...values] };
}

function commonPart(field: string, remote: RemoteRef, store: StoreRef): Omit<ReadEntry, "take" | "optional"> {
  const { key, version, property, metadataPolicy } = remote;
  return {
    field,
    store,
    ref: { key, metadataPolicy, ...(version === undefined ? {} : { version }) },
    ...(property === undefined ? {} : { property }),
    decoding: remote.decodingStrategy,
    nullBytes: remote.nullBytePolicy,
  };
}
