/** One JSON value as the bytes of a secret. */
import { compareUtf8 } from "../../core/canonical-json.ts";
import { withoutSpace } from "./gjson/modifiers.ts";
import { stringOf, type Slice } from "./gjson/slice.ts";
import { formatWithoutExponent, numberOf } from "./gjson/text.ts";

/**
 * Strings as they are, objects and arrays as compact JSON, booleans as words, null as nothing. Numbers keep their digits,
 * so that a 64-bit id survives; only an exponent is written out, as ESO does.
 */
export function valueBytes(slice: Slice): Buffer {
  return Buffer.from(valueText(slice), "latin1");
}

/** One compact JSON object of these members, by the bytes of their names. */
export function jsonBytes(members: ReadonlyMap<string, Slice>): Buffer {
  const parts = [...members]
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([name, { kind, raw }]) => {
      const text = Buffer.from(JSON.stringify(name), "utf8").toString("latin1");
      return `${text}:${kind === "json" ? withoutSpace(raw) : raw}`;
    });
  return Buffer.from(`{${parts.join(",")}}`, "latin1");
}

function valueText(slice: Slice): string {
  switch (slice.kind) {
    case "null":
      return "";
    case "string":
      return stringOf(slice.raw);
    case "number":
      return numberText(slice.raw);
    case "true":
    case "false":
      return slice.kind;
    case "json":
      return withoutSpace(slice.raw);
  }
}

function numberText(raw: string): string {
  const value = numberOf(raw);
  return /e/i.test(raw) && Number.isFinite(value) ? formatWithoutExponent(value) : raw;
}
