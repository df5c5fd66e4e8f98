/** JSON in the answers of stores: read whole or not at all, and written again as ESO delivers it. */
import { canonicalJson } from "../core/canonical-json.ts";
import { JsonProblem, parseJson } from "../core/json.ts";
import type { JsonValue } from "../core/json.ts";
import { SecretValue } from "../core/secret-value.ts";

export type ReadJson = { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly what: string };

/** The document of a body, or what the body is instead, in words that quote nothing of it. */
export function readJson(body: SecretValue): ReadJson {
  if (body.byteLength === 0) return { ok: false, what: "an empty body" };
  try {
    return { ok: true, value: parseJson(new TextDecoder("utf-8", { fatal: true }).decode(body.reveal())) };
  } catch (thrown) {
    const what = thrown instanceof JsonProblem ? thrown.message : "not UTF-8 text";
    return { ok: false, what: `a body that is ${what}` };
  }
}

/** What Go's json.Marshal escapes beyond JSON's own rules, and ESO with it. Outside strings none of them can occur. */
const escapedByGo = /[<>&\u2028\u2029]/g;

/** A value as ESO's Go writes it byte for byte: sorted keys, no white space, digits kept, HTML characters escaped. */
export function goJson(value: JsonValue): SecretValue {
  const text = canonicalJson(value).replace(
    escapedByGo,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return SecretValue.fromText(text);
}
