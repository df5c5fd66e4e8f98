/** What it means when Akeyless says no, in words that name the knob and never what Akeyless said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import type { Located } from "../contract.ts";
import { waitOptions } from "../http-rate-limit.ts";
import type { HttpAnswer } from "../http.ts";
import { answerInvalid, refusalJson } from "../json-answer.ts";
import { akeylessApi } from "./api.ts";

/** For any status but 200 at the login. */
export function loginRefusal(answer: HttpAnswer, accessType: string, clock: Clock): Failure {
  const { status } = answer;
  const what = `the ${accessType} login`;
  if ([400, 401, 403].includes(status))
    return new Failure("store_login_denied", `akeyless refused ${what} (${status}): check ${knobs[accessType] ?? ""}`);
  if (status === 404 && isOwn(answer))
    return new Failure(
      "store_invalid",
      `akeyless has nothing to do ${what} with (404): check ${accessType === "k8s" ? "k8sConfName and " : ""}the access id`,
    );
  return unavailable(answer, what, clock);
}

const knobs: Readonly<Record<string, string>> = {
  access_key: "access id and access key, and whether they have ended",
  k8s: "access id and k8sConfName, the audience of the token, and which service accounts the auth method is bound to",
  jwt: "the access id, the auth method's audience and issuer, and which claims it is bound to",
};

/** For any status but 200 at the description of an item, and at the read of its value. */
export function itemRefusal(answer: HttpAnswer, located: Located, clock: Clock): Failure {
  const { status } = answer;
  const { address } = located;
  if (status === 401 || status === 403)
    return new Failure(
      "store_denied",
      `akeyless refused to read "${address}" (${status}): the token has ended, or its role lacks read on it`,
    );
  if (status === 404 && isOwn(answer)) return notFound(located);
  return unavailable(answer, `the read of "${address}"`, clock);
}

/**
 * For any status but 200 at a read of several items, which one of them may be the reason for: so a 403 is no word about the
 * session.
 */
export function togetherRefusal(answer: HttpAnswer, clock: Clock): Failure {
  const what = "a read of several items at once";
  if (answer.status === 401) return new Failure("store_denied", `akeyless refused ${what} (401): the token has ended`);
  return unavailable(answer, what, clock);
}

/** For any status but 200 at a listing. */
export function listRefusal(answer: HttpAnswer, folder: string, clock: Clock): Failure {
  const { status } = answer;
  if (status === 401 || status === 403)
    return new Failure(
      "store_denied",
      `akeyless refused to list "${folder}" (${status}): the token has ended, or its role lacks list on it`,
    );
  return unavailable(answer, `the listing of "${folder}"`, clock);
}

export function notFound({ address, version }: Located): Failure {
  return version === ""
    ? new Failure("ref_not_found", `akeyless has no item "${address}"`)
    : new Failure("version_not_found", `akeyless has no version ${version} of "${address}"`);
}

/** Every refusal of the API itself is an object with an error text; a 404 of anything in front of it is not. */
function isOwn(answer: HttpAnswer): boolean {
  return typeof refusalJson(answer)?.["error"] === "string";
}

function unavailable(answer: HttpAnswer, what: string, clock: Clock): Failure {
  const { status, headers } = answer;
  const options = waitOptions(status, headers, clock);
  if (status === 429) return new Failure("store_throttled", `akeyless is throttling ${what} (429)`, options);
  if (status === 404)
    return answerInvalid(
      "404 in a form that is not Akeyless' (a gateway has its API below /api/v2 or /v2)",
      akeylessApi,
    );
  if (status >= 200 && status < 300) return answerInvalid(`no value (${status})`, akeylessApi);
  if (status >= 400 && status < 500 && status !== 408)
    return new Failure("answer_invalid", `akeyless does not take ${what} (${status})`);
  return new Failure("store_error", `akeyless failed ${what} (${status})`, options);
}
