/** What an API server says when it says no: Status documents with Kubernetes' own codes, reasons and causes. */

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusWish {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  /** `details.kind`. */
  readonly kind?: string;
  readonly causes?: readonly StatusCause[];
}

/** Thrown inside the fake, answered with its code. */
export class KubeRefusal extends Error {
  readonly wish: StatusWish;
  constructor(wish: StatusWish) {
    super(wish.message);
    this.wish = wish;
  }
}

export function statusDocument({ code, reason, message, kind, causes }: StatusWish): object {
  const details = { ...(kind ? { kind } : {}), ...(causes ? { causes } : {}) };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, details, code };
}

export const refused = {
  missing: (plural: string, name: string) =>
    new KubeRefusal({ code: 404, reason: "NotFound", message: `${plural} "${name}" not found`, kind: plural }),
  exists: (plural: string, name: string) =>
    new KubeRefusal({
      code: 409,
      reason: "AlreadyExists",
      message: `${plural} "${name}" already exists`,
      kind: plural,
    }),
  conflict: (plural: string, name: string) =>
    new KubeRefusal({
      code: 409,
      reason: "Conflict",
      message: `Operation cannot be fulfilled on ${plural} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      kind: plural,
    }),
  expired: (what: string) => new KubeRefusal({ code: 410, reason: "Expired", message: what }),
  invalid: (plural: string, name: string, causes: readonly StatusCause[]) =>
    new KubeRefusal({
      code: 422,
      reason: "Invalid",
      message: `${plural} "${name}" is invalid: ${causes.map((cause) => `${cause.field}: ${cause.message}`).join(", ")}`,
      kind: plural,
      causes,
    }),
  forbidden: (verb: string, plural: string, group: string) =>
    new KubeRefusal({
      code: 403,
      reason: "Forbidden",
      message: `${plural} is forbidden: User "system:serviceaccount:test:test" cannot ${verb} resource "${plural}" in API group "${group}"`,
      kind: plural,
    }),
  terminating: (plural: string, name: string, namespace: string) =>
    new KubeRefusal({
      code: 403,
      reason: "Forbidden",
      message: `${plural} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
      kind: plural,
      causes: [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${namespace} is being terminated`,
          field: "metadata.namespace",
        },
      ],
    }),
  unauthorized: () => new KubeRefusal({ code: 401, reason: "Unauthorized", message: "Unauthorized" }),
  bad: (message: string) => new KubeRefusal({ code: 400, reason: "BadRequest", message }),
};
