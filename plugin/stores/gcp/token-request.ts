/** One request on the way to an access token, and what a token server answers. */
import type { Clock } from "../../core/clock.ts";
import { isRawNumber } from "../../core/json.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { bearer } from "../bearer.ts";
import type { StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import type { HttpRequest, HttpSend } from "../http.ts";
import { isEmail } from "./names.ts";
import { answerInvalid, answerObject, loginRefusal } from "./refusal.ts";
import type { LoginStep } from "./refusal.ts";
import { Refused } from "./refused.ts";

export interface LoginDeps {
  readonly send: HttpSend;
  /** Reaches the metadata server. */
  readonly machineSend: HttpSend;
  readonly clock: Clock;
  readonly countCall: StoreDeps["countCall"];
  readonly endpoints: Readonly<Record<string, string>>;
}

export interface Granted {
  /** The header that shows the access token. */
  readonly authorization: SecretValue;
  /** Wall clock epoch milliseconds; absent when the server does not say. */
  readonly expiresAtMs?: number;
}

/** What a token of Google's may be used for; IAM says the rest. */
export const scope = "https://www.googleapis.com/auth/cloud-platform";

/** Rejects with Failure, see `Store.login`. */
export async function requestToken(
  step: LoginStep,
  request: HttpRequest,
  { send, clock, countCall }: Pick<LoginDeps, "send" | "clock" | "countCall">,
  signal: AbortSignal,
): Promise<JsonObject> {
  return counted(step.name, countCall, async () => {
    const answer = await send({ ...request, headers: { ...request.headers, "user-agent": "keyferry" } }, signal);
    if (answer.status < 200 || answer.status > 299) throw loginRefusal(new Refused(answer), step, clock);
    return answerObject(answer.body);
  });
}

export function postJson(url: string, body: object, headers: HttpRequest["headers"] = {}): HttpRequest {
  return {
    method: "POST",
    url: new URL(url),
    headers: { ...headers, "content-type": "application/json" },
    body: SecretValue.fromText(JSON.stringify(body)),
  };
}

export function postForm(url: string, fields: Readonly<Record<string, string>>): HttpRequest {
  return {
    method: "POST",
    url: new URL(url),
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: SecretValue.fromText(new URLSearchParams(fields).toString()),
  };
}

/** `{"access_token": "…", "expires_in": 3599}`, as all of Google's token servers answer. */
export function readGrant({ access_token: token, expires_in: seconds }: JsonObject, clock: Clock): Granted {
  const authorization = headerOf(token);
  if (seconds === undefined) return { authorization };
  const lifeMs = isRawNumber(seconds) ? Number(seconds.rawJSON) * 1_000 : Number.NaN;
  if (!Number.isFinite(lifeMs) || lifeMs <= 0) throw answerInvalid("an access token without a readable end");
  return { authorization, expiresAtMs: clock.nowMs() + lifeMs };
}

function headerOf(token: JsonValue | undefined): SecretValue {
  const header = typeof token === "string" ? bearer(token) : undefined;
  if (!header) throw answerInvalid("no access token");
  return header;
}

/** Trades a token for one of a Google service account. Rejects with Failure, see `Store.login`. */
export async function impersonate(
  email: string,
  lifetimeSeconds: number,
  { authorization }: Granted,
  deps: LoginDeps,
  signal: AbortSignal,
): Promise<Granted> {
  if (!isEmail(email))
    throw new Failure("store_invalid", "the Google service account to speak for is no address of such an account");
  const base =
    deps.endpoints["CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS"] ?? "https://iamcredentials.googleapis.com";
  const step = {
    name: "GenerateAccessToken",
    what: `a token for ${email}`,
    knob: "check that the account exists, that it lets this identity in (roles/iam.workloadIdentityUser), and that the IAM Service Account Credentials API is on",
  };
  const url = `${base}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
  const request = postJson(url, { scope: [scope], lifetime: `${lifetimeSeconds}s` }, { authorization });
  const { accessToken, expireTime } = await requestToken(step, request, deps, signal);
  const endsAtMs = typeof expireTime === "string" ? Date.parse(expireTime) : Number.NaN;
  if (Number.isNaN(endsAtMs)) throw answerInvalid("an access token without a readable end");
  return { authorization: headerOf(accessToken), expiresAtMs: endsAtMs };
}
