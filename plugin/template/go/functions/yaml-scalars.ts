/** What a plain YAML scalar means to go-yaml v2: YAML 1.1, but without base-60 numbers. */
import { GoError } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import { parseFloat, parseInteger, parseUnsigned } from "../parse-number.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { parseTime } from "./dates-parse.ts";

/** A whole number is a bigint: between the smallest int64 and the largest uint64. */
export type Scalar =
  | { readonly tag: "null"; readonly value: null }
  | { readonly tag: "bool"; readonly value: boolean }
  | { readonly tag: "int"; readonly value: bigint }
  | { readonly tag: "float"; readonly value: number }
  | { readonly tag: "str" | "timestamp"; readonly value: GoString };

/** A word in lower case, with a capital, and in capitals. */
const spelled = (word: string): string[] => [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()];

const words: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ...["y", "yes", "true", "on"].flatMap(spelled).map((word) => [word, { tag: "bool", value: true }] as const),
  ...["n", "no", "false", "off"].flatMap(spelled).map((word) => [word, { tag: "bool", value: false }] as const),
  ...["", "~", ...spelled("null")].map((word) => [word, { tag: "null", value: null }] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, { tag: "float", value: NaN }] as const),
  ...[".inf", ".Inf", ".INF"].flatMap((word) => [
    [word, { tag: "float", value: Infinity }] as const,
    [`+${word}`, { tag: "float", value: Infinity }] as const,
    [`-${word}`, { tag: "float", value: -Infinity }] as const,
  ]),
]);

const timestamps = [
  "2006-1-2T15:4:5.999999999Z07:00",
  "2006-1-2t15:4:5.999999999Z07:00",
  "2006-1-2 15:4:5.999999999",
  "2006-1-2",
].map(ascii);

function isTimestamp(ctx: CallContext, text: GoString): boolean {
  if (!/^[0-9]{4}-/.test(text)) return false;
  return timestamps.some((layout) => {
    try {
      parseTime(ctx, layout, text);
      return true;
    } catch (thrown) {
      if (thrown instanceof GoError) return false;
      throw thrown;
    }
  });
}

const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

function numberIn(text: string): Scalar | undefined {
  const plain = text.replaceAll("_", "");
  const int = parseInteger(plain, 0);
  if (typeof int === "bigint") return { tag: "int", value: int };
  const uint = parseUnsigned(plain, 0);
  if (typeof uint === "bigint") return { tag: "int", value: uint };
  if (!float.test(plain)) return undefined;
  const value = parseFloat(plain);
  return typeof value === "number" ? { tag: "float", value } : undefined;
}

/** The scalar that a text without quotes and without a tag is. */
export function resolveScalar(ctx: CallContext, text: GoString): Scalar {
  const word = words.get(text);
  if (word) return word;
  const first = text.charAt(0);
  if (first === ".") {
    const value = parseFloat(text);
    return typeof value === "number" ? { tag: "float", value } : { tag: "str", value: text };
  }
  if (!/[0-9+-]/.test(first)) return { tag: "str", value: text };
  if (isTimestamp(ctx, text)) return { tag: "timestamp", value: text };
  return numberIn(text) ?? { tag: "str", value: text };
}
