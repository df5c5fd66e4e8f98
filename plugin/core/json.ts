/**
 * JSON from outside, without losing anything: numbers keep their digits (a 64-bit id survives), `__proto__` is an
 * ordinary key, depth and key count are bounded.
 *
 * Numbers come back as JSON.rawJSON objects: JSON.stringify writes their text, nothing else should look inside.
 */
export type JsonValue = null | boolean | string | RawNumber | JsonValue[] | JsonObject;
/** Null-prototype, so a key such as `constructor` is there only when the document has it. */
export interface JsonObject {
  [key: string]: JsonValue;
}
export interface RawNumber {
  readonly rawJSON: string;
}

export interface JsonLimits {
  /** Nesting levels of objects and arrays together. */
  readonly depth: number;
  /** Object members and array elements of the whole document. */
  readonly members: number;
}

export const storeJsonLimits: JsonLimits = { depth: 100, members: 100_000 };

/** Thrown by parseJson. The message holds no part of the input. */
export class JsonProblem extends Error {
  override readonly name = "JsonProblem";
}

export function parseJson(text: string, limits: JsonLimits = storeJsonLimits): JsonValue {
  checkShape(text, limits);
  try {
    return JSON.parse(text, keepDigits) as JsonValue;
  } catch {
    // V8 quotes the offending text in its message, so the error itself must not travel.
    throw new JsonProblem("not valid JSON");
  }
}

export function isRawNumber(value: unknown): value is RawNumber {
  return JSON.isRawJSON(value);
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

function keepDigits(_key: string, value: unknown, context: { source: string }): unknown {
  if (typeof value === "number") return JSON.rawJSON(context.source);
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value))
    return Object.setPrototypeOf(value, null) as unknown;
  return value;
}

/** A cheap scan before the real parser: V8 recurses in the reviver, so depth must be known first. */
function checkShape(text: string, limits: JsonLimits): void {
  let depth = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      i = endOfString(text, i);
    } else if (c === 0x7b || c === 0x5b) {
      members++;
      if (++depth > limits.depth) throw new JsonProblem(`nested deeper than ${limits.depth} levels`);
    } else if (c === 0x7d || c === 0x5d) depth--;
    else if (c === 0x2c) members++;
    if (members > limits.members) throw new JsonProblem(`more than ${limits.members} members`);
  }
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x5c) i++;
    else if (c === 0x22) return i;
  }
  return text.length;
}
