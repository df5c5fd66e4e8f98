/** What an answer that is no success becomes: facts to decide by, and a message in which nothing of it is repeated. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { refusalOf } from "../../../plugin/kube/client/refusal.ts";
import type { KubeFailure } from "../../../plugin/kube/contract.ts";

const canary = "hunter2-canary";

interface Row {
  readonly name: string;
  readonly status: number;
  readonly document: unknown;
  readonly is: Partial<Pick<KubeFailure, "admission" | "reason" | "refusal">> & { readonly fields?: readonly string[] };
  /** The message after `create secrets shop/db: `. */
  readonly says: string;
}

const says = (code: number, reason: string, message: string, details: object = {}): unknown => ({
  kind: "Status",
  status: "Failure",
  code,
  reason,
  message,
  details,
});

const rows: readonly Row[] = [
  {
    name: "a missing right",
    status: 403,
    document: says(
      403,
      "Forbidden",
      `secrets "db" is forbidden: User "system:serviceaccount:kf:${canary}" cannot create resource "secrets" in API group "" in the namespace "shop"`,
    ),
    is: { reason: "Forbidden", refusal: "rights" },
    says: "this process may not do that; add the verb to its Role (403)",
  },
  {
    name: "a used-up quota",
    status: 403,
    document: says(
      403,
      "Forbidden",
      `secrets "db" is forbidden: exceeded quota: ${canary}, requested: count/secrets=1`,
    ),
    is: { reason: "Forbidden", refusal: "quota" },
    says: "the namespace's quota is used up; raise its ResourceQuota (403)",
  },
  {
    name: "a namespace that is being deleted",
    status: 403,
    document: says(403, "Forbidden", `secrets "db" is forbidden: ${canary}`, {
      causes: [{ reason: "NamespaceTerminating", field: "metadata.namespace" }],
    }),
    is: { refusal: "namespace_terminating", fields: [] },
    says: "the namespace is being deleted (403)",
  },
  {
    name: "a 403 of another kind",
    status: 403,
    document: says(403, "Forbidden", `secrets "db" is forbidden: ${canary}`),
    is: { refusal: undefined },
    says: "the API server forbids it (403)",
  },
  {
    name: "a webhook's no",
    status: 403,
    document: says(403, "Forbidden", `admission webhook "validate.kyverno.svc" denied the request: ${canary}`),
    is: { refusal: "admission", admission: "validate.kyverno.svc" },
    says: "the admission webhook validate.kyverno.svc refuses it (403)",
  },
  {
    name: "a webhook's no that looks like an invalid field",
    status: 422,
    document: says(422, "Invalid", `admission webhook "v.x.io" denied the request: no`, {
      causes: [{ reason: "FieldValueInvalid", field: canary, message: canary }],
    }),
    is: { refusal: "admission", fields: [] },
    says: "the admission webhook v.x.io refuses it (422)",
  },
  {
    name: "a policy's no",
    status: 422,
    document: says(
      422,
      "Invalid",
      `secrets "db" is forbidden: ValidatingAdmissionPolicy 'keyferry-managed' with binding 'b' denied request: ${canary}`,
    ),
    is: { refusal: "admission", admission: "keyferry-managed" },
    says: "the admission policy keyferry-managed refuses it (422)",
  },
  {
    name: "a text that quotes a policy's no is not one",
    status: 403,
    document: says(403, "Forbidden", `x: ValidatingAdmissionPolicy '${canary}' denied`),
    is: { refusal: undefined, admission: undefined },
    says: "the API server forbids it (403)",
  },
  {
    name: "a webhook that does not answer",
    status: 500,
    document: says(500, "InternalError", `Internal error occurred: failed calling webhook "v.x.io": ${canary}`),
    is: { reason: "InternalError", refusal: undefined },
    says: "the admission webhook v.x.io does not answer (500)",
  },
  {
    name: "a namespace that is missing",
    status: 404,
    document: says(404, "NotFound", `namespaces "shop" not found`, { kind: "namespaces", name: "shop" }),
    is: { reason: "NotFound", refusal: "namespace_missing" },
    says: "the namespace does not exist; create it (404)",
  },
  {
    name: "a resource that is not installed",
    status: 404,
    document: "404 page not found",
    is: { reason: "", refusal: undefined },
    says: "the API server does not know this resource; install its CRD (404)",
  },
  {
    name: "an object that is missing",
    status: 404,
    document: says(404, "NotFound", `secrets "${canary}" not found`, { kind: "secrets", name: canary }),
    is: { reason: "NotFound", refusal: undefined },
    says: "there is no such object (404)",
  },
  {
    name: "an object that is there already",
    status: 409,
    document: says(409, "AlreadyExists", `secrets "${canary}" already exists`, { kind: "secrets", name: canary }),
    is: { reason: "AlreadyExists" },
    says: "it exists already (409)",
  },
  {
    name: "another's write in between",
    status: 409,
    document: says(409, "Conflict", `Operation cannot be fulfilled on secrets "db": ${canary}`),
    is: { reason: "Conflict" },
    says: "somebody else changed it in between (409)",
  },
  {
    name: "an immutable Secret",
    status: 422,
    document: says(
      422,
      "Invalid",
      'Secret "db" is invalid: data: Forbidden: field is immutable when `immutable` is set',
      {
        causes: [{ reason: "FieldValueForbidden", field: "data", message: canary }],
      },
    ),
    is: { reason: "Invalid", refusal: "immutable", fields: ["data"] },
    says: "it is immutable; delete it to have it made anew (422); it names data",
  },
  {
    name: "a Secret of more than 1 MiB",
    status: 422,
    document: says(422, "Invalid", 'Secret "db" is invalid: data: Too long: may not be more than 1048576 bytes', {
      causes: [{ reason: "FieldValueTooLong", field: "data" }],
    }),
    is: { refusal: "too_large" },
    says: "it is larger than the API server takes; split it (422); it names data",
  },
  {
    name: "a request that is too large",
    status: 413,
    document: says(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"),
    is: { reason: "RequestEntityTooLarge", refusal: "too_large" },
    says: "it is larger than the API server takes; split it (413)",
  },
  {
    name: "an object that etcd does not take",
    status: 500,
    document: says(500, "", "etcdserver: request is too large"),
    is: { refusal: "too_large" },
    says: "it is larger than the API server takes; split it (500)",
  },
  {
    name: "invalid fields",
    status: 422,
    document: says(422, "Invalid", `Secret "db" is invalid: data[b@d]: Invalid value: "${canary}"`, {
      causes: [
        { reason: "FieldValueInvalid", field: "data[a.b]", message: canary },
        { reason: "FieldValueInvalid", field: `data[${canary} with spaces]`, message: canary },
        { reason: "FieldValueInvalid", field: "data[a.b]", message: canary },
        ...[1, 2, 3, 4, 5, 6].map((n) => ({ reason: "FieldValueInvalid", field: `spec.f${n}`, message: canary })),
      ],
    }),
    is: { reason: "Invalid", refusal: undefined, fields: ["data[a.b]", "spec.f1", "spec.f2", "spec.f3", "spec.f4"] },
    says: "the API server finds it invalid (422); it names data[a.b], spec.f1, spec.f2, spec.f3, spec.f4",
  },
  {
    name: "an unknown reason",
    status: 418,
    document: says(418, canary, canary),
    is: { reason: "", refusal: undefined },
    says: "an answer that the API server should not give (418)",
  },
  {
    name: "no document at all",
    status: 503,
    document: undefined,
    is: { reason: "" },
    says: "the API server cannot answer now (503)",
  },
];

for (const { name, status, document, is, says: words } of rows) {
  test(`${name} is told in our words`, () => {
    const failure = refusalOf("create secrets shop/db", status, document);
    assert.equal(failure.message, `create secrets shop/db: ${words}`);
    assert.deepEqual([failure.status, failure.code], [status, "kube_unavailable"]);
    const found = Object.fromEntries(Object.keys(is).map((member) => [member, failure[member as keyof KubeFailure]]));
    assert.deepEqual(found, is);
    assert.ok(
      !inspect(failure, { depth: 10, showHidden: true }).includes(canary),
      "something of the answer was repeated",
    );
  });
}
