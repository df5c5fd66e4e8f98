/** What it means when AWS says no, in words that name the knob and never what AWS said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import type { Located } from "../contract.ts";
import { retryAfterMs } from "../http-retry-after.ts";
import type { AwsConfig } from "./config.ts";
import type { Refused } from "./request-handler.ts";
import { answerInvalid } from "./sdk.ts";

export interface LoginCall {
  readonly action: "AssumeRoleWithWebIdentity" | "AssumeRole";
  readonly roleArn: string;
}

const serviceNames = { SecretsManager: "Secrets Manager", ParameterStore: "Parameter Store" } as const;

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
const denials = ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"];
const badRequests = ["InvalidParameterException", "InvalidParameterValue", "ValidationException", "ValidationError"];
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
export function loginRefusal(refused: Refused, { action, roleArn }: LoginCall, clock: Clock): Failure {
  const { type } = refused;
  const what = `${action} for role "${roleArn}"`;
  const denied = (knob: string): Failure =>
    new Failure("store_login_denied", `aws refused ${what} (${codeOf(refused)}): ${knob}`);
  if (throttles.includes(type) || refused.status === 429) return unavailable(refused, what, clock);
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
  if (denials.includes(type) || refused.status === 401 || refused.status === 403) return denied(trustKnob(action));
  return unavailable(refused, what, clock);
}

function trustKnob(action: LoginCall["action"]): string {
  return action === "AssumeRoleWithWebIdentity"
    ? "check that the role exists and that its trust policy admits this service account (sub) and the token's audience (aud)"
    : "check that the role exists, that its trust policy admits the one before it, externalID and tags, and that this one may call sts:AssumeRole";
}

/** For any refusal of a read. `action`: the right that it takes. */
export function readRefusal(
  refused: Refused,
  located: Located,
  { action, service }: { readonly action: string; readonly service: AwsConfig["service"] },
  clock: Clock,
): Failure {
  const { type, status } = refused;
  const name = serviceNames[service];
  const what = `the read of "${located.address}" in ${name}`;
  if (throttles.includes(type) || status === 429) return unavailable(refused, what, clock);
  const missing = missingOf(refused, located, name);
  if (missing) return missing;
  if (badCredentials.includes(type))
    return new Failure(
      "store_denied",
      `aws does not accept the credentials (${codeOf(refused)}): they have ended or are not valid; compare the clocks of this node and AWS`,
    );
  if (denials.includes(type) || status === 401 || status === 403)
    return new Failure(
      "store_denied",
      `aws refused ${what} (${codeOf(refused)}): the identity's policies lack ${action} on it, or kms:Decrypt on its key`,
    );
  if (badRequests.includes(type))
    return new Failure(
      "ref_invalid",
      `aws does not accept key or version of "${located.address}" (${codeOf(refused)})`,
    );
  if (["DecryptionFailure", "InvalidKeyId"].includes(type))
    return new Failure(
      "store_error",
      `aws cannot decrypt "${located.address}" (${codeOf(refused)}): check its KMS key`,
    );
  return unavailable(refused, what, clock);
}

/** Only the shapes that the services themselves give are an authoritative "not there". */
function missingOf(refused: Refused, { address, version }: Located, name: string): Failure | undefined {
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

function unavailable(refused: Refused, what: string, clock: Clock): Failure {
  if (refused.status === 404 && refused.type === "") return answerInvalid("a page that is not there (404)");
  const wait = retryAfterMs(refused.headers, clock);
  const options = wait === undefined ? {} : { retryAfterMs: wait };
  const isThrottle = throttles.includes(refused.type) || refused.status === 429;
  return isThrottle
    ? new Failure("store_throttled", `aws is throttling ${what} (${codeOf(refused)})`, options)
    : new Failure("store_error", `aws failed ${what} (${codeOf(refused)})`, options);
}

const known = new Set([...badCredentials, ...denials, ...badRequests, ...badTokens, ...throttles]);

/** The name of the error is repeated only when it is one of those above. */
function codeOf({ status, type }: Refused): string {
  return known.has(type) ? `${status} ${type}` : String(status);
}
