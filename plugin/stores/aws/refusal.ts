/** What it means when AWS says no, in words that name the knob and never what AWS said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import type { Located } from "../contract.ts";
import { retryAfterMs } from "../http-retry-after.ts";
import type { AwsConfig } from "./config.ts";
import type { Refusal } from "./request-handler.ts";
import { answerInvalid } from "./sdk.ts";

export interface LoginCall {
  readonly action: "AssumeRoleWithWebIdentity" | "AssumeRole";
  readonly roleArn: string;
}

const serviceNames = {
  SecretsManager: "Secrets Manager",
  ParameterStore: "Parameter Store",
  CertificateManager: "Certificate Manager",
} as const;

/** The credentials themselves are refused, whatever they are used for. */
const badCredentials = [
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignature",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "InvalidSignature",
  "MissingAuthenticationToken",
  "MissingAuthenticationTokenException",
  "NotAuthorized",
  "OptInRequired",
  "RequestExpired",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
];
/** Of the KMS key that a value is encrypted with. */
const keyFaults = ["DecryptionFailure", "InvalidKeyId"];
const denials = ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"];
const badRequests = [
  "InvalidArnException",
  "InvalidFilterKey",
  "InvalidFilterOption",
  "InvalidFilterValue",
  "InvalidParameterException",
  "InvalidParameterValue",
  "ValidationError",
  "ValidationException",
];
const badTokens = ["InvalidIdentityToken", "IDPRejectedClaim"];
const throttles = [
  "LimitExceededException",
  "PriorRequestNotComplete",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "Throttling",
  "ThrottledException",
  "ThrottlingException",
  "TooManyRequestsException",
];

/** For any refusal of a role. `audience` says what the token is for. */
export function loginRefusal(refused: Refusal, { action, roleArn }: LoginCall, clock: Clock): Failure {
  const { type } = refused;
  const what = `${action} for role "${roleArn}"`;
  const denied = (knob: string): Failure =>
    new Failure("store_login_denied", `aws refused ${what} (${codeOf(refused)}): ${knob}`);
  if (isThrottle(refused)) return unavailable(refused, what, clock);
  if (badTokens.includes(type))
    return denied("check that its identity provider is known to IAM, and that the token's audience is one of its own");
  if (badCredentials.includes(type))
    return denied("the token or the access key has ended or is not valid; compare the clocks of this node and AWS");
  if (type === "RegionDisabledException")
    return new Failure("store_invalid", `aws has no STS for this account in the store's region (${codeOf(refused)})`);
  if (["MalformedPolicyDocument", "PackedPolicyTooLarge", ...badRequests].includes(type))
    return new Failure(
      "store_invalid",
      `aws does not accept ${what} (${codeOf(refused)}): check the role's ARN, externalID and session tags`,
    );
  if (lacksRight(refused)) return denied(trustKnob(action));
  return unavailable(refused, what, clock);
}

function trustKnob(action: LoginCall["action"]): string {
  return action === "AssumeRoleWithWebIdentity"
    ? "check that the role exists and that its trust policy admits this service account (sub) and the token's audience (aud)"
    : "check that the role exists, that its trust policy admits the one before it, externalID and tags, and that this one may call sts:AssumeRole";
}

/** What is asked for, and the right that it takes. */
export interface Asked {
  readonly service: AwsConfig["service"];
  readonly action: string;
}

/** For any refusal of a read. */
export function readRefusal(refused: Refusal, located: Located, asked: Asked, clock: Clock): Failure {
  const { service } = asked;
  const { address } = located;
  const what = `the read of "${address}" in ${serviceNames[service]}`;
  return (
    throttled(refused, what, clock) ??
    missingOf(refused, located, serviceNames[service]) ??
    refusedToAll(refused, what, asked) ??
    unreadable(refused, address, service) ??
    unavailable(refused, what, clock)
  );
}

/** For any refusal of a listing, or of several reads in one call. `knob`: what of the manifest it is made of. */
export function callRefusal(refused: Refusal, what: string, knob: string, asked: Asked, clock: Clock): Failure {
  const named = `${what} in ${serviceNames[asked.service]}`;
  return (
    throttled(refused, named, clock) ??
    refusedToAll(refused, named, asked) ??
    ([...badRequests, ...keyFaults].includes(refused.type)
      ? new Failure("ref_invalid", `aws does not accept ${named} (${codeOf(refused)}): check ${knob}`)
      : unavailable(refused, named, clock))
  );
}

