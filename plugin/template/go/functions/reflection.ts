/** What a value is: Go's names of types and kinds. */
import type { FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import { deepEqual } from "../equality.ts";
import { ascii } from "../text.ts";
import { anyType, stringType } from "../types.ts";
import { kindOf, typeName } from "../values.ts";
import { chargeTree } from "./costs.ts";

export const reflectionFunctions: FunctionTable = {
  typeOf: fn([anyType], ([value]) => ascii(typeName(value))),
  typeIs: fn([stringType, anyType], ([name, value]) => name === typeName(value)),
  typeIsLike: fn([stringType, anyType], ([name, value]) => {
    const type = typeName(value);
    return name === type || `*${name}` === type;
  }),
  kindOf: fn([anyType], ([value]) => ascii(kindOf(value))),
  kindIs: fn([stringType, anyType], ([kind, value]) => kind === kindOf(value)),
  deepEqual: fn([anyType, anyType], ([a, b], ctx) => {
    chargeTree(ctx, a);
    chargeTree(ctx, b);
    return deepEqual(a, b, ctx);
  }),
};
