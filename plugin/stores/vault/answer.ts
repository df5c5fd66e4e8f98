/** What Vault's JSON answers mean: their envelope, a login's token, a secret of KV v1 or v2. */
import { canonicalJson } from "../../core/canonical-json.ts";
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { isJsonObject, isRawNumber, JsonProblem, parseJson } from "../../core/json.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import type { HttpAnswer } from "../http.ts";
import type { VaultConfig } from "./config.ts";

/** The JSON object of an answer. Throws Failure `answer_invalid`. */
export function envelope(answer: HttpAnswer): JsonObject {
  if (answer.body.byteLength === 0) throw invalid(`an empty body (${answer.status})`);
  const document = parsed(answer.body);
  if (!isJsonObject(document)) throw invalid("JSON that is not an object");
  return document;
}

/** The envelope of a refusal, or undefined when a proxy or something else answered in Vault's place. */
export function refusalEnvelope(answer: HttpAnswer): JsonObject | undefined {
  try {
    return envelope(answer);
  } catch {
    return undefined;
  }
}

/** The texts of `errors` or `warnings`, to be compared with known ones, never to be shown. */
export function texts(document: JsonObject | undefined, member: "errors" | "warnings"): readonly string[] {
  const list = document?.[member];
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
}

export interface Granted {
  readonly token: SecretValue;
  /** Wall clock epoch milliseconds; absent when the token does not end. */
  readonly expiresAtMs?: number;
}

/** The token of a login answer. */
export function readGrant(document: JsonObject, clock: Clock): Granted {
  const auth = document["auth"];
  const token = isJsonObject(auth) ? auth["client_token"] : undefined;
  if (!isJsonObject(auth) || typeof token !== "string" || !isToken(token)) throw invalid("no auth.client_token");
  return { token: SecretValue.fromText(token), ...endOfLife(auth["lease_duration"], clock) };
}

/** Whether a text can be sent as a token. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** The secret of a read that was answered with 200. Throws Failure `answer_invalid` or a not-found code. */
export function readSecret(
  document: JsonObject,
  located: Located,
  version: VaultConfig["version"],
  clock: Clock,
): StoreAnswer | "gone" {
  const data = document["data"];
  const request = requestIdOf(document);
  if (version === "v1") {
    if (!isJsonObject(data)) throw invalid("no data");
    const leased = typeof document["lease_id"] === "string" && document["lease_id"] !== "";
    const end = leased ? endOfLife(document["lease_duration"], clock) : {};
    return { value: asGoWrites(data), version: "", ...request, ...end };
  }
  if (!isJsonObject(data) || !isJsonObject(data["metadata"]))
    throw invalid(
      "no data.data and data.metadata, which every KV v2 engine sends; check version and path of the store",
    );
  if (data["data"] === null) return "gone";
  if (!isJsonObject(data["data"])) throw invalid("data.data that is not an object");
  return { value: asGoWrites(data["data"]), version: versionOf(data["metadata"], located), ...request };
}

/** True for the 404 that KV v2 gives for a version that was deleted or destroyed. */
export function isGoneVersion(document: JsonObject | undefined): boolean {
  const data = document?.["data"];
  return isJsonObject(data) && data["data"] === null && isJsonObject(data["metadata"]);
}

function versionOf(metadata: JsonObject, located: Located): string {
  const number = metadata["version"];
  const version = number !== undefined && isRawNumber(number) ? number.rawJSON : "";
  if (!/^\d+$/.test(version)) throw invalid("no data.metadata.version");
  if (located.version !== "" && located.version !== version) throw invalid("another version than was asked for");
  return version;
}

/** Vault's id of the request, for audit; anything that does not look like one is left out. */
function requestIdOf(document: JsonObject): { requestId?: string } {
  const id = document["request_id"];
  return typeof id === "string" && /^[A-Za-z0-9-]{1,64}$/.test(id) ? { requestId: id } : {};
}

function endOfLife(leaseDuration: JsonValue | undefined, clock: Clock): { expiresAtMs?: number } {
  const seconds = leaseDuration !== undefined && isRawNumber(leaseDuration) ? Number(leaseDuration.rawJSON) : 0;
  return seconds > 0 ? { expiresAtMs: clock.nowMs() + seconds * 1_000 } : {};
}

/** What Go's json.Marshal escapes beyond JSON's own rules, and ESO with it. Outside strings none of them can occur. */
const escapedByGo = /[<>&\u2028\u2029]/g;

/** The map as ESO delivers it byte for byte: sorted keys, no white space, digits kept, HTML characters escaped. */
function asGoWrites(data: JsonObject): SecretValue {
  const text = canonicalJson(data).replace(
    escapedByGo,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return SecretValue.fromText(text);
}

function parsed(body: SecretValue): JsonValue {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(body.reveal()));
  } catch (thrown) {
    throw invalid(thrown instanceof JsonProblem ? `a body that is ${thrown.message}` : "a body that is not UTF-8 text");
  }
}

function invalid(what: string): Failure {
  return new Failure("answer_invalid", `vault answered with ${what}; check that the server URL is Vault's own`);
}
