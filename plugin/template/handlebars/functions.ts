/**
 * The template functions as Handlebars helpers: the same names, the same order of arguments, the same results.
 *
 * A string where a number is due is read as one (values are strings), a number where a string is due is printed.
 * Functions over what JavaScript has no plain value for (times, certificates, Go's types) are left out, and so are those
 * that change a dict in place.
 */
import { fail } from "../go/errors.ts";
import { findFunction, functionNames } from "../go/functions/table.ts";
import type { CallContext, GoFunction, GoType } from "../go/model.ts";
import { anyType, boolType, float64Type, isInteger, reflectValueType, stringType, anySliceType } from "../go/types.ts";
import { anySlice, GoMap, GoNumber, GoSlice } from "../go/values.ts";
import type { GoValue } from "../go/values.ts";
import { goText, toGo, toPlain } from "./values.ts";
import type { Plain } from "./values.ts";

const leftOut = new Set([
  ...["call", "kindIs", "kindOf", "typeIs", "typeIsLike", "typeOf"],
  ...["set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"],
  ...["toDate", "mustToDate", "semver", "buildCustomCert", "genCA", "genCAWithKey"],
  ...["genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey"],
]);

/** Ask whether something is there: nothing is a good answer. */
const aboutAbsence = new Set(["default", "coalesce", "empty", "all", "any", "and", "or", "not", "ternary"]);

const isPlain = ({ kind, name }: GoType): boolean =>
  ["string", "bool", "interface", "slice", "map", "float64"].includes(kind) ||
  isInteger(kind) ||
  name === reflectValueType.name;

/** The names that are helpers, sorted. */
export const helperNames: readonly string[] = functionNames.filter((name) => {
  const { params, rest } = findFunction(name)!;
  return !leftOut.has(name) && [...params, ...(rest ? [rest] : [])].every(isPlain);
});

/** Calls the function of that name. Throws GoError for wrong arguments and for what the function itself refuses. */
export function callFunction(name: string, args: readonly Plain[], ctx: CallContext, strict: boolean): Plain {
  const called = findFunction(name)!;
  checkCount(name, called, args.length);
  const missing = strict && !aboutAbsence.has(name) ? args.indexOf(undefined) : -1;
  if (missing >= 0) fail(`argument ${missing + 1} is not defined`);
  ctx.charge(1);
  if (name === "and" || name === "or") return decided(args, name === "or");
  const values = args.map((arg, index) => argument(arg, called.params[index] ?? called.rest!, index + 1));
  return toPlain(called.call(values, ctx), ctx);
}

function checkCount(name: string, { params, rest }: GoFunction, given: number): void {
  if (rest ? given >= params.length : given === params.length) return;
  const wanted = rest ? `at least ${params.length}` : String(params.length);
  const wayOut = given === 0 ? `; write this.${name} for the value of that name` : "";
  fail(`wants ${wanted} arguments and has ${given}${wayOut}`);
}

/** The argument that decides, as in Go; all have been evaluated, as in Handlebars. */
function decided(args: readonly Plain[], decisive: boolean): Plain {
  return args.find((arg) => isTrue(arg) === decisive) ?? args.at(-1);
}

/** Go's truth, which an empty list and an empty object lack. */
export function isTrue(value: Plain): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function argument(value: Plain, type: GoType, at: number): GoValue {
  if (type === anyType || type === reflectValueType) return toGo(value);
  if (type === stringType || type.kind === "string") return stringArgument(value, at);
  if (type === boolType) return typeof value === "boolean" ? value : fail(`argument ${at} must be true or false`);
  if (type === float64Type) return numberArgument(value, at);
  if (isInteger(type.kind)) return integerArgument(value, type, at);
  const converted = toGo(value);
  if (type.kind === "map") return converted instanceof GoMap ? converted : fail(`argument ${at} must be an object`);
  return converted instanceof GoSlice ? listArgument(converted, type) : fail(`argument ${at} must be a list`);
}

const listArgument = (list: GoSlice, type: GoType): GoSlice =>
  type === anySliceType ? anySlice(list.items) : new GoSlice(type, list.items);

function stringArgument(value: Plain, at: number): GoValue {
  if (typeof value === "string") return goText(value);
  if (typeof value === "number" || typeof value === "boolean") return goText(String(value));
  return fail(`argument ${at} must be a string`);
}

function numberArgument(value: Plain, at: number): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && !Number.isNaN(number) ? number : fail(`argument ${at} must be a number`);
}

function integerArgument(value: Plain, type: GoType, at: number): GoValue {
  const number = numberArgument(value, at);
  if (!Number.isSafeInteger(number)) fail(`argument ${at} must be a whole number`);
  return type.name === "int" ? BigInt(number) : new GoNumber(type, BigInt(number));
}
