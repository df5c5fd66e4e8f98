/** The API server's audit log: who asked for what, and what the answer was. */
import { readFile } from "node:fs/promises";

/** Every request, without bodies. */
export const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata" }],
};

export interface AuditEvent {
  /** The user whose rights counted: for an impersonated request the impersonated one. */
  readonly user: string;
  /** The one who sent the request. */
  readonly sender: string;
  readonly userAgent: string;
  /** get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb: string;
  /** "" in group, resource and the others below where the request has none. */
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Path and query. */
  readonly uri: string;
  /** HTTP status; of a watch that still runs, 200. */
  readonly status: number;
  /** What allowed or denied it, e.g. `RBAC: allowed by RoleBinding "…"`; "" where nothing was said. */
  readonly reason: string;
  /** What admission noted, policies among it. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Arrival, epoch milliseconds. */
  readonly atMs: number;
}

/** Every given member must be equal; of a list, one of it. */
export interface AuditFilter {
  readonly user?: string;
  readonly verb?: string | readonly string[];
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly status?: number;
  /** Arrived at or after this. */
  readonly sinceMs?: number;
}

/** The verbs that change something. */
export const writingVerbs = ["create", "update", "patch", "delete", "deletecollection"] as const;

export async function readAudit(path: string, filter: AuditFilter = {}): Promise<AuditEvent[]> {
  const byId = new Map<string, AuditEvent>();
  const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
  // The last part is empty, or a line that is being written.
  for (const line of lines.slice(0, -1)) {
    const record = JSON.parse(line) as AuditRecord;
    // A watch has a line for its begin and one for its end: the later one replaces the first in its place.
    byId.set(record.auditID, eventOf(record));
  }
  return [...byId.values()].filter((event) => matches(event, filter)).sort((a, b) => a.atMs - b.atMs);
}

function matches(event: AuditEvent, { sinceMs = 0, verb, ...equal }: AuditFilter): boolean {
  const verbs = verb === undefined ? [event.verb] : [verb].flat();
  return (
    event.atMs >= sinceMs &&
    verbs.includes(event.verb) &&
    Object.entries(equal).every(([member, value]) => value === undefined || event[member as keyof AuditEvent] === value)
  );
}

interface AuditRecord {
  readonly auditID: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly requestReceivedTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function eventOf(record: AuditRecord): AuditEvent {
  const { objectRef = {} } = record;
  return {
    user: (record.impersonatedUser ?? record.user).username,
    sender: record.user.username,
    userAgent: record.userAgent ?? "",
    verb: record.verb,
    group: objectRef.apiGroup ?? "",
    resource: objectRef.resource ?? "",
    subresource: objectRef.subresource ?? "",
    namespace: objectRef.namespace ?? "",
    name: objectRef.name ?? "",
    uri: record.requestURI,
    status: record.responseStatus?.code ?? 0,
    reason: record.annotations?.["authorization.k8s.io/reason"] ?? "",
    annotations: record.annotations ?? {},
    atMs: Date.parse(record.requestReceivedTimestamp),
  };
}
