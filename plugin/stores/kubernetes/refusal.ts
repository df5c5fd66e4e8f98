/** What it means when the API server says no, in words that name the knob and never what it said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import type { JsonObject } from "../../core/json.ts";
import { isJsonObject } from "../../core/json.ts";
import type { Located } from "../contract.ts";
import { waitOptions } from "../http-rate-limit.ts";
import type { HttpAnswer } from "../http.ts";
import { answerInvalid, refusalJson } from "../json-answer.ts";
import { nameOf } from "./address.ts";

export const apiServer = { name: "the API server", addressField: "server.url, or the kubeconfig's server," } as const;

/** For any status but 200 at a read. */
export function readRefusal(answer: HttpAnswer, located: Located, namespace: string, clock: Clock): Failure {
  const { status } = answer;
  const secret = `Secret "${located.address}"`;
  if (status === 403)
    return new Failure(
      "store_denied",
      `the API server refused ${secret} (403): give the account get on secrets in namespace ${namespace}`,
    );
  if (status === 404 && isMissingSecret(answer, nameOf(located)))
    return new Failure("ref_not_found", `there is no ${secret} (404): check its name, and remoteNamespace`);
  return otherwise(answer, `the read of ${secret}`, clock);
}

/** For any status but 200 at a listing. */
export function listRefusal(answer: HttpAnswer, namespace: string, clock: Clock): Failure {
  const { status } = answer;
  if (status === 403)
    return new Failure(
      "store_denied",
      `the API server refused to list the Secrets of namespace ${namespace} (403): give the account list on secrets there`,
    );
  // A continue token has ended: pages of two states are not mixed.
  if (status === 410)
    return new Failure("store_error", "the list of Secrets changed while it was read (410); it is read again later");
  return otherwise(answer, `the list of namespace ${namespace}`, clock);
}

/** For any status but 201 when an account asks what it may do. */
export function checkRefusal(answer: HttpAnswer, clock: Clock): Failure {
  const { status } = answer;
  if (status === 403)
    return new Failure(
      "store_denied",
      "the API server does not say what the account may do (403): bind the ClusterRole system:basic-user to it",
    );
  return otherwise(answer, "the question what the account may do", clock);
}

function otherwise(answer: HttpAnswer, what: string, clock: Clock): Failure {
  const { status, headers } = answer;
  const options = waitOptions(status, headers, clock);
  if (status === 401)
    return new Failure(
      "store_denied",
      `the API server does not accept the credential (401) for ${what}: it has ended, is of another cluster, or its audience is not one of the API server's`,
    );
  if (status === 429) return new Failure("store_throttled", `the API server is throttling ${what} (429)`, options);
  if (status === 404 || status < 400) return answerInvalid(`status ${status} and nothing that it would say`, apiServer);
  return new Failure("store_error", `the API server failed ${what} (${status})`, options);
}

/** A missing namespace, a missing API and a proxy in front have other shapes. */
function isMissingSecret(answer: HttpAnswer, name: string): boolean {
  const document: JsonObject | undefined = refusalJson(answer);
  const details = document?.["details"];
  if (document?.["kind"] !== "Status" || document["reason"] !== "NotFound" || !isJsonObject(details)) return false;
  return details["kind"] === "secrets" && (details["name"] ?? name) === name;
}
