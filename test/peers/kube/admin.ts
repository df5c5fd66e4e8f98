/**
 * The tests' own client of the API server: what an admin, or anyone the admin stands in for, does with kubectl.
 *
 * A path is everything after the host, query included (`objectPath` of objects.ts makes one).
 */
import { Agent, request } from "node:https";
import { parse } from "yaml";
import { until } from "../../scenario/program.ts";
import { type KubeObject, objectPath } from "./objects.ts";

export interface AdminOptions {
  readonly url: string;
  /** PEM. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** An answer with an error status; `status` is the HTTP code, `reason` that of the Status object. */
export class KubeRefusal extends Error {
  override readonly name = "KubeRefusal";
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface KubeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export type PatchKind = "merge" | "json" | "strategic";

export interface KubeAdmin {
  /** Any request; resolves for every status. An object is sent as JSON, a text as it is. */
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<KubeAnswer>;
  /** Rejects with KubeRefusal, as all below do. */
  get(path: string): Promise<KubeObject>;
  /** undefined when it is not there. */
  find(path: string): Promise<KubeObject | undefined>;
  list(path: string): Promise<KubeObject[]>;
  /** POST of one manifest (a text is one YAML document), validated strictly. */
  create(manifest: string | object): Promise<KubeObject>;
  /**
   * Server-side apply, validated strictly, of one object or of every document of a YAML text, in order; fields of other
   * managers are taken over. A CRD is waited for until it serves.
   */
  apply(manifest: string | object): Promise<KubeObject[]>;
  /** PUT of a whole object that was read before; `/status` of it with `subresource`. */
  replace(object: KubeObject, subresource?: string): Promise<KubeObject>;
  /** Default "merge"; `path` may name a subresource. */
  patch(path: string, patch: unknown, kind?: PatchKind): Promise<KubeObject>;
  /** `propagation` default Background. Does not wait for finalizers. */
  remove(path: string, propagation?: "Background" | "Foreground" | "Orphan"): Promise<void>;
  /** The path of a manifest's object, by discovery. */
  pathOf(manifest: object): Promise<string>;
  /** Makes a Namespace and waits for its `default` ServiceAccount. */
  createNamespace(name: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  /** The object once `state` holds for it (a throw counts as "not yet"); undefined stands for an absent object. */
  waitFor(path: string, state: (object: KubeObject) => unknown, patienceMs?: number): Promise<KubeObject>;
  waitGone(path: string, patienceMs?: number): Promise<void>;
  /**
   * The same client as somebody else. `groups` default system:masters, so that only the name differs; `manager` is the
   * field manager and the user agent, default the user's name.
   */
  as(user: string, options?: { groups?: readonly string[]; manager?: string }): KubeAdmin;
  close(): void;
}

export function connectAdmin(options: AdminOptions): KubeAdmin {
  const agent = new Agent({
    keepAlive: true,
    ca: options.authority,
    cert: options.certificate,
    key: options.key,
  });
  const resources = new Map<string, Resource[]>();
  return clientOf({ url: options.url, agent, resources, manager: "keyferry-tests", headers: {} });
}

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

interface Wiring {
  readonly url: string;
  readonly agent: Agent;
  /** What discovery said, by apiVersion. */
  readonly resources: Map<string, Resource[]>;
  readonly manager: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

const patchTypes: Readonly<Record<PatchKind | "apply", string>> = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

function clientOf(wiring: Wiring): KubeAdmin {
  const call: KubeAdmin["request"] = (method, path, body, headers) => send(wiring, method, path, body, headers);
  const ask = async (...args: Parameters<KubeAdmin["request"]>): Promise<KubeObject> => {
    const { status, text } = await call(...args);
    if (status >= 300) throw refusal(args[0], args[1], status, text);
    return JSON.parse(text) as KubeObject;
  };
  const strict = `fieldManager=${encodeURIComponent(wiring.manager)}&fieldValidation=Strict`;
  const pathOf: KubeAdmin["pathOf"] = (manifest) => discover(wiring, ask, manifest as KubeObject);
  const find: KubeAdmin["find"] = (path) =>
    ask("GET", path).catch((problem: unknown) => {
      if (problem instanceof KubeRefusal && problem.status === 404) return undefined;
      throw problem;
    });
  const waitFor: KubeAdmin["waitFor"] = (path, state, patienceMs) =>
    until(async () => {
      const object = await ask("GET", path);
      if (await state(object)) return object;
      throw new Error(
        `${path} is not there yet: ${JSON.stringify({ ...object.metadata, managedFields: 0, ...object.status })}`,
      );
    }, patienceMs);

  const client: KubeAdmin = {
    request: call,
    get: (path) => ask("GET", path),
    find,
    list: async (path) => (await ask("GET", path))["items"] as KubeObject[],
    async create(manifest) {
      const body = typeof manifest === "string" ? (parse(manifest) as object) : manifest;
      const path = await pathOf(body);
      return ask("POST", `${path.slice(0, path.lastIndexOf("/"))}?${strict}`, body);
    },
    async apply(manifest) {
      const applied: KubeObject[] = [];
      for (const document of typeof manifest === "string" ? splitDocuments(manifest) : [manifest]) {
        const path = await pathOf(typeof document === "string" ? (parse(document) as object) : document);
        const type = { "content-type": patchTypes.apply };
        applied.push(await ask("PATCH", `${path}?${strict}&force=true`, document, type));
        if (applied.at(-1)!.kind === "CustomResourceDefinition") await waitFor(path, serves);
      }
      return applied;
    },
    async replace(object, subresource) {
      const path = await pathOf(object);
      return ask("PUT", `${path}${subresource === undefined ? "" : `/${subresource}`}?${strict}`, object);
    },
    patch: (path, patch, kind = "merge") => ask("PATCH", path, patch, { "content-type": patchTypes[kind] }),
    async remove(path, propagation = "Background") {
      await ask("DELETE", path, { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: propagation });
    },
    pathOf,
    async createNamespace(name, labels = {}) {
      await client.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
      await waitFor(objectPath("v1", "serviceaccounts", name, "default"), () => true);
    },
    waitFor,
    waitGone: async (path, patienceMs) => void (await until(async () => (await find(path)) === undefined, patienceMs)),
    as: (user, { groups = ["system:masters"], manager = user } = {}) =>
      clientOf({ ...wiring, manager, headers: { "impersonate-user": user, "impersonate-group": [...groups] } }),
    close: () => wiring.agent.destroy(),
  };
  return client;
}

function serves(definition: KubeObject): boolean {
  const held = (type: string): boolean =>
    definition.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
  return held("Established") && held("NamesAccepted");
}

/** The texts between `---` lines that hold more than comments: the API server parses them itself. */
function splitDocuments(text: string): string[] {
  return text.split(/^---[ \t]*$/m).filter((document) => /^[ \t]*[^#\s]/m.test(document));
}

function refusal(method: string, path: string, status: number, text: string): KubeRefusal {
  let told: { reason?: string; message?: string } = {};
  try {
    told = JSON.parse(text) as typeof told;
  } catch {
    // Some refusals are plain text.
  }
  return new KubeRefusal(status, told.reason ?? "", `${method} ${path}: ${status} ${told.message ?? text}`);
}

async function discover(
  wiring: Wiring,
  ask: (method: string, path: string) => Promise<KubeObject>,
  manifest: KubeObject,
): Promise<string> {
  const { apiVersion, kind, metadata } = manifest;
  const known = (): Resource | undefined =>
    wiring.resources.get(apiVersion)?.find((resource) => resource.kind === kind && !resource.name.includes("/"));
  // A CRD is in the discovery documents a moment after it is established.
  const resource = await until(async () => {
    if (!known()) {
      const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      wiring.resources.set(apiVersion, (await ask("GET", root))["resources"] as Resource[]);
    }
    return known() ?? Promise.reject(new Error(`the API server does not know ${apiVersion} ${kind}`));
  }, 5_000);
  const namespace = resource.namespaced ? (metadata.namespace ?? "default") : undefined;
  return objectPath(apiVersion, resource.name, namespace, metadata.name);
}

function send(
  wiring: Wiring,
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<KubeAnswer> {
  const bytes = Buffer.from(typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const sent = request(`${wiring.url}${path}`, {
      method,
      agent: wiring.agent,
      headers: {
        accept: "application/json",
        "user-agent": wiring.manager,
        // Node frames the body of a DELETE in no way by itself.
        ...(body === undefined ? {} : { "content-type": "application/json", "content-length": bytes.length }),
        ...wiring.headers,
        ...headers,
      },
    });
    sent.on("error", reject);
    sent.on("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("error", reject);
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
    });
    sent.end(bytes);
  });
}
