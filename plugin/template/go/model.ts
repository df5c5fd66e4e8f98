/**
 * The shapes that types, values and functions share: each names the others, so they stand together.
 *
 * Import them from types.ts, values.ts and functions.ts, where each is explained and made.
 */
import type { GoString } from "./text.ts";

export type SignedKind = "int" | "int8" | "int16" | "int32" | "int64";
export type UnsignedKind = "uint" | "uint8" | "uint16" | "uint32" | "uint64" | "uintptr";

/** What reflect.Kind().String() prints (sprig's `kindOf`). */
export type Kind =
  | SignedKind
  | UnsignedKind
  | "invalid"
  | "bool"
  | "float32"
  | "float64"
  | "complex128"
  | "string"
  | "slice"
  | "map"
  | "interface"
  | "ptr"
  | "struct"
  | "func";

/** Ties a type to the JavaScript form of its values, for the compiler alone. */
declare const form: unique symbol;

export interface GoType<Form = GoValue> {
  /** As `%T` prints it: `int`, `map[string]interface {}`, `*semver.Version`, `time.Duration`. */
  readonly name: string;
  readonly kind: Kind;
  /** Element of a slice, a map, or what a pointer points to. */
  readonly elem?: GoType;
  /** Key of a map. */
  readonly key?: GoType;
  /** Exported fields of a struct (or of what a pointer points to), in Go's order. */
  readonly fields?: ReadonlyMap<string, (self: GoValue) => GoValue>;
  /** Methods; each gives the function bound to its receiver. */
  readonly methods?: ReadonlyMap<string, (self: GoValue) => GoFunction>;
  /** The String() or Error() method. Used by every printing verb that Go sends there (%v %s %q %x %X, print). */
  readonly print?: (self: GoValue) => GoString;
  readonly [form]?: Form;
}

/** The JavaScript form of a type's values. */
export type FormOf<T> = T extends GoType<infer Form> ? Form : never;

export type GoValue =
  undefined | null | boolean | bigint | number | GoString | GoNumber | GoComplex | GoSlice | GoMap | GoObject;

/** A number whose type is neither int nor float64. Integers hold a bigint in range of their type, float32 a number. */
export class GoNumber {
  readonly type: GoType;
  readonly value: bigint | number;
  constructor(type: GoType, value: bigint | number) {
    this.type = type;
    this.value = value;
  }
}

export class GoComplex {
  readonly re: number;
  readonly im: number;
  constructor(re: number, im: number) {
    this.re = re;
    this.im = im;
  }
}

/** A slice. Functions never change `items` of a slice that they were given; they make a new one. */
export class GoSlice {
  readonly type: GoType;
  readonly items: GoValue[];
  readonly isNil: boolean;
  constructor(type: GoType, items: GoValue[], isNil = false) {
    this.type = type;
    this.items = items;
    this.isNil = isNil;
  }
}

/** A map with string keys. A reference, as in Go: `set` and `merge` change it in place. */
export class GoMap {
  readonly type: GoType;
  readonly entries: Map<GoString, GoValue>;
  readonly isNil: boolean;
  constructor(type: GoType, entries: Map<GoString, GoValue> = new Map(), isNil = false) {
    this.type = type;
    this.entries = entries;
    this.isNil = isNil;
  }
  /** Keys in Go's printing and ranging order: by bytes. */
  sortedKeys(): GoString[] {
    return [...this.entries.keys()].sort(byBytes);
  }
}

/** A struct or a pointer to one. Fields, methods and printing are its type's; `state` belongs to who made the type. */
export class GoObject<State = unknown> {
  readonly type: GoType;
  readonly state: State;
  constructor(type: GoType, state: State) {
    this.type = type;
    this.state = state;
  }
}

/** Go's order of strings. */
export const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Counts work against the budgets. Values may share parts (a dict in itself, or doubled thirty times): whatever walks
 * one takes a meter and charges each item. */
export interface Meter {
  /** Charges work: about one step per item looked at or per 64 bytes scanned. Throws BudgetError. */
  charge(steps: number): void;
  /** Charges bytes about to be made (1 step per 64 bytes; one value ≤ 4 MiB). Call before taking the memory. */
  produce(bytes: number): void;
}

/** What a function may use of the world. Nothing else: no I/O, no environment. */
export interface CallContext extends Meter {
  /** Wall clock, epoch milliseconds. */
  nowMs(): number;
  /** Cryptographically random bytes. */
  randomBytes(count: number): Buffer;
}

export interface GoFunction {
  /** Fixed parameters. */
  readonly params: readonly GoType[];
  /** Element type of the variadic parameter. */
  readonly rest?: GoType;
  /** Returns null for a nil interface{}; `undefined` (no value) is for builtins over reflect.Value alone. */
  readonly call: (args: readonly GoValue[], ctx: CallContext) => GoValue;
  /** Takes long by design (key generation, bcrypt, scrypt, PKCS#12): a template that names it renders in the worker. */
  readonly heavy?: true;
  /** Another result at each call (random, time). Absent: deterministic. */
  readonly deterministic?: false;
}
