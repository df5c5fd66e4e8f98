/** Trades a proof for a token of Doppler. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { isJsonObject } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { bearer, bearerFromSecret } from "../bearer.ts";
import type { Proof, Session } from "../contract.ts";
import type { HttpSend } from "../http.ts";
import { answerInvalid, answerJson } from "../json-answer.ts";
import { tokenField } from "./block.ts";
import type { DopplerConfig } from "./config.ts";
import { deniedLogin, doppler, loginRefusal } from "./refusal.ts";

export interface DopplerSession extends Session {
  /** The Authorization header. */
  readonly bearer: SecretValue;
}

/** A token from a Secret is the session itself: nothing is sent. */
export function givenToken(proof: Proof): DopplerSession {
  return { bearer: bearerFromSecret(proof, "token", tokenField), given: true };
}

/** Rejects with Failure as a Store's `login` does. */
export async function tradeToken(
  { server }: DopplerConfig,
  identity: string,
  proof: Proof,
  { send, clock }: { readonly send: HttpSend; readonly clock: Clock },
  signal: AbortSignal,
): Promise<DopplerSession> {
  if (proof.kind !== "token") throw new Failure("internal", "the proof for the Doppler login is no token");
  const token = proof.token.reveal().toString("utf8").trim();
  const body = SecretValue.fromText(JSON.stringify({ identity, token }));
  const headers = { accept: "application/json", "content-type": "application/json" };
  const answer = await send({ method: "POST", url: new URL(`${server}/v3/auth/oidc`), headers, body }, signal);
  if (answer.status !== 200) throw loginRefusal(answer, identity, clock);
  const document = answerJson(answer, doppler);
  if (!isJsonObject(document)) throw answerInvalid("JSON that is not an object", doppler);
  if (document["success"] === false) throw deniedLogin(identity);
  const given = document["token"];
  const header = typeof given === "string" ? bearer(given) : undefined;
  if (!header) throw answerInvalid("no token", doppler);
  return { bearer: header, expiresAtMs: endOf(document["expires_at"]) };
}

function endOf(text: unknown): number {
  const isTime = typeof text === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const endMs = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(endMs)) throw answerInvalid("a token without its end", doppler);
  return endMs;
}
