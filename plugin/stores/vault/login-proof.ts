/** What logins want to be shown, from the references in their blocks. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { AnnotationNeed, ProofNeed, SecretKeyRef, StoreContext } from "../contract.ts";
import { toSecretKeyRef } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import type { LoginChoice } from "./config.ts";

/** Where a block stands. */
export interface BlockPlace extends StoreContext {
  /** Its full path: `spec.provider.vault`. */
  readonly root: string;
}

/** A login that posts to a mount. */
export interface Chosen {
  /** As the block has it, and the field that it has it in. */
  readonly path: string | undefined;
  readonly pathField?: string;
  readonly defaultPath: string;
  readonly choice: LoginChoice;
  readonly proof: Parsed<ProofNeed>;
}

/** By the name that the login looks for: the field below the block, and its reference. */
export type Selectors = Readonly<Record<string, readonly [field: string, selector: Selector]>>;

export type Secrets = Readonly<Record<string, SecretKeyRef>>;

/** A reference without a key means `defaultKey`; where that is empty it is a problem. */
export function secretsOf(selectors: Selectors, place: BlockPlace, defaultKey = ""): Parsed<Secrets> {
  const entries = Object.entries(selectors);
  const keyless = entries.find(([, [, selector]]) => (selector.key ?? defaultKey) === "");
  if (keyless) return fail(`${keyless[1][0]}.key`, "is missing; name a key of the Secret");
  const secrets: Record<string, SecretKeyRef> = {};
  for (const [name, [field, selector]] of entries)
    secrets[name] = toSecretKeyRef(`${place.root}.${field}`, selector, place, defaultKey);
  return { ok: true, value: secrets };
}

export function staticProof(
  method: string,
  selectors: Selectors,
  place: BlockPlace,
  defaultKey = "",
): Parsed<ProofNeed> {
  const secrets = secretsOf(selectors, place, defaultKey);
  return secrets.ok ? { ok: true, value: { kind: "static", method, secrets: secrets.value } } : secrets;
}

export interface TokenWish {
  /** Below the block. */
  readonly field: string;
  readonly account: Selector | undefined;
  /** Absent = the process's own. */
  readonly audience: string | undefined;
  readonly annotations?: AnnotationNeed;
}

export function tokenProof({ field, account, audience, annotations }: TokenWish, place: BlockPlace): ProofNeed {
  const foreign = place.scope === "ClusterSecretStore" ? account?.namespace : undefined;
  return {
    kind: "token",
    field: `${place.root}.${field}`,
    ...(account ? { serviceAccount: { name: account.name, ...(foreign ? { namespace: foreign } : {}) } } : {}),
    ...(audience === undefined ? {} : { audience }),
    ...(annotations ? { annotations } : {}),
  };
}

/** The same need, with what the connection is made with beside it. */
export function withSecrets(need: ProofNeed, secrets: Secrets): ProofNeed {
  if (need.kind === "none" || Object.keys(secrets).length === 0) return need;
  return { ...need, secrets: { ...need.secrets, ...secrets } };
}

export function fail(path: string, problem: string): { ok: false; problems: [Problem] } {
  return { ok: false, problems: [{ path, problem }] };
}
