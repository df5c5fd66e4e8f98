/** What it means when a vault says no, in words that name the knob and never what Azure said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import type { Located } from "../contract.ts";
import { retryAfterMs } from "../http-retry-after.ts";
import { partsOf } from "./address.ts";
import type { Collection } from "./address.ts";
import { challengedResource } from "./challenge.ts";
import { cloudOfResource } from "./clouds.ts";
import type { Refused } from "./refused.ts";

interface Words {
  readonly one: string;
  readonly missing: string;
  readonly disabled: string;
  readonly right: Right;
}

interface Right {
  /** In access policies. */
  readonly name: string;
  /** The smallest of Azure's own roles that has it. */
  readonly role: string;
}

export const listRight: Right = { name: "secrets/list", role: "Key Vault Secrets User" };

const words: Readonly<Record<Collection, Words>> = {
  secrets: {
    one: "secret",
    missing: "SecretNotFound",
    disabled: "SecretDisabled",
    right: { name: "secrets/get", role: "Key Vault Secrets User" },
  },
  keys: {
    one: "key",
    missing: "KeyNotFound",
    disabled: "KeyDisabled",
    right: { name: "keys/get", role: "Key Vault Crypto User" },
  },
  certificates: {
    one: "certificate",
    missing: "CertificateNotFound",
    disabled: "CertificateDisabled",
    right: { name: "certificates/get", role: "Key Vault Certificate User" },
  },
};

/** For any refusal of a read. `resource`: what the token is for. */
export function readRefusal(refused: Refused, located: Located, resource: string, clock: Clock): Failure {
  const { collection, name } = partsOf(located);
  const { one, missing, disabled, right } = words[collection];
  if (refused.status === 404 && refused.is(missing)) return notFound(one, name, located.version);
  if (refused.status === 403 && refused.is(disabled))
    return new Failure("store_denied", `the ${one} "${name}" is disabled (403 ${disabled}); enable it in the vault`);
  if (refused.status === 400 && refused.is("BadParameter"))
    return new Failure("ref_invalid", `the vault does not accept name or version of the ${one} "${name}" (400)`);
  return vaultRefusal(refused, { what: `the read of the ${one} "${name}"`, right, resource }, clock);
}

/** Azure has one answer for both where a version was asked for. */
function notFound(one: string, name: string, version: string): Failure {
  return version === ""
    ? new Failure("ref_not_found", `the vault has no ${one} "${name}"`)
    : new Failure("version_not_found", `the vault has no version "${version}" of a ${one} "${name}"`);
}

export interface VaultCall {
  readonly what: string;
  readonly right: Right;
  /** What the token is for. */
  readonly resource: string;
}

/** For a refusal that is not about one object. */
export function vaultRefusal(refused: Refused, { what, right, resource }: VaultCall, clock: Clock): Failure {
  const { status } = refused;
  const wait = retryAfterMs(refused.headers, clock);
  const options = wait === undefined ? {} : { retryAfterMs: wait };
  if (status === 429) return new Failure("store_throttled", `the vault is throttling ${what} (429)`, options);
  if (status === 401)
    return new Failure("store_denied", `the vault does not accept the token (401): ${tokenKnob(refused, resource)}`);
  if (status === 403)
    return new Failure("store_denied", `the vault refused ${what} (403): ${rightKnob(refused, right)}`);
  if (status === 404 && refused.codes.length === 0)
    return new Failure("answer_invalid", "the vault answered with a page that is not there (404); check vaultUrl");
  return new Failure("store_error", `the vault failed ${what} (${status})`, options);
}

function tokenKnob(refused: Refused, resource: string): string {
  const wanted = challengedResource(refused.headers);
  if (wanted !== undefined && wanted !== resource) {
    const cloud = cloudOfResource(wanted);
    const which =
      cloud === undefined ? "customCloudConfig.keyVaultEndpoint" : `environmentType, which should be ${cloud}`;
    return `it is for another cloud's vaults; check ${which}`;
  }
  return "check that the vault is in the identity's tenant, and compare the clocks of this node and Azure";
}

function rightKnob(refused: Refused, { name, role }: Right): string {
  if (refused.is("ForbiddenByFirewall", "ForbiddenByConnection"))
    return "its firewall does not admit this network; admit it, or use a private endpoint";
  return `give the identity ${name} by the vault's access policy, or the role ${role}`;
}
