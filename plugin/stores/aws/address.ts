/**
 * From a remoteRef to the one address that goes on the wire, by ESO's rules.
 *
 * The version is no part of an address: Parameter Store's `name:3` is the address `name` at version 3, however it is
 * written.
 */
import { Failure } from "../../core/failure.ts";
import type { Address, Located, Ref } from "../contract.ts";
import type { AwsConfig } from "./config.ts";

/** What `arguments` holds for a read of the tags in place of the value. */
export const tagsArgument = "tags";

const certificateArn = /^arn:aws[a-z-]*:acm:[a-z0-9-]{1,40}:\d{12}:certificate\/[A-Za-z0-9-]{1,100}$/;
const currentStage = "AWSCURRENT";
const longestKey = 2_048;

/** Throws Failure `ref_invalid`. */
export function locate(config: Pick<AwsConfig, "service" | "prefix">, ref: Ref): Located {
  if (config.service === "CertificateManager") return ofCertificate(ref);
  const problem = keyProblem(ref.key) ?? prefixProblem(config.prefix, ref.key);
  if (problem) throw new Failure("ref_invalid", `the key ${problem}`);
  const asked = { name: config.prefix + ref.key, version: ref.version ?? "" };
  const { name, version } = config.service === "SecretsManager" ? ofSecret(asked) : ofParameter(asked);
  const isTags = ref.metadataPolicy === "Fetch";
  return {
    address: name as Address,
    method: "GET",
    arguments: isTags ? tagsArgument : "",
    // Tags belong to the secret, not to one of its versions.
    version: isTags ? "" : version,
  };
}

/** Named by an ARN alone, which a prefix cannot stand before: as in ESO it is for what is imported. */
function ofCertificate({ key, version, metadataPolicy }: Ref): Located {
  if (!certificateArn.test(key))
    throw new Failure(
      "ref_invalid",
      "the key is not a certificate's ARN; write arn:aws:acm:eu-central-1:123456789012:certificate/ and its id",
    );
  if (version !== undefined && version !== "")
    throw new Failure("ref_invalid", "version has no meaning here: a certificate is exported as it is now");
  if (metadataPolicy === "Fetch")
    throw new Failure(
      "ref_invalid",
      "metadataPolicy: Fetch has no meaning here: of a certificate nothing else is read",
    );
  return { address: key as Address, method: "GET", arguments: "", version: "" };
}

interface Named {
  readonly name: string;
  readonly version: string;
}

/** A staging label, or `uuid/` and a version id. */
function ofSecret({ name, version }: Named): Named {
  if (version === "uuid/") throw new Failure("ref_invalid", "version names no id; write uuid/ and the version's id");
  checkVersion(version);
  return { name, version: version === currentStage ? "" : version };
}

/** A number or a label. */
function ofParameter({ name, version }: Named): Named {
  checkVersion(version);
  if (version.includes(":")) throw new Failure("ref_invalid", "version must be a number or a label, without a colon");
  // The colons of an ARN end before the parameter's own name.
  const nameAt = name.startsWith("arn:") ? name.indexOf(":parameter") + 1 : 0;
  const colon = name.indexOf(":", nameAt);
  if (colon < 0) return { name, version };
  if (version !== "")
    throw new Failure("ref_invalid", "the key names a version after its colon and version another; keep one");
  const selector = name.slice(colon + 1);
  if (selector === "" || selector.includes(":"))
    throw new Failure("ref_invalid", "the key has a colon that no version follows; write name:3 or name:label");
  return { name: name.slice(0, colon), version: selector };
}

function checkVersion(version: string): void {
  if (version.length > 256 || !/^[\x21-\x7e]*$/.test(version))
    throw new Failure("ref_invalid", "version must be printable ASCII without spaces, at most 256 characters");
}

function keyProblem(key: string): string | undefined {
  if (key === "") return "is empty; name a secret";
  if (key.length > longestKey) return `is longer than ${longestKey} characters`;
  if (/[\p{Cc}\s]/u.test(key)) return "has white space or a control character";
  return key.isWellFormed() ? undefined : "is not valid Unicode";
}

/** A prefix bounds what a store reads; an ARN would step around it. */
function prefixProblem(prefix: string, key: string): string | undefined {
  if (prefix === "" || !key.startsWith("arn:")) return undefined;
  return "is an ARN, and the store puts its prefix in front of every key; name the secret as it follows the prefix";
}
