/** Reads one item: what kind it is, then its value by that kind's own call. */
import { Failure } from "../../core/failure.ts";
import { isJsonObject, isRawNumber } from "../../core/json.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import { answerInvalid } from "../json-answer.ts";
import { goJson } from "../json-body.ts";
import { akeylessApi } from "./api.ts";
import type { Body } from "./api.ts";
import { notFound } from "./refusal.ts";

/** One kind of item. */
export interface ItemKind {
  readonly operation: string;
  /** ESO's name of the call, for the metric. */
  readonly call: string;
  readonly body: (name: string) => Body;
  readonly hasVersions: boolean;
  /** Whether the gateway may answer from its cache. */
  readonly isCached: boolean;
  /** Undefined when the answer has no value. */
  readonly take: (document: JsonObject, name: string) => SecretValue | undefined;
}

const named = (name: string): Body => ({ name });

/** The one kind of which a call can read several, by `names`. */
export const staticKind = {
  operation: "get-secret-value",
  call: "GetSecretValue",
  body: (name) => ({ names: [name] }),
  hasVersions: true,
  isCached: true,
  take: (document, name) => valueOf(document[name] ?? document[name.slice(1)]),
} as const satisfies ItemKind;

/** By `item_type`. */
const kinds: ReadonlyMap<JsonValue | undefined, ItemKind> = new Map<string, ItemKind>([
  ["STATIC_SECRET", staticKind],
  [
    "DYNAMIC_SECRET",
    {
      operation: "get-dynamic-secret-value",
      call: "GetDynamicSecretValue",
      body: named,
      hasVersions: false,
      isCached: false,
      take: wholeOf,
    },
  ],
  [
    "ROTATED_SECRET",
    {
      operation: "get-rotated-secret-value",
      call: "GetRotatedSecretValue",
      body: (name) => ({ names: name }),
      hasVersions: true,
      isCached: true,
      take: rotatedOf,
    },
  ],
  [
    "CERTIFICATE",
    {
      operation: "get-certificate-value",
      call: "GetCertificateValue",
      body: named,
      hasVersions: true,
      isCached: true,
      take: certificateOf,
    },
  ],
]);

export interface Description {
  readonly kind: ItemKind;
  /** The number of the newest version; empty when the item has none. */
  readonly lastVersion: string;
}

/** Throws Failure `answer_invalid` for items that hold no value, `version_not_found`, `ref_invalid`. */
export function readDescription(document: JsonValue, located: Located): Description {
  if (!isJsonObject(document) || typeof document["item_type"] !== "string")
    throw answerInvalid("a description without a type", akeylessApi);
  const kind = kinds.get(document["item_type"]);
  const { address, version } = located;
  if (!kind)
    throw new Failure(
      "answer_invalid",
      `"${address}" is no static, dynamic or rotated secret and no certificate, so there is no value to read`,
    );
  if (version !== "" && !kind.hasVersions)
    throw new Failure("ref_invalid", `"${address}" is a dynamic secret, which has no versions; remove version`);
  const last = document["last_version"];
  const lastVersion = kind.hasVersions && last !== undefined && isRawNumber(last) ? last.rawJSON : "";
  if (lastVersion !== "" && Number(version) > Number(lastVersion)) throw notFound(located);
  return { kind, lastVersion: /^[1-9]\d*$/.test(lastVersion) ? lastVersion : "" };
}

/** The value, its version, and when it ends where it was made for this read. Throws Failure `answer_invalid`. */
export function readValue(
  document: JsonValue,
  { address, version }: Located,
  { kind, lastVersion }: Description,
  nowMs: number,
): StoreAnswer {
  const value = isJsonObject(document) ? kind.take(document, address) : undefined;
  if (!isJsonObject(document) || !value) throw answerInvalid("no value", akeylessApi);
  const answer = { value, version: version || lastVersion };
  return kind.hasVersions ? answer : { ...answer, ...leaseOf(document, nowMs) };
}

/** Credentials that were made for this read have an id and end after some minutes. */
function leaseOf(document: JsonObject, nowMs: number): Pick<StoreAnswer, "lease" | "expiresAtMs"> {
  const { id, ttl_in_minutes: ttl } = document;
  const minutes = Number(ttl !== undefined && isRawNumber(ttl) ? ttl.rawJSON : typeof ttl === "string" ? ttl : "");
  return {
    ...(typeof id === "string" && id !== "" ? { lease: { id, renewable: false } } : {}),
    ...(minutes > 0 && Number.isFinite(minutes) ? { expiresAtMs: nowMs + minutes * 60_000 } : {}),
  };
}

function valueOf(value: JsonValue | undefined): SecretValue | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? SecretValue.fromText(value) : goJson(value);
}

function wholeOf(document: JsonObject): SecretValue | undefined {
  return Object.keys(document).length === 0 ? undefined : goJson(document);
}

/** As ESO has it: the payload as it is, else the target's value, else all there is. */
function rotatedOf(document: JsonObject): SecretValue | undefined {
  const { value } = document;
  if (value === undefined) return wholeOf(document);
  if (!isJsonObject(value)) return valueOf(value);
  return valueOf(value["payload"] ?? value["target_value"]) ?? wholeOf(value);
}

function certificateOf({ certificate_pem, private_key_pem }: JsonObject): SecretValue | undefined {
  if (typeof certificate_pem !== "string" || certificate_pem === "") return undefined;
  return goJson({ certificate_pem, ...(private_key_pem === undefined ? {} : { private_key_pem }) });
}
