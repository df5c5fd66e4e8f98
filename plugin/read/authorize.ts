/**
 * Whether this caller may read this address of this store, and by showing whose proof. Pure.
 *
 * Runs on every read: hit, miss or stale. It alone makes a Grant, and proof, cache, sessions and last-good take nothing
 * else, so no read goes round it.
 */
import { Failure } from "../core/failure.ts";
import type { StoreCondition } from "../manifests/objects.ts";
import { compileNamespacePattern } from "../manifests/namespace-pattern.ts";
import { matchesSelector } from "../manifests/selector.ts";
import type { Address, Located } from "../stores/contract.ts";
import type { Caller } from "./caller.ts";
import type { ResolvedStore } from "./catalog.ts";
import { policyAdmits } from "./policy.ts";
import type { NamespaceFacts } from "./policy.ts";
import type { StorePolicyItem } from "./ports.ts";

declare const granted: unique symbol;

/** Whose proof the store is shown: the pod's own, or that of the account or credential which the store names. */
export type ShownIdentity = "Pod" | "Store";

export interface Question {
  readonly caller: Caller;
  readonly store: ResolvedStore;
  readonly located: Located;
  readonly identity: ShownIdentity;
  /**
   * What is read is a listing. No rule has to name its address, as rules name secrets: who may read anything of the store
   * may list it, and is then told only of the secrets that the rules let them read, each by its own address.
   */
  readonly listing?: true;
}

/** The proof that asking is allowed. */
export interface Grant extends Question {
  readonly [granted]: true;
}

export interface Rules {
  readonly policies: readonly StorePolicyItem[];
  /** Labels of the caller's namespace. */
  readonly namespaceLabels: Readonly<Record<string, string>>;
}

/** Throws Failure `not_allowed`, naming the rule that refused and the knob that would let it through. */
export function authorize(question: Question, rules: Rules): Grant {
  const who = { namespace: question.caller.namespace, labels: rules.namespaceLabels };
  checkScope(question);
  checkConditions(question.store, who);
  const policies = policiesOf(question.store, rules.policies);
  if (policies.length > 0) checkPolicies(question, policies, who);
  else checkIdentityWithoutPolicy(question);
  return question as Grant;
}

/** Whether policies say what may be read of this store. */
export function isRuled(store: ResolvedStore, rules: Rules): boolean {
  return policiesOf(store, rules.policies).length > 0;
}

/**
 * To log in as the store itself says, for nobody, and read nothing: its address is none. What comes of the login is
 * handed to nobody.
 */
export function authorizeCheck(store: ResolvedStore): Grant {
  const caller: Caller = { kind: "ExternalSecret", namespace: store.namespace, name: "", uid: "" };
  const located: Located = { address: "" as Address, method: "", arguments: "", version: "" };
  const question: Question = { caller, store, located, identity: "Store" };
  return question as Grant;
}

function checkScope({ caller, store }: Question): void {
  if (store.ref.kind === "ClusterSecretStore" || store.namespace === caller.namespace) return;
  refuse(
    `${store.id} serves its own namespace alone; use a SecretStore of namespace "${caller.namespace}" or a ClusterSecretStore`,
  );
}

/** As in ESO, the conditions of a SecretStore say nothing. */
function checkConditions({ ref, id, manifest }: ResolvedStore, who: NamespaceFacts): void {
  const { conditions } = manifest;
  if (ref.kind !== "ClusterSecretStore" || conditions.length === 0) return;
  if (conditions.some((condition) => meets(condition, who))) return;
  refuse(`namespace "${who.namespace}" meets none of spec.conditions of ${id}; add it there, or use another store`);
}

function meets(condition: StoreCondition, { namespace, labels }: NamespaceFacts): boolean {
  return (
    condition.namespaces.includes(namespace) ||
    (condition.namespaceSelector !== undefined && matchesSelector(condition.namespaceSelector, labels)) ||
    patternsOf(condition).some((pattern) => pattern.test(namespace))
  );
}

/** Compiled once for as long as the parsed manifest lives. */
const compiled = new WeakMap<StoreCondition, readonly RegExp[]>();

function patternsOf(condition: StoreCondition): readonly RegExp[] {
  let patterns = compiled.get(condition);
  if (!patterns) compiled.set(condition, (patterns = condition.namespaceRegexes.map(compileNamespacePattern)));
  return patterns;
}

/**
 * A policy names stores, so none is about a generator: as with a SecretStore without a policy, its own namespace reads it.
 *
 * What a broken policy leaves open counts against the store: no name closes all, no namespace all of that name.
 */
function policiesOf({ ref, namespace }: ResolvedStore, all: readonly StorePolicyItem[]): readonly StorePolicyItem[] {
  return all.filter((policy) => {
    const about = policy.ok ? policy.value.storeRef : policy.storeRef;
    if (!about) return true;
    if (about.kind !== ref.kind || about.name !== ref.name) return false;
    return ref.kind === "ClusterSecretStore" || about.namespace === undefined || about.namespace === namespace;
  });
}

function checkPolicies(question: Question, policies: readonly StorePolicyItem[], who: NamespaceFacts): void {
  const { store, located, identity, caller } = question;
  const broken = policies.find((policy) => !policy.ok);
  if (broken && !broken.ok)
    refuse(
      `${store.id} is closed because ${named(broken.name)} is not valid (${broken.problems[0].path}: ${broken.problems[0].problem}); correct it`,
    );
  const parsed = policies.flatMap((policy) => (policy.ok ? [policy.value] : []));
  const address = question.listing ? undefined : located.address;
  const admitting = parsed.filter((policy) => policyAdmits(policy, who, address));
  if (admitting.length === 0)
    refuse(
      `no rule of ${parsed.map(({ meta }) => named(meta.name)).join(", ")} lets namespace "${who.namespace}" read ${address === undefined ? "anything" : `"${address}"`} of ${store.id}; add one`,
    );
  // Sync shows what the store itself names: that needs a rule, and no right of its own.
  if (caller.kind === "ExternalSecret" || admitting.some((policy) => policy.identity.includes(identity))) return;
  refuse(
    `${admitting.map(({ meta }) => named(meta.name)).join(", ")} does not allow identity: ${identity} for ${store.id}; add it to spec.identity, or use the other identity`,
  );
}

function checkIdentityWithoutPolicy({ caller, store, identity }: Question): void {
  if (caller.kind === "ExternalSecret" || identity === "Pod" || store.ref.kind === "SecretStore") return;
  refuse(
    `identity: Store needs a StorePolicy for ${store.id} that lists Store in spec.identity; add one, or use identity: Pod`,
  );
}

function named(policyName: string | undefined): string {
  return policyName === undefined ? "a StorePolicy" : `StorePolicy "${policyName}"`;
}

function refuse(message: string): never {
  throw new Failure("not_allowed", message);
}
