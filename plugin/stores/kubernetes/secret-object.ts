/**
 * What the API server gives: a Secret as JSON text of its keys and their values, its labels and annotations likewise,
 * and the names of a list.
 *
 * A value is bytes. In the JSON text they stand as they are, so that a property, or a member, is the value byte for byte.
 */
import { canonicalJson, compareUtf8 } from "../../core/canonical-json.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { isJsonObject } from "../../core/json.ts";
import { isDnsSubdomain, isSecretKey } from "../../core/names.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import type { HttpAnswer } from "../http.ts";
import { answerInvalid, answerJson } from "../json-answer.ts";
import { requestIdOf } from "../request-id.ts";
import { isMetadata, nameOf } from "./address.ts";
import { apiServer } from "./refusal.ts";

/** Throws Failure `answer_invalid`. */
export function secretAnswer(answer: HttpAnswer, located: Located): StoreAnswer {
  const secret = answerJson(answer, apiServer);
  if (!isJsonObject(secret) || secret["kind"] !== "Secret") throw answerInvalid("JSON that is no Secret", apiServer);
  const meta = objectAt(secret, "metadata");
  const version = meta["resourceVersion"];
  if (meta["name"] !== nameOf(located)) throw answerInvalid("another Secret than it was asked for", apiServer);
  if (typeof version !== "string" || !/^[\x21-\x7e]{1,64}$/.test(version))
    throw answerInvalid("a Secret without a resourceVersion", apiServer);
  const value = isMetadata(located) ? metadataText(meta) : dataText(objectAt(secret, "data"));
  return { value, version, ...auditId(answer) };
}

export interface NamePage {
  readonly names: readonly string[];
  /** By which the next page is asked for; empty at the end. */
  readonly next: string;
}

/** Throws Failure `answer_invalid`. */
export function namePage(answer: HttpAnswer): NamePage {
  const list = answerJson(answer, apiServer);
  const items = isJsonObject(list) ? list["items"] : undefined;
  if (!isJsonObject(list) || !Array.isArray(items)) throw answerInvalid("JSON that is no list of Secrets", apiServer);
  const names = items.map((item) => (isJsonObject(item) ? objectAt(item, "metadata")["name"] : undefined));
  const next = objectAt(list, "metadata")["continue"] ?? "";
  if (!names.every((name) => typeof name === "string" && isDnsSubdomain(name)) || typeof next !== "string")
    throw answerInvalid("a name that no Secret can have", apiServer);
  if (next !== "" && names.length === 0) throw answerInvalid("an empty page in the middle of a list", apiServer);
  return { names: names as string[], next };
}

/** The request's name in the audit log of the API server. */
function auditId({ headers }: HttpAnswer): { requestId?: string } {
  return requestIdOf({ "x-request-id": headers["audit-id"] ?? "" });
}

function metadataText(meta: JsonObject): SecretValue {
  const [labels, annotations] = ["labels", "annotations"].map((name) => objectAt(meta, name));
  if (![labels!, annotations!].every((texts) => Object.values(texts).every((text) => typeof text === "string")))
    throw answerInvalid("labels or annotations that are no texts", apiServer);
  return SecretValue.fromText(canonicalJson({ labels: labels!, annotations: annotations! }));
}

function dataText(data: JsonObject): SecretValue {
  const members = Object.entries(data)
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([key, value]) => `${JSON.stringify(checkedKey(key))}:${bytesText(value)}`);
  return new SecretValue(Buffer.from(`{${members.join(",")}}`, "latin1"));
}

function checkedKey(key: string): string {
  if (isSecretKey(key)) return key;
  throw answerInvalid("a key that no Secret can have", apiServer);
}

/** As a JSON string, one character for each byte, in the escapes of Go, which writes the two line separators so. */
function bytesText(value: JsonValue): string {
  if (typeof value !== "string" || value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
    throw answerInvalid("a value that is not base64", apiServer);
  const bytes = Buffer.from(value, "base64").toString("latin1");
  return JSON.stringify(bytes).replace(/\xe2\x80([\xa8\xa9])/g, (_, last) => (last === "\xa8" ? "\\u2028" : "\\u2029"));
}

/** Absent and null are empty: a Secret without data has neither. */
function objectAt(object: JsonObject, member: string): JsonObject {
  const found = object[member] ?? {};
  if (isJsonObject(found)) return found;
  throw answerInvalid(`${member} of another shape`, apiServer);
}
