/** What it means when Google says no, in words that name the knob and never what Google said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { isJsonObject } from "../../core/json.ts";
import type { JsonObject } from "../../core/json.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import { retryAfterMs } from "../http-retry-after.ts";
import { readJson } from "../json-body.ts";
import type { Refused } from "./refused.ts";

/** A read: its name in metrics, the right that it takes, and what it is about, for messages. */
export interface ReadCall {
  readonly name: "AccessSecretVersion" | "GetSecret" | "ListSecrets" | "ListSecretVersions" | "RenderParameterVersion";
  readonly right: string;
  /** An address. */
  readonly about: string;
  /** Empty = the latest, or none. */
  readonly version: string;
  /** Of Google's services. Absent = Secret Manager. */
  readonly service?: string;
}

/** A step of a login: its name in metrics, what it does, and where to look when it is refused. */
export interface LoginStep {
  readonly name: string;
  readonly what: string;
  readonly knob: string;
}

/** Words of Google's that messages may repeat. */
const known = new Set([
  "ABORTED",
  "CANCELLED",
  "DEADLINE_EXCEEDED",
  "FAILED_PRECONDITION",
  "INTERNAL",
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "UNAUTHENTICATED",
  "UNAVAILABLE",
  "UNIMPLEMENTED",
  "access_denied",
  "invalid_client",
  "invalid_grant",
  "invalid_request",
  "invalid_scope",
  "invalid_target",
  "server_error",
  "temporarily_unavailable",
  "unauthorized_client",
]);

/** For any refusal of a read. */
export function readRefusal(refused: Refused, call: ReadCall, clock: Clock): Failure {
  const { httpStatus, type } = refused;
  const { about, version, service = "Secret Manager" } = call;
  if (httpStatus === 429 || type === "RESOURCE_EXHAUSTED") return unavailable(refused, `the read of "${about}"`, clock);
  if (type === "NOT_FOUND") return missing(refused, call);
  if (refused.isWithdrawn)
    return new Failure(
      "version_not_found",
      `version ${version === "" ? '"latest"' : `"${version}"`} of "${about}" is disabled or destroyed; enable it, or name another`,
    );
  if (type === "INVALID_ARGUMENT")
    return new Failure("ref_invalid", `gcp does not accept key or version of "${about}" ${codeOf(refused)}`);
  if (httpStatus === 401 || type === "UNAUTHENTICATED")
    return new Failure(
      "store_denied",
      `gcp does not accept the access token ${codeOf(refused)}: it has ended or is not valid; compare the clocks of this node and Google`,
    );
  if (httpStatus === 403 || type === "PERMISSION_DENIED")
    return new Failure(
      "store_denied",
      `gcp refused the read of "${about}" ${codeOf(refused)}: check that the identity has ${call.right} on it, and that the ${service} API is on in the project`,
    );
  return unavailable(refused, `the read of "${about}"`, clock);
}

/** Only the API's own shape is an authoritative "not there". */
function missing(refused: Refused, { about, version, service }: ReadCall): Failure {
  if (service !== undefined)
    return new Failure("ref_not_found", `gcp has no "${about}", or no version "${version}" of it`);
  if (version !== "" && refused.says(/^Secret Version\b/i))
    return new Failure("version_not_found", `gcp has no version "${version}" of "${about}"`);
  return new Failure("ref_not_found", `gcp has no secret "${about}", or it has no version`);
}

/** For any refusal on the way to an access token. */
export function loginRefusal(refused: Refused, { what, knob }: LoginStep, clock: Clock): Failure {
  const { httpStatus: status, type } = refused;
  if (status === 429 || type === "RESOURCE_EXHAUSTED") return unavailable(refused, what, clock);
  if (type === "invalid_target" || type === "invalid_scope")
    return new Failure("store_invalid", `gcp does not accept ${what} ${codeOf(refused)}: ${knob}`);
  const isWord = type !== "" && (status === 400 || status === 404);
  if (status === 401 || status === 403 || isWord)
    return new Failure("store_login_denied", `gcp refused ${what} ${codeOf(refused)}: ${knob}`);
  return unavailable(refused, what, clock);
}

/** For answers that cannot be read. */
export function answerInvalid(what: string): Failure {
  return new Failure("answer_invalid", `gcp answered with ${what}; check that the address is Google's own`);
}

/** All of Google's answers are JSON objects. Throws Failure `answer_invalid`. */
export function answerObject(body: SecretValue): JsonObject {
  const read = readJson(body);
  if (!read.ok) throw answerInvalid(read.what);
  if (!isJsonObject(read.value)) throw answerInvalid("something that is no JSON object");
  return read.value;
}

function unavailable(refused: Refused, what: string, clock: Clock): Failure {
  if (refused.httpStatus === 404 && refused.type === "") return answerInvalid("a page that is not there (404)");
  const wait = retryAfterMs(refused.headers, clock);
  const options = wait === undefined ? {} : { retryAfterMs: wait };
  return refused.httpStatus === 429 || refused.type === "RESOURCE_EXHAUSTED"
    ? new Failure("store_throttled", `gcp is throttling ${what} ${codeOf(refused)}`, options)
    : new Failure("store_error", `gcp failed ${what} ${codeOf(refused)}`, options);
}

function codeOf({ httpStatus, type }: Refused): string {
  return known.has(type) ? `(${httpStatus} ${type})` : `(${httpStatus})`;
}
