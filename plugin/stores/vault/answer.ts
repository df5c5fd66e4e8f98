/** What Vault's JSON answers mean: their envelope, a login's token, a secret of KV v1 or v2. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { isJsonObject, isRawNumber } from "../../core/json.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Lease, Located, StoreAnswer } from "../contract.ts";
import type { HttpAnswer } from "../http.ts";
import { goJson, readJson } from "../json-body.ts";
import type { VaultConfig } from "./config.ts";

/** The JSON object of an answer. Throws Failure `answer_invalid`. */
export function envelope(answer: HttpAnswer): JsonObject {
  const read = readJson(answer.body);
  if (!read.ok) throw invalid(read.what);
  if (!isJsonObject(read.value)) throw invalid("JSON that is not an object");
  return read.value;
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
  /** Milliseconds that the token was given; absent when it does not end. */
  readonly lifeMs?: number;
  /** Wall clock epoch milliseconds; absent when the token does not end. */
  readonly expiresAtMs?: number;
  readonly renewable: boolean;
}

/** The token of a login's or a renewal's answer. */
export function readGrant(document: JsonObject, clock: Clock): Granted {
  const auth = document["auth"];
  if (isJsonObject(auth) && isJsonObject(auth["mfa_requirement"]))
    throw new Failure(
      "store_login_denied",
      "vault asks for a second factor, which a program cannot give; take the account of this store out of the MFA rule",
    );
  const token = isJsonObject(auth) ? auth["client_token"] : undefined;
  if (!isJsonObject(auth) || typeof token !== "string" || !isToken(token)) throw invalid("no auth.client_token");
  const lifeMs = durationMs(auth["lease_duration"]);
  const end = lifeMs === 0 ? {} : { lifeMs, expiresAtMs: clock.nowMs() + lifeMs };
  return { token: SecretValue.fromText(token), ...end, renewable: auth["renewable"] === true };
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
    return { value: goJson(data), version: "", ...request, ...leaseOf(document, clock) };
  }
  if (!isJsonObject(data) || !isJsonObject(data["metadata"]))
    throw invalid(
      "no data.data and data.metadata, which every KV v2 engine sends; check version and path of the store",
    );
  if (data["data"] === null) return "gone";
  if (!isJsonObject(data["data"])) throw invalid("data.data that is not an object");
  return { value: goJson(data["data"]), version: versionOf(data["metadata"], located), ...request };
}

/** What KV v2 keeps about a secret, as ESO has it: three of its own members, and the custom ones over them. */
export function readMetadata(document: JsonObject): Readonly<Record<string, string>> {
  const data = document["data"];
  if (!isJsonObject(data) || !("current_version" in data))
    throw invalid("no data.current_version, which every KV v2 engine sends; check version and path of the store");
  const own = ["created_time", "current_version", "delete_version_after"].map((name) => [name, data[name]] as const);
  const custom = isJsonObject(data["custom_metadata"]) ? Object.entries(data["custom_metadata"]) : [];
  const members = [...own, ...custom].filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(members.map(([name, value]) => [name, asText(value!)]));
}

/** The metadata of a secret in place of its value. It has no version: it changes while the secret does not. */
export function metadataAnswer(document: JsonObject): StoreAnswer {
  return { value: goJson(readMetadata(document)), version: "", ...requestIdOf(document) };
}

/** The names of a folder; folders among them end with a slash. */
export function readNames(document: JsonObject): readonly string[] {
  const data = document["data"];
  const names = isJsonObject(data) ? data["keys"] : undefined;
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) throw invalid("no data.keys");
  return names;
}

/** The lease of a read's or a renewal's answer; nothing when it has none. */
export function leaseOf(document: JsonObject, clock: Clock): { lease?: Lease; expiresAtMs?: number } {
  const id = document["lease_id"];
  if (typeof id !== "string" || id === "") return {};
  const lifeMs = durationMs(document["lease_duration"]);
  return {
    lease: { id, renewable: document["renewable"] === true },
    ...(lifeMs === 0 ? {} : { expiresAtMs: clock.nowMs() + lifeMs }),
  };
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
export function requestIdOf(document: JsonObject): { requestId?: string } {
  const id = document["request_id"];
  return typeof id === "string" && /^[A-Za-z0-9-]{1,64}$/.test(id) ? { requestId: id } : {};
}

/** 0 = it says nothing, or does not end. */
function durationMs(seconds: JsonValue | undefined): number {
  return seconds !== undefined && isRawNumber(seconds) ? Math.max(0, Number(seconds.rawJSON)) * 1_000 : 0;
}

/** As Go prints a member of any type. */
function asText(value: JsonValue): string {
  if (typeof value === "string") return value;
  return isRawNumber(value) ? value.rawJSON : JSON.stringify(value);
}

export function invalid(what: string): Failure {
  return new Failure("answer_invalid", `vault answered with ${what}; check that the server URL is Vault's own`);
}
