/**
 * Tags and dates of an object as one JSON object, by the names under which ESO has them.
 *
 * A tag that holds JSON stands there as that JSON, in its own spelling, and not as a string: so `property` finds the tag
 * by its name, word for word, and what is inside it by a path behind the name.
 */
import { compareUtf8 } from "../../core/canonical-json.ts";
import { isRawNumber, parseJson } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { answerInvalid } from "./vault.ts";

/** Epoch seconds. */
export interface Dates {
  readonly expires?: number | undefined;
  readonly created?: number | undefined;
  readonly updated?: number | undefined;
  readonly notBefore?: number | undefined;
}

/** `tags`: as the vault gives them. Throws Failure `answer_invalid`. */
export function metadataJson(tags: unknown, dates: Dates): SecretValue {
  const members = new Map<string, string>();
  for (const [name, value] of Object.entries((tags ?? {}) as Record<string, unknown>)) {
    if (typeof value !== "string") throw answerInvalid("a tag that is no text");
    members.set(name, isStructured(value) ? value.trim() : JSON.stringify(value));
  }
  for (const [name, seconds] of Object.entries(dates) as [string, number | undefined][])
    if (seconds !== undefined) members.set(`attribute.${name}`, JSON.stringify(dateText(seconds)));
  const sorted = [...members].sort(([a], [b]) => compareUtf8(a, b));
  return SecretValue.fromText(`{${sorted.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`);
}

/** `2030-01-31T12:00:00Z` */
function dateText(seconds: number): string {
  const date = new Date(seconds * 1_000);
  if (Number.isNaN(date.getTime())) throw answerInvalid("a date that is none");
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

function isStructured(text: string): boolean {
  try {
    const value = parseJson(text);
    return typeof value === "object" && value !== null && !isRawNumber(value);
  } catch {
    return false;
  }
}
