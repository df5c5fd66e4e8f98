/** What each verb of the fake API server does with its objects. */
import { randomUUID } from "node:crypto";
import { refused } from "./kube-server-answers.ts";
import type { Writer } from "./kube-server-fields.ts";
import type { KubeObjects } from "./kube-server-objects.ts";
import type { Preconditions, ResourceName, StoredObject } from "./kube-server-types.ts";
import { jsonPatch, mergePatch } from "./kube-server-patch.ts";
import type { KubeRequestLine } from "./kube-server-request.ts";
import { selectorOf } from "./kube-server-selectors.ts";
import type { WatchWish } from "./kube-server-watch.ts";

/** Answers a POST; `line` has the body. */
export type Virtual = (line: KubeRequestLine) => object;

export interface KubeAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface KubeEndpoints {
  /** Throws KubeRefusal. */
  answer: (line: KubeRequestLine) => KubeAnswer;
  /** Throws KubeRefusal for a start that is refused at once. */
  watchWish: (line: KubeRequestLine) => WatchWish;
  put: (resource: ResourceName, object: StoredObject, manager: string) => StoredObject;
  remove: (resource: ResourceName, namespace: string, name: string) => void;
  compact: (form: "answer" | "event") => void;
  expireContinueTokens: () => void;
  uninstall: (resource: ResourceName, gone?: boolean) => void;
  answerPost: (place: string, virtual: Virtual) => void;
}

interface Snapshot {
  readonly rest: readonly StoredObject[];
  readonly version: string;
}

/** Steady, so that nothing that tests compare depends on the day. */
const startMs = Date.UTC(2026, 0, 1);

