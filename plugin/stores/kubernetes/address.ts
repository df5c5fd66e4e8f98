/**
 * From a remoteRef to one Secret, or to its labels and annotations. The address is `namespace/name`, so that a policy's
 * rule for one namespace says nothing about another; names are checked before they stand in a path.
 */
import { canonicalJson, compareUtf8 } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import { isDnsSubdomain } from "../../core/names.ts";
import type { Address, FindWish, Located, Ref } from "../contract.ts";

const metadata = "metadata";

/** Throws Failure `ref_invalid`. */
export function locate(namespace: string, { key, version, metadataPolicy }: Ref): Located {
  if (version) throw refInvalid("Kubernetes keeps one version of a Secret; remove version");
  if (!isDnsSubdomain(key))
    throw refInvalid(
      `the key is not a name that a Secret can have; give the name of a Secret in namespace ${namespace}, and its key as property`,
    );
  return located(`${namespace}/${key}`, metadataPolicy === "Fetch" ? metadata : "");
}

/** Throws Failure `ref_invalid` for tags that no label can be. */
export function locateFind(namespace: string, { name, tags }: FindWish): Located {
  return located(`${namespace}/*`, canonicalJson({ labels: labelSelector(tags), name: name?.source }));
}

/** Whether labels and annotations are wanted, not data. */
export function isMetadata({ arguments: wanted }: Located): boolean {
  return wanted === metadata;
}

/** The Secret's own name. */
export function nameOf({ address }: Located): string {
  return address.slice(address.indexOf("/") + 1);
}

const labelName = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** All of `tags`, as the API server takes them; empty without any. Throws Failure `ref_invalid`. */
export function labelSelector(tags: FindWish["tags"] = {}): string {
  const pairs = Object.entries(tags).sort(([a], [b]) => compareUtf8(a, b));
  for (const [key, value] of pairs)
    if (!isLabelKey(key) || !(value === "" || isLabelText(value)))
      throw refInvalid(`find.tags: ${JSON.stringify(key)} and its value cannot be a label of a Secret; correct it`);
  return pairs.map(([key, value]) => `${key}=${value}`).join(",");
}

function isLabelKey(key: string): boolean {
  const slash = key.indexOf("/");
  return isLabelText(key.slice(slash + 1)) && (slash < 0 || isDnsSubdomain(key.slice(0, slash)));
}

function isLabelText(text: string): boolean {
  return text.length <= 63 && labelName.test(text);
}

function located(address: string, argument: string): Located {
  return { address: address as Address, method: "GET", arguments: argument, version: "" };
}

function refInvalid(message: string): Failure {
  return new Failure("ref_invalid", message);
}
