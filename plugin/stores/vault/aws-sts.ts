/**
 * AWS's token service, as far as a login to Vault needs it: a service account's token, or keys, traded for those of a
 * role. Two requests in the query protocol, so no SDK and nothing of what an SDK looks for on this machine.
 */
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { counted } from "../counted.ts";
import type { StoreDeps } from "../contract.ts";
import { retryAfterMs } from "../http-retry-after.ts";
import type { HttpAnswer, HttpSend } from "../http.ts";
import { signedHeaders } from "./aws-signature.ts";
import type { AwsKeys } from "./aws-signature.ts";

export interface StsDeps {
  readonly region: string;
  /** In place of STS's own. */
  readonly endpoint: string | undefined;
  readonly send: HttpSend;
  readonly clock: StoreDeps["clock"];
  readonly countCall: StoreDeps["countCall"];
}

type Form = Readonly<Record<string, string>>;

/** ESO's: trust policies and trails may name it. */
const sessionName = "external-secrets-provider-vault";
const version = "2011-06-15";

/** Partitions whose hosts end otherwise, by how their regions begin. */
const suffixes = [
  ["cn-", "amazonaws.com.cn"],
  ["us-iso-", "c2s.ic.gov"],
  ["us-isob-", "sc2s.sgov.gov"],
] as const;

export function stsUrl(region: string): URL {
  const suffix = suffixes.find(([prefix]) => region.startsWith(prefix))?.[1] ?? "amazonaws.com";
  return new URL(`https://sts.${region}.${suffix}/`);
}

export function formBody(action: string, form: Form = {}): string {
  return new URLSearchParams({ Action: action, Version: version, ...form }).toString();
}

/** Not signed: the token is the proof. Rejects with Failure, see `Store.login`. */
export function tradeToken(roleArn: string, token: SecretValue, deps: StsDeps, signal: AbortSignal): Promise<AwsKeys> {
  const WebIdentityToken = token.reveal().toString("utf8").trim();
  const form = { RoleArn: roleArn, RoleSessionName: sessionName, WebIdentityToken };
  return trade("AssumeRoleWithWebIdentity", form, undefined, deps, signal);
}

/** Rejects with Failure, see `Store.login`. */
export function assumeRole(
  roleArn: string,
  externalId: string | undefined,
  keys: AwsKeys,
  deps: StsDeps,
  signal: AbortSignal,
): Promise<AwsKeys> {
  const more = externalId === undefined ? {} : { ExternalId: externalId };
  return trade("AssumeRole", { RoleArn: roleArn, RoleSessionName: sessionName, ...more }, keys, deps, signal);
}

async function trade(
  action: string,
  form: Form,
  keys: AwsKeys | undefined,
  { region, endpoint, send, clock, countCall }: StsDeps,
  signal: AbortSignal,
): Promise<AwsKeys> {
  const url = endpoint === undefined ? stsUrl(region) : new URL(endpoint);
  const body = formBody(action, form);
  const headers = keys
    ? signedHeaders({ url, body }, keys, { region, service: "sts" }, clock.nowMs())
    : { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const request = { method: "POST", url, headers: wrapped(headers), body: SecretValue.fromText(body) };
  const count: StoreDeps["countCall"] = (call, outcome) => countCall(call, outcome, "AWS/STS");
  return counted(action, count, async () => {
    const answer = await send(request, signal);
    if (answer.status !== 200) throw refusal(answer, action, form["RoleArn"]!, clock);
    return readKeys(answer);
  });
}

/** The sender writes the length and the host itself. */
function wrapped(headers: Form): Readonly<Record<string, string | SecretValue>> {
  const sent = Object.entries(headers).filter(([name]) => name !== "content-length" && name !== "host");
  return Object.fromEntries(sent.map(([name, value]) => [name, SecretValue.fromText(value)]));
}

function readKeys({ body }: HttpAnswer): AwsKeys {
  const text = body.reveal().toString("utf8");
  const [accessKeyId, secretAccessKey, sessionToken] = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map((name) =>
    member(text, name),
  );
  if (!accessKeyId || !secretAccessKey || !sessionToken)
    throw new Failure("answer_invalid", "aws answered with credentials that are not whole; check the address of STS");
  return {
    accessKeyId,
    secretAccessKey: SecretValue.fromText(secretAccessKey),
    sessionToken: SecretValue.fromText(sessionToken),
  };
}

/** One word of the answer's XML; nothing in it needs an escape. */
function member(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>\\s*([\\x21-\\x25\\x27-\\x3b\\x3d\\x3f-\\x7e]{1,8192})\\s*</${name}>`).exec(xml)?.[1];
}

function refusal(answer: HttpAnswer, action: string, roleArn: string, clock: StoreDeps["clock"]): Failure {
  const { status, headers } = answer;
  const wait = retryAfterMs(headers, clock);
  const options = wait === undefined ? {} : { retryAfterMs: wait };
  const code = member(answer.body.reveal().toString("utf8"), "Code") ?? "";
  if (status === 429 || code.startsWith("Throttl"))
    return new Failure("store_throttled", `aws is throttling ${action} (${status})`, options);
  if (status === 400 || status === 401 || status === 403)
    return new Failure(
      "store_login_denied",
      `aws refused ${action} for ${roleArn} (${status}): check the role, its trust policy and, for a token, issuer, subject and audience`,
    );
  if (status >= 200 && status < 500)
    return new Failure("answer_invalid", `aws answered ${action} with ${status}; check the address of STS`);
  return new Failure("store_error", `aws failed ${action} (${status})`, options);
}
