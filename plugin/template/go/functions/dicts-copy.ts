/** Deep copies of values, as mitchellh/copystructure makes them. */
import { fail } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import { GoMap, GoObject, GoSlice } from "../values.ts";
import type { GoValue } from "../values.ts";
import { chargeTree } from "./costs.ts";
import { versionType, zeroVersion } from "./semver-version.ts";

function copied(value: GoValue): GoValue {
  if (value instanceof GoSlice) return new GoSlice(value.type, value.items.map(copied), value.isNil);
  if (value instanceof GoMap)
    return new GoMap(
      value.type,
      new Map([...value.entries].map(([key, item]) => [key, copied(item)] as const)),
      value.isNil,
    );
  // A copy of a struct without exported fields is empty, in Go too.
  if (value instanceof GoObject && value.type === versionType) return zeroVersion;
  return value;
}

/** A copy that shares nothing with the value. Nil has none. */
export function deepCopy(ctx: CallContext, value: GoValue): GoValue {
  if (value === null) fail("reflect: call of reflect.Value.Type on zero Value");
  chargeTree(ctx, value);
  return copied(value);
}