/** For any refusal of the Pod Identity agent. */
export function agentRefusal(refused: Refusal, whose: "this process" | "the pod", clock: Clock): Failure {
  const what = `${whose}'s own identity at the EKS Pod Identity agent`;
  const { status } = refused;
  if (status === 429 || status >= 500) return unavailable(refused, what, clock);
  return new Failure(
    "store_login_denied",
    `aws refused ${what} (${codeOf(refused)}): check that the service account of ${whose} has a Pod Identity association`,
  );
}

/** Whether the identity lacks a right, as against having no valid credentials. */
export function lacksRight({ type, status }: Refusal): boolean {
  return denials.includes(type) || (!badCredentials.includes(type) && (status === 401 || status === 403));
}

function throttled(refused: Refusal, what: string, clock: Clock): Failure | undefined {
  return isThrottle(refused) ? unavailable(refused, what, clock) : undefined;
}

/** What the identity itself may not do, whatever it asks for. */
function refusedToAll(refused: Refusal, what: string, { action }: Asked): Failure | undefined {
  if (badCredentials.includes(refused.type))
    return new Failure(
      "store_denied",
      `aws does not accept the credentials (${codeOf(refused)}): they have ended or are not valid; compare the clocks of this node and AWS`,
    );
  if (!lacksRight(refused)) return undefined;
  const key = /Get(?:Secret|Parameter)/.test(action) ? ", or kms:Decrypt on its key" : "";
  return new Failure(
    "store_denied",
    `aws refused ${what} (${codeOf(refused)}): the identity's policies lack ${action} on it${key}`,
  );
}

function unreadable(refused: Refusal, address: string, service: AwsConfig["service"]): Failure | undefined {
  const code = codeOf(refused);
  if (keyFaults.includes(refused.type))
    return new Failure("store_error", `aws cannot decrypt "${address}" (${code}): check its KMS key`);
  if (!badRequests.includes(refused.type)) return undefined;
  const message =
    service === "CertificateManager"
      ? `aws does not export "${address}" (${code}): check its ARN, and that it was requested with export enabled`
      : `aws does not accept key or version of "${address}" (${code})`;
  return new Failure("ref_invalid", message);
}

/** Only the shapes that the services themselves give are an authoritative "not there". */
function missingOf(refused: Refusal, { address, version }: Located, name: string): Failure | undefined {
  const gone = new Failure("ref_not_found", `aws has no secret "${address}" in ${name}`);
  const noVersion = new Failure("version_not_found", `aws has no version "${version}" of "${address}" in ${name}`);
  switch (refused.type) {
    case "ResourceNotFoundException":
      // A secret that has no value yet is told in the words for a version, too.
      return version !== "" && refused.says(/secret value/i) ? noVersion : gone;
    case "ParameterNotFound":
      return gone;
    case "ParameterVersionNotFound":
    case "ParameterVersionLabelLimitExceeded":
      return noVersion;
    case "InvalidResourceId":
      return gone;
    case "InvalidRequestException":
      return refused.says(/marked (?:for deletion|as deleted)|marked deleted|was deleted/i)
        ? new Failure("ref_not_found", `the secret "${address}" in ${name} is marked for deletion; restore it`)
        : undefined;
    default:
      return undefined;
  }
}

function unavailable(refused: Refusal, what: string, clock: Clock): Failure {
  if (refused.status === 404 && refused.type === "") return answerInvalid("a page that is not there (404)");
  const wait = retryAfterMs(refused.headers, clock);
  const options = wait === undefined ? {} : { retryAfterMs: wait };
  return isThrottle(refused)
    ? new Failure("store_throttled", `aws is throttling ${what} (${codeOf(refused)})`, options)
    : new Failure("store_error", `aws failed ${what} (${codeOf(refused)})`, options);
}

const known = new Set([...badCredentials, ...denials, ...badRequests, ...badTokens, ...throttles]);

function isThrottle({ type, status }: Refusal): boolean {
  return throttles.includes(type) || status === 429;
}

/** The name of the error is repeated only when it is one of those above. */
function codeOf({ status, type }: Refusal): string {
  return known.has(type) ? `${status} ${type}` : String(status);
}
