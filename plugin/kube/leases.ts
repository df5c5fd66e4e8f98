/** Leases of coordination.k8s.io/v1 in one namespace. */
import { isMap } from "../manifests/fields.ts";
import type { LeaseRecord, LeaseStore, LeaseWrite } from "../sync/lease/ports.ts";
import { KubeFailure, type KubeApi, type KubeObject } from "./contract.ts";
import { apiVersionOf, leases, ownManager } from "./resources.ts";

export function createLeaseStore(api: KubeApi, namespace: string): LeaseStore {
  return {
    async get(name, signal) {
      const object = await api.get(leases, { namespace, name }, signal);
      return object && recordOf(object);
    },
    async put(name, write, resourceVersion, signal) {
      const spec = specOf(write);
      const fieldManager = ownManager;
      try {
        if (resourceVersion === undefined) {
          const { kind } = leases;
          const object = { apiVersion: apiVersionOf(leases), kind, metadata: { namespace, name }, spec };
          return recordOf(await api.create(leases, object, signal, { fieldManager }));
        }
        // A patch, so that what the write leaves out stays as it is.
        const patch = { metadata: { resourceVersion }, spec };
        const options = { type: "merge", fieldManager } as const;
        return recordOf(await api.patch(leases, { namespace, name }, patch, signal, options));
      } catch (thrown) {
        const isLost = thrown instanceof KubeFailure && (thrown.status === 409 || isGone(thrown, resourceVersion));
        if (isLost) return undefined;
        throw thrown;
      }
    },
  };
}

/** Deleted by somebody since it was read; a creation finds its namespace missing, which is another matter. */
function isGone({ status }: KubeFailure, resourceVersion: string | undefined): boolean {
  return status === 404 && resourceVersion !== undefined;
}

function recordOf({ metadata, spec }: KubeObject): LeaseRecord {
  const { holderIdentity, leaseTransitions } = isMap(spec) ? spec : {};
  return {
    holder: typeof holderIdentity === "string" ? holderIdentity : "",
    transitions: typeof leaseTransitions === "number" ? leaseTransitions : 0,
    resourceVersion: metadata.resourceVersion ?? "",
  };
}

function specOf({ holder, transitions, durationMs, renewedAtMs, acquiredAtMs }: LeaseWrite): Record<string, unknown> {
  return {
    holderIdentity: holder,
    leaseTransitions: transitions,
    leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1_000)),
    renewTime: microTime(renewedAtMs),
    ...(acquiredAtMs !== undefined && { acquireTime: microTime(acquiredAtMs) }),
  };
}

/** RFC 3339 with six digits of a second, as the API demands of a MicroTime. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
