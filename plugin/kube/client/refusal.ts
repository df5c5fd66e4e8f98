/**
 * What an answer that is no success means, in our words.
 *
 * A Status' text may quote what was written, and webhooks may put anything into it: only words from the tables here,
 * and the names that the API server itself puts around a webhook's or policy's text, are repeated.
 */
import type { KubeReason, RefusalCause } from "../contract.ts";
import { KubeFailure } from "../contract.ts";

interface StatusDocument {
  readonly reason: string;
  readonly message: string;
  readonly kind: string;
  readonly causes: readonly { readonly reason: string; readonly message: string; readonly field: string }[];
}

interface Finding {
  readonly refusal?: RefusalCause;
  readonly admission?: string;
  /** What happened and the way out. */
  readonly text: string;
}

const reasons: ReadonlySet<string> = new Set<KubeReason>([
  "AlreadyExists",
  "BadRequest",
  "Conflict",
  "Expired",
  "Forbidden",
  "Gone",
  "InternalError",
  "Invalid",
  "MethodNotAllowed",
  "NotFound",
  "RequestEntityTooLarge",
  "ServerTimeout",
  "ServiceUnavailable",
  "Timeout",
  "TooManyRequests",
  "Unauthorized",
  "UnsupportedMediaType",
]);

/** `what` was asked, e.g. `create secrets shop/db`; `document` is the answer's body as far as it is JSON. */
export function refusalOf(what: string, status: number, document: unknown, retryAfterMs?: number): KubeFailure {
  const said = readStatus(document);
  const byAdmission = admissionFinding(said);
  const { refusal, admission, text } = byAdmission ?? find(status, said);
  const fields = byAdmission || status !== 422 ? [] : fieldNames(said);
  const named = fields.length > 0 ? `; it names ${fields.join(", ")}` : "";
  return new KubeFailure(`${what}: ${text} (${status})${named}`, {
    status,
    reason: reasons.has(said.reason) ? (said.reason as KubeReason) : "",
    fields,
    refusal,
    admission,
    retryAfterMs,
  });
}

const byStatus: Readonly<Record<number, string>> = {
  400: "the API server does not understand the request",
  401: "the API server does not accept the credentials of this process; check its service account or kubeconfig",
  404: "the API server does not know this resource; install its CRD",
  405: "the API server does not offer this verb here",
  409: "somebody else changed it in between",
  410: "the state that was asked for is no longer kept",
  415: "the API server does not take this kind of patch",
  422: "the API server finds it invalid",
  429: "the API server asks to slow down",
};

function find(status: number, said: StatusDocument): Finding {
  const cause = (reason: string): boolean => said.causes.some((each) => each.reason === reason);
  if (status === 403) return forbidden(said, cause("NamespaceTerminating"));
  if (status === 404 && said.kind === "namespaces")
    return { refusal: "namespace_missing", text: "the namespace does not exist; create it" };
  const tooLong =
    cause("FieldValueTooLong") && /may not be more than \d+ bytes|must have at most \d+ bytes/i.test(said.message);
  if (status === 413 || tooLong || /request is too large|larger than max/.test(said.message))
    return { refusal: "too_large", text: "it is larger than the API server takes; split it" };
  if (status === 422 && /field is immutable/.test(said.message))
    return { refusal: "immutable", text: "it is immutable; delete it to have it made anew" };
  if (said.reason === "NotFound") return { text: "there is no such object" };
  if (said.reason === "AlreadyExists") return { text: "it exists already" };
  const other = status >= 500 ? "the API server cannot answer now" : "an answer that the API server should not give";
  return { text: byStatus[status] ?? other };
}

function forbidden(said: StatusDocument, terminating: boolean): Finding {
  if (terminating || /because it is being terminated/.test(said.message))
    return { refusal: "namespace_terminating", text: "the namespace is being deleted" };
  if (/is forbidden: exceeded quota: /.test(said.message))
    return { refusal: "quota", text: "the namespace's quota is used up; raise its ResourceQuota" };
  if (/ cannot \S+ (resource|path) "/.test(said.message))
    return { refusal: "rights", text: "this process may not do that; add the verb to its Role" };
  return { text: "the API server forbids it" };
}

const webhook = /^admission webhook "([a-z0-9.-]{1,253})" denied the request/;
const policy = /^(?:[a-z0-9.-]+(?: "[^"]*")? is forbidden: )?ValidatingAdmissionPolicy '([a-z0-9.-]{1,253})'/;
const silentWebhook = /failed calling webhook "([a-z0-9.-]{1,253})"/;

function admissionFinding({ message }: StatusDocument): Finding | undefined {
  const byWebhook = webhook.exec(message)?.[1];
  if (byWebhook)
    return { refusal: "admission", admission: byWebhook, text: `the admission webhook ${byWebhook} refuses it` };
  const byPolicy = policy.exec(message)?.[1];
  if (byPolicy)
    return { refusal: "admission", admission: byPolicy, text: `the admission policy ${byPolicy} refuses it` };
  const silent = silentWebhook.exec(message)?.[1];
  if (silent) return { text: `the admission webhook ${silent} does not answer` };
  return undefined;
}

const shownFields = 5;
const fieldName = /^[A-Za-z][A-Za-z0-9_.[\]/-]{0,199}$/;

function fieldNames(said: StatusDocument): readonly string[] {
  const names = said.causes.map(({ field }) => field).filter((field) => fieldName.test(field));
  return [...new Set(names)].slice(0, shownFields);
}

function readStatus(document: unknown): StatusDocument {
  const status = members(document);
  const details = members(status["details"]);
  const causes = Array.isArray(details["causes"]) ? details["causes"] : [];
  return {
    reason: word(status["reason"]),
    message: word(status["message"]),
    kind: word(details["kind"]),
    causes: causes.map(members).map((cause) => ({
      reason: word(cause["reason"]),
      message: word(cause["message"]),
      field: word(cause["field"]),
    })),
  };
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}
