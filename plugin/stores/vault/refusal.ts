/** What it means when Vault says no, in words that name the knob and never what Vault said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import type { JsonObject } from "../../core/json.ts";
import { retryAfterMs } from "../http-retry-after.ts";
import type { Located } from "../contract.ts";
import type { HttpAnswer } from "../http.ts";
import { isGoneVersion, refusalEnvelope, texts } from "./answer.ts";
import type { MountLogin, VaultConfig } from "./config.ts";
import { looksDoubled } from "./path.ts";

/** For any status but 200 at `auth/<mount>/login`. */
export function loginRefusal(answer: HttpAnswer, login: MountLogin, clock: Clock): Failure {
  const document = refusalEnvelope(answer);
  const where = `${login.method} login at auth/${login.mount}`;
  const who = "role" in login && login.role !== "" ? ` as role "${login.role}"` : "";
  if ([400, 401, 403].includes(answer.status))
    return new Failure(
      "store_login_denied",
      `vault refused the ${where}${who} (${answer.status}): check the mount${knobs[login.method]}`,
    );
  if (answer.status === 404 && texts(document, "errors").length > 0)
    return new Failure(
      "store_invalid",
      `vault has no login method at auth/${login.mount} (404): check the mount path and the namespace`,
    );
  return unavailable(answer, document, where, clock);
}

const bound = ", the role and what the role is bound to";

/** What to look at, beside the mount, when a login is refused. */
const knobs: Readonly<Record<MountLogin["method"], string>> = {
  kubernetes: `${bound}: service account, namespace, audience`,
  jwt: `${bound}: subject, audience, claims`,
  appRole: `${bound}, and the secret id's own limits`,
  ldap: ", user name and password, and the directory's groups",
  userPass: ", user name and password",
  cert: ", which authorities its roles trust and what names they allow",
  iam: `${bound}: ARN, account, and the server id of the mount`,
  gcp: `${bound}: service account, project`,
};

/** For any status but 200 at a read. */
export function readRefusal(answer: HttpAnswer, located: Located, config: VaultConfig, clock: Clock): Failure {
  const document = refusalEnvelope(answer);
  const { address } = located;
  switch (answer.status) {
    case 401:
    case 403:
      return new Failure(
        "store_denied",
        `vault refused to read "${address}" (${answer.status}): the token has ended, or its policies lack read on it${inNamespace(config)}`,
      );
    case 404:
      return missing(document, located, config);
    case 405:
      return new Failure(
        "store_invalid",
        `the engine at "${address}" cannot be read (405): check path and version of the store`,
      );
    default:
      return unavailable(answer, document, `the read of "${address}"`, clock);
  }
}

/** For any status but 200 at a listing. */
export function listRefusal(answer: HttpAnswer, located: Located, config: VaultConfig, clock: Clock): Failure {
  const { status } = answer;
  if (status !== 401 && status !== 403) return readRefusal(answer, located, config, clock);
  return new Failure(
    "store_denied",
    `vault refused to list "${located.address}" (${status}): the token has ended, or its policies lack list on it${inNamespace(config)}`,
  );
}

/** For any status but 200 or 204 when a lease is renewed or ended. A lease's id stays out of it. */
export function leaseRefusal(answer: HttpAnswer, act: "renew" | "revoke", clock: Clock): Failure {
  const { status } = answer;
  if (status === 401 || status === 403)
    return new Failure(
      "store_denied",
      `vault refused to ${act} a lease (${status}): the token has ended, or its policies lack update on sys/leases/${act}`,
    );
  if (status === 400 || status === 404)
    return new Failure(
      "ref_not_found",
      `vault cannot ${act} a lease (${status}): it has ended, or its time is used up`,
    );
  return unavailable(answer, refusalEnvelope(answer), `to ${act} a lease`, clock);
}

/** For any status but 200 when a token asks about itself, or for a longer life. */
export function lookupRefusal(answer: HttpAnswer, clock: Clock, path = "read on auth/token/lookup-self"): Failure {
  const { status } = answer;
  if (status === 400 || status === 401 || status === 403)
    return new Failure(
      "store_denied",
      `vault does not accept the token (${status}): it has ended or was revoked, or its policies lack ${path}`,
    );
  if (status === 404)
    return new Failure("answer_invalid", `vault's URL answered 404 to a token's question; check the server URL`);
  return unavailable(answer, refusalEnvelope(answer), "a token's question", clock);
}

/** The failure for an address, or a version of it, that the engine does not have. */
export function notFound(located: Located, config: VaultConfig): Failure {
  const { address, version } = located;
  const hint = looksDoubled(config, address)
    ? `; the store's path "${config.path}" is put in front of every key, so a key must not name a mount again`
    : "";
  return version === ""
    ? new Failure("ref_not_found", `vault has no secret at "${address}"${inNamespace(config)}${hint}`)
    : new Failure("version_not_found", `vault has no version ${version} at "${address}"${inNamespace(config)}${hint}`);
}

/** Only the two shapes that a KV engine itself gives are an authoritative "not there". */
function missing(document: JsonObject | undefined, located: Located, config: VaultConfig): Failure {
  const errors = texts(document, "errors");
  const warnings = texts(document, "warnings");
  if (warnings.some((warning) => warning.includes("versioned K/V")))
    return new Failure(
      "store_invalid",
      `the engine at "${located.address}" is KV v2 (404): set version: v2 in the store`,
    );
  if (isGoneVersion(document)) return notFound(located, config);
  if (errors.length > 0)
    return new Failure(
      "store_invalid",
      `vault has no engine at "${located.address}" (404)${inNamespace(config)}: check path, version and namespace of the store`,
    );
  if (Array.isArray(document?.["errors"])) return notFound(located, config);
  return new Failure("answer_invalid", `vault's URL answered 404 in a form that is not Vault's; check the server URL`);
}

function unavailable(answer: HttpAnswer, document: JsonObject | undefined, what: string, clock: Clock): Failure {
  const { status } = answer;
  const wait = retryAfterMs(answer.headers, clock);
  const options = wait === undefined ? {} : { retryAfterMs: wait };
  if (status === 429) return new Failure("store_throttled", `vault is throttling ${what} (429)`, options);
  if (status === 503 && texts(document, "errors").some((text) => /\bsealed\b/i.test(text)))
    return new Failure("store_sealed", `vault is sealed (503): unseal it`, options);
  if (status >= 200 && status < 300)
    return new Failure("answer_invalid", `vault answered ${what} without a body (${status}); check the server URL`);
  return new Failure("store_error", `vault failed ${what} (${status})`, options);
}

function inNamespace(config: VaultConfig): string {
  return config.namespace === "" ? "" : ` in namespace "${config.namespace}"`;
}
