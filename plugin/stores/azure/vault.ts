/** Requests to one vault with one token: to nowhere else, and never without telling what was refused. */
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import type { HttpAnswer, HttpSend } from "../http.ts";
import { Refused } from "./refused.ts";

/** The newest that all clouds have. */
export const apiVersion = "7.4";

/** In place of one that tells Azure about this machine. */
const userAgent = "keyferry";

/**
 * One GET. Rejects with Refused for any status but 2xx, with Failure for an address that is not the vault's (the next
 * page of a list is named by an answer) and as HttpSend does.
 */
export type Ask = (url: URL) => Promise<HttpAnswer>;

export interface Asking {
  readonly vaultUrl: string;
  /** `Bearer …` */
  readonly authorization: SecretValue;
  readonly send: HttpSend;
}

export function askVault({ vaultUrl, authorization, send }: Asking, signal: AbortSignal): Ask {
  const { origin } = new URL(vaultUrl);
  return async (url) => {
    if (url.origin !== origin) throw answerInvalid("a page of its list that is on another host");
    const headers = { accept: "application/json", authorization, "user-agent": userAgent };
    const answer = await send({ method: "GET", url, headers }, signal);
    if (answer.status < 200 || answer.status > 299) throw new Refused(answer);
    return answer;
  };
}

export function answerInvalid(what: string): Failure {
  return new Failure("answer_invalid", `the vault answered with ${what}; check that vaultUrl is Azure's own`);
}

/** Azure's id of the request, for audit; anything that does not look like one is left out. */
export function requestIdOf({ headers }: Pick<HttpAnswer, "headers">): { requestId?: string } {
  const id = headers["x-ms-request-id"] ?? "";
  return /^[A-Za-z0-9-]{1,64}$/.test(id) ? { requestId: id } : {};
}
