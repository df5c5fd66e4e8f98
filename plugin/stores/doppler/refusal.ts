/** What it means when Doppler says no, in words that name the knob and never what Doppler said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { waitOptions } from "../http-rate-limit.ts";
import type { HttpAnswer } from "../http.ts";
import { answerInvalid, refusalJson } from "../json-answer.ts";
import type { DopplerConfig } from "./config.ts";

export const doppler = { name: "Doppler", addressField: "DOPPLER_BASE_URL, if it is set," } as const;

/** For any status but 200 when a service account's token is traded. */
export function loginRefusal(answer: HttpAnswer, identity: string, clock: Clock): Failure {
  return [400, 401, 403, 404].includes(answer.status)
    ? deniedLogin(identity, ` (${answer.status})`)
    : unavailable(answer, "the login", clock);
}

export function deniedLogin(identity: string, status = ""): Failure {
  return new Failure(
    "store_login_denied",
    `Doppler refused the login as identity ${JSON.stringify(identity)}${status}: check the identity, and which issuer, audience and subject it admits`,
  );
}

/** For any status but 200 at a download. */
export function readRefusal(answer: HttpAnswer, target: DopplerConfig, clock: Clock): Failure {
  const { status } = answer;
  const where = placeOf(target);
  if (status === 401)
    return new Failure("store_denied", "Doppler does not accept the token (401): it has ended or was revoked");
  if (status === 403)
    return new Failure("store_denied", `Doppler refused ${where} (403): the token has no right to read its secrets`);
  if (status === 404 && isDopplers(answer))
    return new Failure(
      "store_invalid",
      `Doppler has no ${where} that the token may see (404): check project and config`,
    );
  if (status === 400)
    return new Failure(
      "store_invalid",
      `Doppler cannot serve ${where} (400): give project and config, which only a service token can do without`,
    );
  return unavailable(answer, where, clock);
}

/** For any status but 200 when a token asks about itself. */
export function checkRefusal(answer: HttpAnswer, clock: Clock): Failure {
  const { status } = answer;
  if (status === 401 || status === 403)
    return new Failure("store_denied", `Doppler does not accept the token (${status}): it has ended or was revoked`);
  return unavailable(answer, "a token's question", clock);
}

function isDopplers(answer: HttpAnswer): boolean {
  const document = refusalJson(answer);
  return document?.["success"] === false && Array.isArray(document["messages"]);
}

function unavailable(answer: HttpAnswer, what: string, clock: Clock): Failure {
  const { status, headers } = answer;
  const options = waitOptions(status, headers, clock);
  if (status === 429) return new Failure("store_throttled", `Doppler is throttling ${what} (429)`, options);
  if (status === 404 || (status >= 200 && status < 400))
    return answerInvalid(`status ${status} and nothing that Doppler says`, doppler);
  return new Failure("store_error", `Doppler failed ${what} (${status})`, options);
}

function placeOf({ project, config }: DopplerConfig): string {
  const names = [project && `project ${JSON.stringify(project)}`, config && `config ${JSON.stringify(config)}`];
  return names.filter((name) => name !== "").join(", ") || "the token's own config";
}
