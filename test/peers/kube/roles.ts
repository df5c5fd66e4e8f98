/** When a written right counts: the authorizer reads Roles and bindings through watches of its own. */
import { until } from "../../scenario/program.ts";
import type { KubeAdmin } from "./admin.ts";

const group = "rbac.authorization.k8s.io";

/**
 * Resolves once every Role and binding written so far counts; without it a process started right after its Role was
 * applied may meet a 403. Writes one more of each kind for a user nobody else is, and waits until they count: a watch keeps the
 * order.
 */
export async function settleRoles(admin: KubeAdmin): Promise<void> {
  const name = `settled-${Math.random().toString(36).slice(2)}`;
  const written: string[] = [];
  for (const [role, namespace] of [
    ["ClusterRole", undefined],
    ["Role", "default"],
  ] as const) {
    const metadata = { name: `${name}-${role.toLowerCase()}`, ...(namespace ? { namespace } : {}) };
    const apiVersion = `${group}/v1`;
    const resources = [`of-${role.toLowerCase()}`];
    const rules = [{ apiGroups: ["settled"], resources, verbs: ["get"] }];
    const roleRef = { apiGroup: group, kind: role, name: metadata.name };
    const subjects = [{ apiGroup: group, kind: "User", name }];
    for (const object of [
      { apiVersion, kind: role, metadata, rules },
      { apiVersion, kind: `${role}Binding`, metadata, roleRef, subjects },
    ]) {
      await admin.create(object);
      written.push(await admin.pathOf(object));
    }
    await until(() => allowed(admin, name, resources[0]!));
  }
  for (const path of written) await admin.remove(path);
}

async function allowed(admin: KubeAdmin, user: string, resource: string): Promise<boolean> {
  const review = await admin.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user, resourceAttributes: { group: "settled", resource, verb: "get", namespace: "default" } },
  });
  return (JSON.parse(review.text) as { status?: { allowed?: boolean } }).status?.allowed ?? false;
}
