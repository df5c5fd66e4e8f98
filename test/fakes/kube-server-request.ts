/** A request to the fake API server, taken apart as an audit log shows it. */

export interface KubeRequestLine {
  /** As in RBAC: get, list, watch, create, update, patch, delete; empty for a path that is no resource. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Undefined: of cluster scope, or of all namespaces. */
  readonly namespace: string | undefined;
  /** Empty for a collection. */
  readonly name: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Of the Authorization header; empty when there is none. */
  readonly token: string;
  readonly userAgent: string;
  readonly contentType: string;
  readonly accept: string;
  readonly body: unknown;
  /** Undefined while it is not answered. */
  status: number | undefined;
}

export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const resourcePath =
  /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;
const verbs: Readonly<Record<string, string>> = {
  GET: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

export function readRequest({ method, url, headers, body }: RequestHead): KubeRequestLine {
  const { pathname, searchParams } = new URL(url, "http://fake");
  const found = resourcePath.exec(pathname);
  const [group = "", version = "", namespace, plural = "", name = "", subresource = ""] = (found ?? [])
    .slice(1)
    .map((part) => (part === undefined ? undefined : decodeURIComponent(part)));
  const reads = searchParams.get("watch") === "true" ? "watch" : name === "" ? "list" : "get";
  return {
    verb: !found ? "" : method === "GET" ? reads : (verbs[method] ?? ""),
    group,
    version,
    namespace,
    plural,
    name,
    subresource,
    path: pathname,
    query: searchParams,
    token: text(headers["authorization"]).replace(/^Bearer /, ""),
    userAgent: text(headers["user-agent"]),
    contentType: text(headers["content-type"]),
    accept: text(headers["accept"]),
    body: body === "" ? undefined : (JSON.parse(body) as unknown),
    status: undefined,
  };
}

function text(header: string | string[] | undefined): string {
  return typeof header === "string" ? header : "";
}
