/** The API client of this process: requests on any resource, and mirrors, over one connection's credentials. */
import type { Log } from "../../observe/log.ts";
import type { KubeApi, KubeClient, KubeObject, ListPage, PatchOptions, ResourceKind } from "../contract.ts";
import { KubeFailure } from "../contract.ts";
import { exchange } from "./exchange.ts";
import type { ExchangeDeps, KubeCall } from "./exchange.ts";
import { listWhole } from "./list.ts";
import { createMirror } from "./mirror.ts";
import { collectionPath, objectPath, plainName, selectionQuery, withQuery } from "./path.ts";

export interface KubeClientDeps extends ExchangeDeps {
  readonly log: Log;
}

const pageSize = 500;

const patchTypes: Readonly<Record<PatchOptions["type"], string>> = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  // JSON is YAML.
  apply: "application/apply-patch+yaml",
};

export function createKubeClient(deps: KubeClientDeps): KubeClient {
  const api = createApi(deps);
  return {
    ...api,
    mirror: (options) => createMirror({ ...deps, api }, options),
    async listAll(kind, selection, keep, signal) {
      const { items } = await listWhole(api, { ...selection, kind, keep, pageSize }, signal);
      return items;
    },
    namespace: deps.connection.namespace,
  };
}

function createApi(deps: ExchangeDeps): KubeApi {
  const send = (call: KubeCall, signal: AbortSignal): Promise<unknown> => exchange(deps, call, signal);
  const sendForObject = async (call: KubeCall, signal: AbortSignal): Promise<KubeObject> =>
    asObject(call.what, await send(call, signal));
  return {
    async get(kind, name, signal) {
      const what = words("get", kind, name.namespace, name.name);
      return unlessMissing(sendForObject({ method: "GET", path: objectPath(kind, name), what }, signal));
    },
    getPath: (path, signal) => unlessMissing(send({ method: "GET", path, what: `get ${path}` }, signal)),
    async listPage(kind, { limit, continue: token, ...selection }, signal) {
      const query = { ...selectionQuery(selection), limit, continue: token };
      const path = withQuery(collectionPath(kind, selection.namespace), query);
      const what = words("list", kind, selection.namespace);
      return asPage(what, kind, await send({ method: "GET", path, what, large: true }, signal));
    },
    create(kind, object, signal, { subresource, fieldManager } = {}) {
      const { name, namespace = "" } = object.metadata;
      const path =
        subresource === undefined
          ? collectionPath(kind, kind.namespaced ? namespace : undefined)
          : objectPath(kind, { namespace, name }, subresource);
      const what = words("create", kind, namespace, name, subresource);
      return sendForObject({ method: "POST", path: withQuery(path, { fieldManager }), what, body: object }, signal);
    },
    replace(kind, object, signal, { subresource, fieldManager } = {}) {
      const { name, namespace = "" } = object.metadata;
      const path = withQuery(objectPath(kind, { namespace, name }, subresource), { fieldManager });
      const what = words("update", kind, namespace, name, subresource);
      return sendForObject({ method: "PUT", path, what, body: object }, signal);
    },
    patch(kind, name, body, signal, { type, force, subresource, fieldManager }) {
      const path = withQuery(objectPath(kind, name, subresource), { fieldManager, force });
      const what = words("patch", kind, name.namespace, name.name, subresource);
      return sendForObject({ method: "PATCH", path, what, body, contentType: patchTypes[type] }, signal);
    },
    async remove(kind, name, signal, only = {}) {
      const what = words("delete", kind, name.namespace, name.name);
      const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions: only, propagationPolicy: "Background" };
      const done = await unlessMissing(send({ method: "DELETE", path: objectPath(kind, name), what, body }, signal));
      return done !== undefined;
    },
  };
}

/** For messages: `update secrets shop/db`, `list externalsecrets.external-secrets.io in shop`. */
function words(verb: string, kind: ResourceKind, namespace = "", name = "", subresource = ""): string {
  const resource = `${verb} ${plainName(kind)}${subresource && `/${subresource}`}`;
  if (name === "") return namespace === "" ? resource : `${resource} in ${namespace}`;
  return namespace === "" ? `${resource} ${name}` : `${resource} ${namespace}/${name}`;
}

/** Of a namespace that is missing, too, every object is. A webhook may say no with a 404 as well. */
async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof KubeFailure && thrown.status === 404 && thrown.refusal !== "admission") return undefined;
    throw thrown;
  }
}

function asObject(what: string, document: unknown): KubeObject {
  if (isObject(document) && isObject(document["metadata"])) return document as KubeObject;
  throw notOurs(what);
}

/** Items of built-in resources come without apiVersion and kind. */
function asPage(what: string, kind: ResourceKind, document: unknown): ListPage {
  if (!isObject(document) || !isObject(document["metadata"])) throw notOurs(what);
  const { resourceVersion, continue: token } = document["metadata"];
  const items = document["items"] ?? [];
  if (!Array.isArray(items) || typeof resourceVersion !== "string" || resourceVersion === "") throw notOurs(what);
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  return {
    items: items.map((item) => ({ apiVersion, kind: kind.kind, ...asItem(what, item) })),
    resourceVersion,
    ...(typeof token === "string" && token !== "" ? { continue: token } : {}),
  };
}

function asItem(what: string, item: unknown): KubeObject {
  const object = asObject(what, item);
  if (typeof object.metadata.name === "string") return object;
  throw notOurs(what);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notOurs(what: string): KubeFailure {
  return new KubeFailure(`${what}: the answer is not what an API server sends`, { status: 0 });
}
