/** Values that may be missing, choices, and giving up. Empty is what is false in a template. */
import { isTrue } from "../equality.ts";
import { fail, secret } from "../errors.ts";
import type { FunctionTable } from "../functions.ts";
import { fn, variadic } from "../functions.ts";
import { anyType, boolType, stringType } from "../types.ts";

export const defaultFunctions: FunctionTable = {
  default: variadic([anyType], anyType, ([otherwise, ...given]) => (isTrue(given[0]) ? given[0] : otherwise)),
  empty: fn([anyType], ([value]) => !isTrue(value)),
  coalesce: variadic([], anyType, (values) => values.find(isTrue) ?? null),
  all: variadic([], anyType, (values) => values.every(isTrue)),
  any: variadic([], anyType, (values) => values.some(isTrue)),
  ternary: fn([anyType, anyType, boolType], ([yes, no, condition]) => (condition ? yes : no)),
  fail: fn([stringType], ([message]) => fail(secret(message))),
};
