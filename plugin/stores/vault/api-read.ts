/**
 * Reads by the paths of Vault's API, as classes for its CSI provider name them: any engine, with a query if need be, and
 * all that Vault sends in one answer. What is mounted is that answer, or the members of its data.
 */
import { canonicalJson } from "../../core/canonical-json.ts";
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { isJsonObject, isRawNumber } from "../../core/json.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Address, Located, Ref, StoreAnswer } from "../contract.ts";
import { goJson, readJson } from "../json-body.ts";
import { invalid, leaseOf, requestIdOf } from "./answer.ts";
import { checkKey, isMaker, ownRead } from "./path.ts";

/** Forms of a Ref: the answer as Vault's client writes it, or its data alone (of KV v2 the data in that). */
export const responseForm = "response";
export const dataForm = "data";

/** Of an answer; other members are for logins and wrapped answers. */
const members = ["request_id", "lease_id", "lease_duration", "renewable", "data", "warnings", "auth", "wrap_info"];
/** What Vault's client leaves out when there is none. */
const optional = ["auth", "wrap_info"];
/** Of a response: another one with each read. */
export const passingMembers: readonly string[] = ["request_id"];

/**
 * `/v1/secret/data/db?version=2` and `secret/data/db?version=2` are one thing. Throws Failure `ref_invalid`, also for what
 * only refs of stores can say.
 */
export function locateApi({ key, form, version = "", metadataPolicy }: Ref): Located {
  if (version !== "" || metadataPolicy !== "None")
    throw new Failure("ref_invalid", "version and metadataPolicy are not for API paths; say it in the path's query");
  const { path, query } = splitPath(key);
  checkKey(path);
  const common = { address: path as Address, method: isKv2(path) ? "GET" : ownRead, version: "" };
  const whole: Located = { ...common, arguments: argumentsOf(responseForm, query) };
  return form === dataForm ? { ...common, arguments: argumentsOf(dataForm, query), whole } : whole;
}

/** Whether `locateApi` made it. */
export function isApiRead({ arguments: args }: Located): boolean {
  return args.startsWith('{"form":');
}

/** With its question mark; empty when there is none. */
export function queryOf({ arguments: args }: Located): string {
  const { query } = JSON.parse(args) as { readonly query: string };
  return query === "" ? "" : `?${query}`;
}

/** Throws Failure `answer_invalid`. */
export function apiAnswer(document: JsonObject, clock: Clock): StoreAnswer {
  if (!("data" in document)) throw invalid("no data");
  const told = members.filter((name) => !optional.includes(name) || (document[name] ?? null) !== null);
  const value = goJson(Object.fromEntries(told.map((name) => [name, document[name] ?? null])));
  return { value, version: versionOf(document), ...requestIdOf(document), ...leaseOf(document, clock) };
}

/** The data of a response. Throws Failure `ref_not_found`, `answer_invalid`. */
export function dataOf(located: Located, whole: StoreAnswer): StoreAnswer {
  const read = readJson(whole.value);
  const data = read.ok && isJsonObject(read.value) ? read.value["data"] : undefined;
  if (data === null) throw new Failure("ref_not_found", `vault answered "${located.address}" without any data`);
  if (!isJsonObject(data)) throw invalid("data that is not an object");
  const inner = data["data"];
  return { ...whole, value: goJson(inner !== undefined && isJsonObject(inner) ? inner : data) };
}

/** A fragment is no part of an API path: a `#` in it is a character like any other. */
function splitPath(key: string): { readonly path: string; readonly query: string } {
  const at = key.indexOf("?");
  const path = (at < 0 ? key : key.slice(0, at)).replace(/^\/?(?:v1\/)?/, "");
  return { path, query: at < 0 ? "" : new URLSearchParams(key.slice(at + 1)).toString() };
}

function argumentsOf(form: string, query: string): string {
  return canonicalJson({ form, query });
}

/**
 * Whether a path looks like one of KV v2, whose reads make nothing and can be shared. Found out too late that it is not, a
 * lease is refused by the read.
 */
function isKv2(path: string): boolean {
  const segments = path.split("/");
  const at = segments.indexOf("data");
  return at > 0 && at < segments.length - 1 && !segments.some(isMaker);
}

/** Of KV v2: the secret's version; empty for all else. */
function versionOf({ data }: JsonObject): string {
  const metadata =
    data !== undefined && isJsonObject(data) && isJsonObject(data["data"]) ? data["metadata"] : undefined;
  const version = metadata !== undefined && isJsonObject(metadata) ? metadata["version"] : undefined;
  return version !== undefined && isRawNumber(version) && /^\d+$/.test(version.rawJSON) ? version.rawJSON : "";
}
