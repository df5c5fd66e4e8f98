/** An access token in the answer of whoever gives them. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { isJsonObject, isRawNumber } from "../../core/json.ts";
import type { JsonValue } from "../../core/json.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import { bearer } from "../bearer.ts";
import type { HttpAnswer, HttpRequest, HttpSend } from "../http.ts";
import { readJson } from "../json-body.ts";
import { Refused } from "./refused.ts";
import { tokenRefusal } from "./token-refusal.ts";
import type { TokenCall } from "./token-refusal.ts";

export interface Token {
  /** `Bearer …` */
  readonly authorization: SecretValue;
  /** Wall clock epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** Rejects with Failure, see `Store.login`. */
export async function askForToken(
  request: HttpRequest,
  call: TokenCall,
  { send, clock }: { readonly send: HttpSend; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Token> {
  const answer = await send(request, signal);
  if (answer.status < 200 || answer.status > 299) throw tokenRefusal(new Refused(answer), call, clock);
  return readToken(answer, call, clock);
}

function readToken({ body }: HttpAnswer, { server }: TokenCall, clock: Clock): Token {
  const invalid = (what: string): Failure =>
    new Failure("answer_invalid", `${server} answered with ${what}; check its address`);
  const read = readJson(body);
  if (!read.ok) throw invalid(read.what);
  if (!isJsonObject(read.value)) throw invalid("JSON of another shape");
  const { access_token: token, expires_in: lifetime } = read.value;
  const authorization = typeof token === "string" ? bearer(token) : undefined;
  if (!authorization) throw invalid("no access token");
  const seconds = secondsOf(lifetime);
  if (seconds === undefined) throw invalid("a token without an end");
  return { authorization, expiresAtMs: clock.nowMs() + seconds * 1_000 };
}

/** Microsoft Entra writes a number, the metadata service a string. */
function secondsOf(value: JsonValue | undefined): number | undefined {
  const text = isRawNumber(value) ? value.rawJSON : value;
  return typeof text === "string" && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
