/**
 * From a remote key to the one address that goes on the wire, by ESO's path rules (the mount path is put in front
 * unless the key already begins with it; `data/` follows the mount in KV v2).
 *
 * A key is tenant input: a segment that could climb out of the mount is refused, everything else is encoded.
 */
import { Failure } from "../../core/failure.ts";
import type { Problem } from "../../manifests/objects.ts";
import type { Address, Located, Ref } from "../contract.ts";
import type { VaultConfig } from "./config.ts";

type PathRules = Pick<VaultConfig, "path" | "version">;

/** Throws Failure `ref_invalid`. */
export function locate(rules: PathRules, ref: Ref): Located {
  if (ref.metadataPolicy === "Fetch")
    throw new Failure("ref_invalid", "metadataPolicy Fetch is not supported yet for provider vault; remove it");
  const segments = ref.key.split("/");
  const problem = ref.key === "" ? "is empty" : segments.map(segmentProblem).find(Boolean);
  if (problem) throw new Failure("ref_invalid", `the key ${problem}; write it as in "payments/db"`);
  const address = addressOf(rules, ref.key);
  return { address: address as Address, method: "GET", arguments: "", version: versionOf(rules, ref.version ?? "") };
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

function addressOf({ path, version }: PathRules, key: string): string {
  if (path === "") return version === "v1" || key.includes("/data/") ? key : belowFirstSegment(key);
  const inside = key.startsWith(`${path}/`) ? key.slice(path.length + 1) : key;
  if (version === "v1") return `${path}/${inside}`;
  const plain = inside !== key && inside.startsWith("data/") ? inside.slice("data/".length) : inside;
  return `${path}/data/${plain}`;
}

function belowFirstSegment(key: string): string {
  const slash = key.indexOf("/");
  if (slash < 0)
    throw new Failure(
      "ref_invalid",
      "the key names a mount but no secret in it; give it as mount/name, or set the store's path",
    );
  return `${key.slice(0, slash)}/data/${key.slice(slash + 1)}`;
}

/** KV v1 has no versions; Vault takes version 0 for the current one. */
function versionOf({ version: engine }: PathRules, version: string): string {
  if (engine === "v1" || version === "") return "";
  if (!/^\d{1,15}$/.test(version)) throw new Failure("ref_invalid", "version must be a whole number, 1 or above");
  const canonical = String(Number(version));
  return canonical === "0" ? "" : canonical;
}
