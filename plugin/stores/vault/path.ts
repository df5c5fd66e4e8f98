/**
 * From a remote key to the one address that goes on the wire, by ESO's path rules (the mount path is put in front
 * unless the key already begins with it; `data/` follows the mount in KV v2).
 *
 * A key is tenant input: a segment that could climb out of the mount is refused, everything else is encoded.
 */
import { canonicalJson } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import type { Problem } from "../../manifests/objects.ts";
import type { Address, Located, Ref } from "../contract.ts";
import type { VaultConfig } from "./config.ts";

export type PathRules = Pick<VaultConfig, "path" | "version" | "kvOnly">;

/** A method of our own: the read may make something for whoever asks, so its answer is nobody else's. */
export const ownRead = "READ";

/** Throws Failure `ref_invalid`. */
export function locate(rules: PathRules, ref: Ref): Located {
  checkKey(ref.key);
  const place = placeOf(rules, ref.key);
  if (ref.metadataPolicy === "Fetch") return located(metadataAddress(rules, place), metadataWish);
  const address = dataAddress(rules, place);
  const version = versionOf(rules, ref.version ?? "");
  return { ...located(address), method: isPlainRead(rules, address) ? "GET" : ownRead, version };
}

const metadataWish = canonicalJson({ metadata: true });

/** Whether what is kept about a secret is read, in place of the secret. */
export function isMetadata(found: Located): boolean {
  return found.arguments === metadataWish;
}

/** A plain read. */
export function located(address: string, args: string = ""): Located {
  return { address: address as Address, method: "GET", arguments: args, version: "" };
}

/** Throws Failure `ref_invalid` when a key, or a folder, cannot be sent. */
export function checkKey(key: string): void {
  const problem = key === "" ? "is empty" : key.split("/").map(segmentProblem).find(Boolean);
  if (problem) throw new Failure("ref_invalid", `the key ${problem}; write it as in "payments/db"`);
}

/** The address as the path of a URL below `/v1/`. */
export function wirePath(address: string): string {
  return address.split("/").map(encodeURIComponent).join("/");
}

export function trimSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, "");
}

/** Why a segment of a path cannot be sent, or undefined. */
export function segmentProblem(segment: string): string | undefined {
  if (segment === "") return "has an empty segment (a slash at an end, or two in a row)";
  if (segment === "." || segment === "..") return 'has a "." or ".." segment';
  if (/\p{Cc}/u.test(segment)) return "has a control character";
  return segment.isWellFormed() ? undefined : "is not valid Unicode";
}

/** Problem of a mount path, or undefined. */
export function pathProblem(path: string, value: string | undefined): Problem | undefined {
  const trimmed = trimSlashes(value ?? "");
  if (trimmed === "") return undefined;
  const problem = trimmed.split("/").map(segmentProblem).find(Boolean);
  return problem ? { path, problem } : undefined;
}

/**
 * Whether an address looks as if its key named a mount although the store's path already does, as in
 * `kv/data/secret/payments/db`.
 */
export function looksDoubled(rules: PathRules, address: string): boolean {
  const prefix = rules.version === "v2" ? `${rules.path}/data/` : `${rules.path}/`;
  if (rules.path === "" || !address.startsWith(prefix)) return false;
  const [first, ...others] = address.slice(prefix.length).split("/");
  return others.length > 0 && ["secret", "kv", "data", ...rules.path.split("/")].includes(first!);
}

/** A place in an engine: what of a key names the mount, and what lies in it. */
export interface Place {
  /** Empty where nothing tells (KV v1 without a store path). */
  readonly mount: string;
  /** Empty = the mount itself. */
  readonly inside: string;
}

/** Throws Failure `ref_invalid` for a key that names a mount but nothing in it. */
export function placeOf(rules: PathRules, key: string): Place {
  const { path, version, kvOnly } = rules;
  if (path === "") {
    if (version === "v1") return { mount: "", inside: key };
    const at = key.indexOf("/data/");
    if (at >= 0) return { mount: key.slice(0, at), inside: key.slice(at + "/data/".length) };
    const slash = key.indexOf("/");
    if (slash >= 0) return { mount: key.slice(0, slash), inside: key.slice(slash + 1) };
    throw new Failure(
      "ref_invalid",
      "the key names a mount but no secret in it; give it as mount/name, or set the store's path",
    );
  }
  if (kvOnly || !key.startsWith(`${path}/`)) return { mount: path, inside: key };
  const inside = key.slice(path.length + 1);
  return { mount: path, inside: version === "v2" ? inside.replace(/^data\/(?=.)/, "") : inside };
}

export function dataAddress({ version }: PathRules, { mount, inside }: Place): string {
  return joined(mount, version === "v2" ? "data" : "", inside);
}

/** Throws Failure `ref_invalid` for an engine, or a block, that has no metadata. */
export function metadataAddress({ version, kvOnly }: PathRules, { mount, inside }: Place): string {
  if (version === "v1")
    throw new Failure(
      "ref_invalid",
      "metadata is kept by KV v2 alone; remove metadataPolicy, or use a store of version v2",
    );
  if (kvOnly)
    throw new Failure(
      "ref_invalid",
      "metadata is not read by provider openBao; remove metadataPolicy, or use provider vault",
    );
  return joined(mount, "metadata", inside);
}

/** Where the names below a place are listed. */
export function listAddress({ version }: PathRules, { mount, inside }: Place): string {
  return joined(mount, version === "v2" ? "metadata" : "", inside);
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("/");
}

/** Names that engines give to paths where each read makes a credential. */
const makers = new Set(["creds", "sts", "roleset", "static-account", "impersonated-account"]);

export function isMaker(segment: string): boolean {
  return makers.has(segment);
}

/**
 * Whether a read makes nothing and can be shared. KV v2 says so by its path; `version: v1` is taken at its word where the
 * store names the mount, unless the path looks like another engine's. What is found out too late is refused by the read.
 */
function isPlainRead({ path, version }: PathRules, address: string): boolean {
  if (version === "v2") return true;
  const below = address.split("/").slice(1);
  return path !== "" && !below.some(isMaker);
}

/** KV v1 has no versions, which ESO minds with OpenBao alone; Vault takes version 0 for the current one. */
function versionOf({ version: engine, kvOnly }: PathRules, version: string): string {
  if (version !== "" && engine === "v1" && kvOnly)
    throw new Failure(
      "ref_invalid",
      "KV v1 keeps one version of a secret; remove version, or use a store of version v2",
    );
  if (engine === "v1" || version === "") return "";
  if (!/^\d{1,15}$/.test(version)) throw new Failure("ref_invalid", "version must be a whole number, 1 or above");
  const canonical = String(Number(version));
  return canonical === "0" ? "" : canonical;
}
