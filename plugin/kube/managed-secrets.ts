/**
 * The Secrets with the managed label, followed by a watch: whose they are, and nothing else of them.
 */
import { createHash } from "node:crypto";
import type { ObjectKey } from "../sync/ports.ts";
import type { KubeClient, KubeObject, Mirror } from "./contract.ts";
import { secrets } from "./resources.ts";
import { ownerOf } from "./secret-object.ts";

const managedSelector = "reconcile.external-secrets.io/managed=true";
const createdByLabel = "reconcile.external-secrets.io/created-by";

export interface Claim {
  /** `namespace/name` of the ExternalSecret that is its controller. */
  readonly owner?: string;
  /** The created-by label. */
  readonly createdBy?: string;
}

/** Small pages: a list carries the values, which are dropped one page after the other. */
const pageSize = 100;

export function followManagedSecrets(client: KubeClient): Mirror<Claim> {
  return client.mirror({ kind: secrets, labelSelector: managedSelector, keep: claimOf, pageSize });
}

function claimOf({ metadata }: KubeObject): Claim {
  const { owner } = ownerOf(metadata);
  const createdBy = metadata.labels?.[createdByLabel];
  return { ...(owner !== undefined && { owner }), ...(createdBy !== undefined && { createdBy }) };
}

/** Which Secrets an ExternalSecret has a claim to, by its controller reference or its label. */
export function claimIndex(mirror: Mirror<Claim>): (owner: ObjectKey) => readonly ObjectKey[] {
  const byClaim = new Map<string, Map<string, ObjectKey>>();
  const enter = (key: ObjectKey, claim: Claim): void => {
    for (const name of claimNames(key.namespace, claim)) {
      const held = byClaim.get(name) ?? new Map<string, ObjectKey>();
      byClaim.set(name, held.set(key.name, key));
    }
  };
  const strike = (key: ObjectKey, claim: Claim): void => {
    for (const name of claimNames(key.namespace, claim)) {
      const held = byClaim.get(name);
      held?.delete(key.name);
      if (held?.size === 0) byClaim.delete(name);
    }
  };
  mirror.onChange((change) => {
    const { key, value } = change.entry;
    if (change.type === "changed") strike(key, change.before.value);
    if (change.type === "removed") strike(key, value);
    else enter(key, value);
  });
  return ({ namespace, name }) => {
    const owner = `${namespace}/${name}`;
    const createdBy = createHash("sha3-224").update(owner).digest("hex");
    const found = claimNames(namespace, { owner, createdBy }).flatMap((claim) => [...(byClaim.get(claim) ?? [])]);
    return [...new Map(found).values()];
  };
}

/** A label counts in its own namespace only. */
function claimNames(namespace: string, { owner, createdBy }: Claim): readonly string[] {
  return [
    ...(owner === undefined ? [] : [`owner ${owner}`]),
    ...(createdBy === undefined ? [] : [`label ${namespace} ${createdBy}`]),
  ];
}
