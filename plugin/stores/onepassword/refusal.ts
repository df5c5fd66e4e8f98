/** What it means when Connect says no, in words that name the knob and never what Connect said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { waitOptions } from "../http-rate-limit.ts";
import type { HttpAnswer } from "../http.ts";
import { refusalJson } from "../json-answer.ts";
import { invalid } from "./answer.ts";

/** For any status but 200 when the vaults are listed: the first call of every session. */
export function loginRefusal(answer: HttpAnswer, clock: Clock): Failure {
  const { status } = answer;
  if ([400, 401, 403].includes(status))
    return new Failure(
      "store_login_denied",
      `1Password Connect refused the token (${status}): it has ended or was revoked, or is for another Connect server`,
    );
  return unavailable(answer, "the list of vaults", clock);
}

/** For any status but 200 at a read. `what` is read, e.g. `the item "db" of vault "prod"`. */
export function readRefusal(answer: HttpAnswer, what: string, clock: Clock): Failure {
  const { status } = answer;
  if (status === 401)
    return new Failure(
      "store_denied",
      `1Password Connect does not accept the token for ${what} (401): it has ended or was revoked`,
    );
  if (status === 403)
    return new Failure(
      "store_denied",
      `1Password Connect refused ${what} (403): the token has no right to the vault; grant it read on that vault`,
    );
  if (status === 400)
    return new Failure("ref_invalid", `1Password Connect cannot look for ${what} (400): check the key`);
  if (says(answer, "vault"))
    // Refused as a session is whose list of vaults is out of date: a new one lists them again.
    return new Failure("store_denied", `1Password Connect no longer has the vault of ${what} (404): check vaults`);
  if (status === 413)
    return new Failure("answer_too_large", `${what} is larger than 1Password Connect sends (413); make it smaller`);
  return unavailable(answer, what, clock);
}

/** Whether this is the one shape by which Connect says that an item or a file is not there. */
export function says(answer: HttpAnswer, missing: "item" | "file" | "vault"): boolean {
  if (answer.status !== 404) return false;
  const document = refusalJson(answer);
  const message = document?.["message"];
  return (
    document?.["status"] !== undefined &&
    typeof message === "string" &&
    new RegExp(`^${missing}\\b.*\\bnot found`, "i").test(message)
  );
}

function unavailable(answer: HttpAnswer, what: string, clock: Clock): Failure {
  const { status, headers } = answer;
  const options = waitOptions(status, headers, clock);
  if (status === 429) return new Failure("store_throttled", `1Password Connect is throttling ${what} (429)`, options);
  if (status === 404 || (status >= 200 && status < 400))
    return invalid(`status ${status} and nothing that a Connect server says`);
  return new Failure("store_error", `1Password Connect failed ${what} (${status})`, options);
}