export function createKubeEndpoints(objects: KubeObjects): KubeEndpoints {
  const snapshots = new Map<string, Snapshot>();
  const gone = new Set<string>();
  const virtuals = new Map<string, Virtual>([["serviceaccounts/token", (line) => accountToken(objects, line)]]);
  let compacted = { before: 0, form: "answer" as "answer" | "event" };
  let writes = 0;
  const writerOf = (line: KubeRequestLine): Writer => ({
    manager: line.query.get("fieldManager") ?? (line.userAgent.split("/")[0] || "unknown"),
    operation: line.contentType.startsWith("application/apply-patch") ? "Apply" : "Update",
    subresource: line.subresource,
    time: timeOf(writes++),
  });
  const own = (manager: string, subresource = ""): Writer => ({
    manager,
    operation: "Update",
    subresource,
    time: timeOf(writes++),
  });
  const isCompacted = (line: KubeRequestLine): boolean =>
    Number(line.query.get("resourceVersion") ?? compacted.before) < compacted.before;

  const list = (line: KubeRequestLine): KubeAnswer => {
    const token = line.query.get("continue");
    const known = token === null ? undefined : snapshots.get(token);
    if (token !== null && !known)
      throw refused.expired("The provided continue parameter is too old to display a consistent list result.");
    const matches = selectorOf(line.query);
    const from = known ?? { rest: objects.all(line, line.namespace).filter(matches), version: objects.version };
    const limit = Number(line.query.get("limit") ?? Infinity);
    const items = from.rest.slice(0, limit).map((object) => shown(line, object));
    const rest = from.rest.slice(limit);
    const next = rest.length > 0 ? randomUUID() : "";
    if (next) snapshots.set(next, { rest, version: from.version });
    const metadata = {
      resourceVersion: from.version,
      ...(next ? { continue: next, remainingItemCount: rest.length } : {}),
    };
    return { status: 200, body: { kind: "List", apiVersion: apiVersionOf(line), metadata, items } };
  };
  const create = (line: KubeRequestLine): KubeAnswer => {
    const virtual = virtuals.get([line.plural, line.subresource].filter(Boolean).join("/"));
    if (virtual) return { status: 201, body: virtual(line) };
    const wish = bodyOf(line);
    const metadata = { ...wish.metadata, ...(line.namespace === undefined ? {} : { namespace: line.namespace }) };
    return { status: 201, body: shown(line, objects.create(line, { ...wish, metadata }, writerOf(line))) };
  };
  const update = (line: KubeRequestLine): KubeAnswer => {
    const body = bodyOf(line);
    if (body.metadata.name !== line.name) throw refused.bad("the name of the object does not match the URL");
    return { status: 200, body: shown(line, objects.replace(line, body, writerOf(line))) };
  };
  const patch = (line: KubeRequestLine): KubeAnswer => {
    const applies = line.contentType.startsWith("application/apply-patch");
    const before = objects.find(line, line.namespace ?? "", line.name);
    if (!before && applies) return create(line);
    if (!before) throw refused.missing(line.plural, line.name);
    const { resourceVersion: _, ...metadata } = before.metadata;
    const loose = { ...before, metadata };
    const now = line.contentType.startsWith("application/json-patch")
      ? jsonPatch(loose, line.body as Parameters<typeof jsonPatch>[1])
      : mergePatch(loose, line.body);
    return { status: 200, body: shown(line, objects.replace(line, now as StoredObject, writerOf(line))) };
  };
  const remove = (line: KubeRequestLine): KubeAnswer => {
    const { preconditions = {} } = (line.body ?? {}) as { preconditions?: Preconditions };
    const removed = objects.remove(line, line.namespace ?? "", line.name, writerOf(line), preconditions);
    return { status: 200, body: shown(line, removed) };
  };
  const get = (line: KubeRequestLine): KubeAnswer => ({
    status: 200,
    body: shown(line, objects.need(line, line.namespace ?? "", line.name)),
  });
  const byVerb: Readonly<Record<string, (line: KubeRequestLine) => KubeAnswer>> = {
    get,
    list,
    create,
    update,
    patch,
    delete: remove,
  };
  return {
    answer(line) {
      if (gone.has(`${line.group}/${line.plural}`)) return { status: 404, body: "404 page not found\n" };
      const act = byVerb[line.verb];
      if (!act) throw refused.bad(`no verb ${line.verb}`);
      return act(line);
    },
    watchWish(line) {
      if (gone.has(`${line.group}/${line.plural}`)) throw refused.missing(line.plural, "");
      const expired = isCompacted(line) ? refused.expired("too old resource version") : undefined;
      if (expired && compacted.form === "answer") throw expired;
      const { group, plural, namespace, query } = line;
      const shape = (object: StoredObject): StoredObject => shown(line, object);
      return { resource: { group, plural }, namespace, query, matches: selectorOf(query), lost: expired?.wish, shape };
    },
    put(resource, wish, manager) {
      const { name, namespace = "" } = wish.metadata;
      const before = objects.find(resource, namespace, name);
      const { resourceVersion: _version, uid: _uid, ...metadata } = wish.metadata;
      const free = { ...wish, metadata };
      if (!before) return objects.create(resource, free, own(manager));
      const written = objects.replace(resource, free, own(manager));
      return wish["status"] === undefined ? written : objects.replace(resource, free, own(manager, "status"));
    },
    remove: (resource, namespace, name) => void objects.remove(resource, namespace, name, own("kubectl-delete")),
    compact: (form) => void (compacted = { before: Number(objects.version), form }),
    expireContinueTokens: () => snapshots.clear(),
    uninstall({ group, plural }, isGone = true) {
      if (isGone) gone.add(`${group}/${plural}`);
      else gone.delete(`${group}/${plural}`);
    },
    answerPost: (place, virtual) => void virtuals.set(place, virtual),
  };
}

function bodyOf(line: KubeRequestLine): StoredObject {
  const body = line.body as StoredObject | undefined;
  if (typeof body?.metadata !== "object") throw refused.bad("the body is no object");
  return body;
}

function apiVersionOf({ group, version }: KubeRequestLine): string {
  return group === "" ? version : `${group}/${version}`;
}

function shown(line: KubeRequestLine, object: StoredObject): StoredObject {
  return { ...object, apiVersion: apiVersionOf(line) };
}

function timeOf(write: number): string {
  return new Date(startMs + write * 1_000).toISOString().replace(".000", "");
}

/** A TokenRequest's answer: a token that nobody can verify, for an account that exists. */
function accountToken(objects: KubeObjects, line: KubeRequestLine): object {
  const account = objects.need({ group: "", plural: "serviceaccounts" }, line.namespace ?? "", line.name);
  const spec = (line.body as { spec?: { audiences?: string[]; expirationSeconds?: number } }).spec ?? {};
  const claims = {
    sub: `system:serviceaccount:${line.namespace}:${line.name}`,
    aud: spec.audiences ?? [],
    "kubernetes.io": { namespace: line.namespace, serviceaccount: { name: line.name, uid: account.metadata.uid } },
    jti: randomUUID(),
  };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({ alg: "none" })}.${part(claims)}.`;
  const expirationTimestamp = new Date(startMs + (spec.expirationSeconds ?? 3_600) * 1_000).toISOString();
  return {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: {},
    spec,
    status: { token, expirationTimestamp },
  };
}
