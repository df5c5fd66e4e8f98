/**
 * Go's types as far as a template can see them: the names that `%T`, `typeOf` and error texts print, the kinds, and
 * what may be handed to what.
 *
 * Types are interned: two equal types are one object, so `===` is Go's type identity.
 */
import type { GoComplex, GoFunction, GoMap, GoNumber, GoObject, GoSlice, GoType, GoValue, Kind } from "./model.ts";
import type { GoString } from "./text.ts";

export type { FormOf, GoType, Kind } from "./model.ts";

function basic<Form>(kind: Kind, name: string = kind): GoType<Form> {
  return { name, kind };
}

export const boolType = basic<boolean>("bool");
export const stringType = basic<GoString>("string");
/** Go's `int`: the only integer with a primitive form, bigint. */
export const intType = basic<bigint>("int");
/** Go's `float64`: JavaScript's number. */
export const float64Type = basic<number>("float64");
export const int32Type = basic<GoNumber>("int32");
export const int64Type = basic<GoNumber>("int64");
export const uint8Type = basic<GoNumber>("uint8");
export const uint32Type = basic<GoNumber>("uint32");
export const uint64Type = basic<GoNumber>("uint64");
export const complex128Type = basic<GoComplex>("complex128");
/** `interface{}`: a parameter of this type gets every value, nil as `null`. */
export const anyType = basic<Exclude<GoValue, undefined>>("interface", "interface {}");
/** `reflect.Value`: only builtins take it; an invalid value arrives as `undefined`. */
export const reflectValueType = basic<GoValue>("struct", "reflect.Value");

const slices = new WeakMap<GoType, GoType<GoSlice>>();
const maps = new WeakMap<GoType, GoType<GoMap>>();

/** The type `[]elem`. */
export function sliceOf(elem: GoType): GoType<GoSlice> {
  const known = slices.get(elem);
  if (known) return known;
  const type: GoType<GoSlice> = { name: `[]${elem.name}`, kind: "slice", elem };
  slices.set(elem, type);
  return type;
}

/** The type `map[string]elem`. A template meets no other key type. */
export function mapOf(elem: GoType): GoType<GoMap> {
  const known = maps.get(elem);
  if (known) return known;
  const type: GoType<GoMap> = { name: `map[string]${elem.name}`, kind: "map", key: stringType, elem };
  maps.set(elem, type);
  return type;
}

export const anySliceType = sliceOf(anyType);
export const stringSliceType = sliceOf(stringType);
export const bytesType: GoType<GoSlice> = { ...sliceOf(uint8Type) };
slices.set(uint8Type, bytesType);
export const anyMapType = mapOf(anyType);
export const stringMapType = mapOf(stringType);

/** A type with a name of its own: `time.Time`, `sprig.certificate`, `time.Duration` (kind int64), `*semver.Version`. */
export function namedType<Form extends GoObject | GoNumber>(
  name: string,
  kind: Kind,
  parts: {
    readonly fields?: Readonly<Record<string, (self: Form) => GoValue>>;
    readonly methods?: Readonly<Record<string, (self: Form) => GoFunction>>;
    readonly print?: (self: Form) => GoString;
    readonly elem?: GoType;
  } = {},
): GoType<Form> {
  return {
    name,
    kind,
    ...(parts.elem && { elem: parts.elem }),
    ...(parts.fields && { fields: tableOf<(self: GoValue) => GoValue>(parts.fields) }),
    ...(parts.methods && { methods: tableOf<(self: GoValue) => GoFunction>(parts.methods) }),
    ...(parts.print && { print: parts.print as (self: GoValue) => GoString }),
  };
}

/** A Map has no prototype keys that a template could reach. */
function tableOf<Entry>(record: object): ReadonlyMap<string, Entry> {
  return new Map(Object.entries(record) as [string, Entry][]);
}

const signed: ReadonlySet<Kind> = new Set<Kind>(["int", "int8", "int16", "int32", "int64"]);
const unsigned: ReadonlySet<Kind> = new Set<Kind>(["uint", "uint8", "uint16", "uint32", "uint64", "uintptr"]);

export const isSigned = (kind: Kind): boolean => signed.has(kind);
export const isUnsigned = (kind: Kind): boolean => unsigned.has(kind);
export const isInteger = (kind: Kind): boolean => signed.has(kind) || unsigned.has(kind);
export const isFloat = (kind: Kind): boolean => kind === "float64" || kind === "float32";
