/** What a value is as text: strings unescaped, documents raw, null empty. */
import { stringOf, type Slice } from "./slice.ts";
import { formatWithoutExponent, numberOf } from "./text.ts";

/**
 * As gjson's Result.String(): an integer keeps its digits however many there are; any other number is the shortest text
 * of its 64-bit float, without an exponent (`1.50` → `1.5`, `1e3` → `1000`).
 */
export function resultText(slice: Slice): string {
  switch (slice.kind) {
    case "null":
      return "";
    case "string":
      return stringOf(slice.raw);
    case "number":
      return /^-?[0-9]*$/.test(slice.raw) ? slice.raw : formatWithoutExponent(numberOf(slice.raw));
    case "true":
    case "false":
      return slice.kind;
    case "json":
      return slice.raw;
  }
}
