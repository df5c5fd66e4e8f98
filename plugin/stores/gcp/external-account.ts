/**
 * Google's configuration file for external accounts, as a ConfigMap of a tenant holds it: which pool, whom to speak for,
 * and where the token comes from.
 *
 * It comes from a URL that the store names too, and from nowhere else: a file or a program of this node would lend a
 * tenant the node's identity. Addresses of Google's in the file are not followed but compared.
 */
import { isJsonObject, isRawNumber } from "../../core/json.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { GcpLogin } from "./config.ts";
import { bearer } from "../bearer.ts";
import { readJson } from "../json-body.ts";
import { isEmail } from "./names.ts";
import { answerInvalid, answerObject, loginRefusal } from "./refusal.ts";
import { Refused } from "./refused.ts";
import type { Subject } from "./token-exchange.ts";
import type { LoginDeps } from "./token-request.ts";

type Store = Extract<GcpLogin, { method: "externalAccount" }>;

export interface ExternalAccount {
  readonly audience: string;
  readonly email?: string;
  readonly lifetimeSeconds?: number;
  readonly source: Source;
  readonly subjectTokenType?: string;
}

interface Source {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The member of the JSON answer that is the token; absent = the whole answer is. */
  readonly member?: string;
}

const stsAddress = /^https:\/\/sts(?:\.[a-z0-9-]+\.rep)?\.googleapis\.com\/v1\/token$/;
const impersonation =
  /^https:\/\/iamcredentials\.googleapis\.com\/v1\/projects\/[^/]+\/serviceAccounts\/([^/:]+):generateAccessToken$/;
const notHonoured = ["client_id", "client_secret", "workforce_pool_user_project"];

/** Throws Failure `store_invalid`. */
export function readExternalAccount(file: SecretValue, store: Store): ExternalAccount {
  const read = readJson(file);
  const given = read.ok ? read.value : undefined;
  if (!isJsonObject(given) || given["type"] !== "external_account")
    throw invalid("is no configuration of an external account");
  for (const field of notHonoured) if (given[field]) throw invalid(`has ${field}, which is not supported yet`);
  const universe = textIn(given, "universe_domain");
  if (universe !== undefined && universe !== "googleapis.com")
    throw invalid("is for another universe than googleapis.com, which is not supported yet");
  const sts = textIn(given, "token_url");
  if (sts !== undefined && !stsAddress.test(sts)) throw invalid("has a token_url that is not Google's");
  const audience = store.audience ?? textIn(given, "audience");
  if (audience === undefined) throw invalid("has no audience, and the store names none");
  const type = textIn(given, "subject_token_type");
  const lifetimeSeconds = lifetimeIn(given["service_account_impersonation"]);
  return {
    audience,
    ...speaksFor(store.email, textIn(given, "service_account_impersonation_url")),
    ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
    ...(type === undefined ? {} : { subjectTokenType: type }),
    source: readSource(given["credential_source"], store.tokenEndpoint),
  };
}

function speaksFor(email: string | undefined, url: string | undefined): { email?: string } {
  if (email !== undefined) return { email };
  if (url === undefined) return {};
  const named = impersonation.exec(url)?.[1] ?? "";
  if (!isEmail(named)) throw invalid("has a service_account_impersonation_url that is not Google's");
  return { email: named };
}

function lifetimeIn(given: JsonValue | undefined): number | undefined {
  const seconds = isJsonObject(given) ? given["token_lifetime_seconds"] : undefined;
  if (seconds === undefined) return undefined;
  const number = isRawNumber(seconds) ? Number(seconds.rawJSON) : Number.NaN;
  if (!Number.isInteger(number) || number < 600 || number > 43_200)
    throw invalid("has a token_lifetime_seconds that is no number from 600 to 43200");
  return number;
}

function readSource(given: JsonValue | undefined, endpoint: string | undefined): Source {
  if (!isJsonObject(given)) throw invalid("has no credential_source");
  const other = ["file", "executable", "environment_id", "certificate"].find((field) => given[field]);
  if (other !== undefined)
    throw invalid(
      `takes the token from credential_source.${other}, which is not read here; set serviceAccountRef and audience in place of credConfig`,
    );
  const text = textIn(given, "url");
  const url = URL.parse(text ?? "");
  if (!url || !/^https?:$/.test(url.protocol)) throw invalid("has no URL in credential_source.url");
  if (text !== endpoint)
    throw invalid("has a credential_source.url that is not the store's externalTokenEndpoint; make them the same text");
  const headers = isJsonObject(given["headers"]) ? given["headers"] : {};
  const format = isJsonObject(given["format"]) ? given["format"] : {};
  const isJson = textIn(format, "type") === "json";
  const member = textIn(format, "subject_token_field_name");
  if (isJson && member === undefined) throw invalid("has no credential_source.format.subject_token_field_name");
  return {
    url,
    headers: Object.fromEntries(Object.keys(headers).map((name) => [name, textIn(headers, name) ?? ""])),
    ...(isJson ? { member: member! } : {}),
  };
}

/** Asks for the token. Rejects with Failure, see `Store.login`. */
export async function externalToken(
  { source, subjectTokenType: type }: ExternalAccount,
  { send, clock }: LoginDeps,
  signal: AbortSignal,
): Promise<Subject> {
  const answer = await send({ method: "GET", url: source.url, headers: source.headers }, signal);
  if (answer.status !== 200) {
    const step = { name: "", what: `a token from ${source.url.host}`, knob: "check externalTokenEndpoint" };
    throw loginRefusal(new Refused(answer), step, clock);
  }
  const token = source.member === undefined ? answer.body : memberOf(answer.body, source.member);
  if (!bearer(token.reveal().toString("utf8").trim())) throw answerInvalid("no token, at externalTokenEndpoint");
  return { token, ...(type === undefined ? {} : { type }) };
}

function memberOf(body: SecretValue, member: string): SecretValue {
  const text = textIn(answerObject(body), member);
  if (text === undefined) throw answerInvalid("no token, at externalTokenEndpoint");
  return SecretValue.fromText(text);
}

function textIn(given: JsonObject, field: string): string | undefined {
  const value = given[field];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function invalid(problem: string): Failure {
  return new Failure("store_invalid", `auth.workloadIdentityFederation.credConfig: the file ${problem}`);
}
