/**
 * Secret Manager as Google runs it, as far as reading goes: secrets, versions and their states, aliases, filters, pages,
 * and who may do what. Knows no transport; test/fakes/gcp-rest.ts and gcp-grpc.ts speak for it.
 */

export type VersionState = "ENABLED" | "DISABLED" | "DESTROYED";

/** As gRPC numbers them. */
export const codes = {
  INVALID_ARGUMENT: [3, 400],
  NOT_FOUND: [5, 404],
  PERMISSION_DENIED: [7, 403],
  RESOURCE_EXHAUSTED: [8, 429],
  FAILED_PRECONDITION: [9, 400],
  UNIMPLEMENTED: [12, 501],
  UNAUTHENTICATED: [16, 401],
} as const;

export class GcpProblem extends Error {
  override readonly name = "GcpProblem";
  readonly status: keyof typeof codes;
  constructor(status: keyof typeof codes, message: string) {
    super(message);
    this.status = status;
  }
}

export interface NewSecret {
  readonly project?: string;
  readonly location?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** From the oldest; a function answers each principal in its own way. */
  readonly versions?: readonly (string | Buffer | ((principal: string) => string))[];
  readonly aliases?: Readonly<Record<string, number>>;
}

interface Version {
  readonly number: number;
  readonly data: (principal: string) => Buffer;
  state: VersionState;
}

interface Secret {
  readonly parent: string;
  readonly id: string;
  readonly given: NewSecret;
  readonly versions: Version[];
}

/** One request, whatever it came by. */
export interface SecretRequest {
  readonly method: "accessSecretVersion" | "getSecret" | "listSecrets" | "listSecretVersions" | "renderParameter";
  /** The resource: of a listing its parent. */
  readonly name: string;
  readonly filter?: string;
  readonly pageSize?: number;
  readonly pageToken?: string;
}

export interface SecretCall extends SecretRequest {
  readonly principal: string;
}

export interface AccessAnswer {
  readonly name: string;
  readonly data: Buffer;
}

/** Google answers with the project's number, whatever it was asked by. */
export const projectNumber = "123456789012";

export function createGcpSecrets() {
  const secrets = new Map<string, Secret>();
  /** Of Parameter Manager: texts that may refer to secrets, by the names of their versions. */
  const parameters = new Map<string, string>();
  const calls: SecretCall[] = [];
  /** `right resource` of each principal; a principal without an entry may do everything. */
  const rights = new Map<string, readonly string[]>();
  let planned: { readonly problem: GcpProblem; after: number } | undefined;

  const parentOf = ({ project = "shop", location }: NewSecret): string =>
    location === undefined ? `projects/${project}` : `projects/${project}/locations/${location}`;
  const answered = (name: string): string => name.replace(/^projects\/[^/]+/, `projects/${projectNumber}`);

  function find(name: string): Secret {
    const found = secrets.get(name);
    if (!found) throw new GcpProblem("NOT_FOUND", `Secret [${answered(name)}] not found.`);
    return found;
  }

  function access(name: string, principal: string): AccessAnswer {
    const [, secretName = "", wanted = ""] = /^(.*)\/versions\/([^/]+)$/.exec(name) ?? [];
    const secret = secrets.get(secretName);
    if (!secret || secret.versions.length === 0)
      throw new GcpProblem("NOT_FOUND", `Secret [${answered(secretName)}] not found or has no versions.`);
    const number = wanted === "latest" ? secret.versions.length : (secret.given.aliases?.[wanted] ?? Number(wanted));
    const version = secret.versions.find((one) => one.number === number);
    const full = `${answered(secretName)}/versions/${number}`;
    if (!version) throw new GcpProblem("NOT_FOUND", `Secret Version [${full}] not found.`);
    if (version.state !== "ENABLED")
      throw new GcpProblem("FAILED_PRECONDITION", `Secret Version [${full}] is in ${version.state} state.`);
    return { name: full, data: version.data(principal) };
  }

  /** As Google fills in what `__REF__(…)` names: under the parameter's own identity, which here may read everything. */
  function render(name: string, principal: string): { readonly rendered: AccessAnswer } {
    const text = parameters.get(name);
    if (text === undefined) throw new GcpProblem("NOT_FOUND", `Resource '${name}' was not found`);
    const filled = text.replace(/__REF__\(\/\/secretmanager\.googleapis\.com\/([^)]+)\)/g, (_all, secret: string) =>
      access(secret, principal).data.toString("utf8"),
    );
    return { rendered: { name: answered(name), data: Buffer.from(filled) } };
  }

  return {
    setParameter: (name: string, text: string) => void parameters.set(name, text),
    calls: calls as readonly SecretCall[],
    set(id: string, given: NewSecret = {}) {
      const parent = parentOf(given);
      const versions = (given.versions ?? [`value of ${id}`]).map((data, i) => ({
        number: i + 1,
        data: (principal: string) => Buffer.from(typeof data === "function" ? data(principal) : data),
        state: "ENABLED" as const,
      }));
      secrets.set(`${parent}/secrets/${id}`, { parent, id, given, versions });
    },
    setState(name: string, number: number, state: VersionState) {
      find(name).versions.find((one) => one.number === number)!.state = state;
    },
    limit: (principal: string, allowed: readonly string[]) => void rights.set(principal, allowed),
    /** What one request gets, whoever sends it, after so many others. */
    failAfter: (after: number, problem: GcpProblem) => void (planned = { problem, after }),
    /** Throws GcpProblem. */
    run(asked: SecretRequest, principal: string) {
      calls.push({ ...asked, principal });
      if (planned && planned.after-- === 0) {
        const { problem } = planned;
        planned = undefined;
        throw problem;
      }
      const { method, name } = asked;
      const own = rights.get(principal);
      if (own && !own.includes(`${method} ${name.replace(/\/versions\/[^/]+$/, "")}`))
        throw new GcpProblem("PERMISSION_DENIED", `Permission denied for ${method} on resource '${name}'.`);
      switch (method) {
        case "renderParameter":
          return render(name, principal);
        case "accessSecretVersion":
          return { access: access(name, principal) };
        case "getSecret": {
          const { given } = find(name);
          return { secrets: [shown(answered(name), given)] };
        }
        case "listSecrets":
          return paged(
            [...secrets.values()].filter((one) => one.parent === name && passes(asked.filter ?? "", one)),
            asked,
            (page) => ({ secrets: page.map(({ id, given }) => shown(`${answered(name)}/secrets/${id}`, given)) }),
          );
        case "listSecretVersions": {
          const wanted = /^state:(\w+)$/.exec(asked.filter ?? "")?.[1];
          const newestFirst = [...find(name).versions].reverse();
          return paged(
            newestFirst.filter(({ state }) => wanted === undefined || state === wanted),
            asked,
            (page) => ({
              versions: page.map(({ number, state }) => ({ name: `${answered(name)}/versions/${number}`, state })),
            }),
          );
        }
      }
    },
  };
}

export type GcpSecrets = ReturnType<typeof createGcpSecrets>;

export interface ShownSecret {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

function shown(name: string, { labels = {}, annotations = {} }: NewSecret): ShownSecret {
  return { name, labels, annotations };
}

/** `labels.team=a name:db`, all of which have to hold. */
function passes(filter: string, { id, given }: Secret): boolean {
  return filter
    .split(" ")
    .filter((part) => part !== "")
    .every((part) => {
      const label = /^labels\.([^=]+)=(.*)$/.exec(part);
      if (label) return given.labels?.[label[1]!] === label[2];
      const named = /^name:(.+)$/.exec(part);
      if (named) return id.includes(named[1]!);
      throw new GcpProblem("INVALID_ARGUMENT", `Invalid filter: ${part}`);
    });
}

function paged<T, A>(all: readonly T[], { pageSize = 0, pageToken = "" }: SecretRequest, answer: (page: T[]) => A) {
  const from = Number(pageToken === "" ? 0 : pageToken.replace("page-", ""));
  // The server gives no more than it likes, whatever it is asked for.
  const to = from + Math.min(pageSize === 0 ? 25_000 : pageSize, 2);
  return { ...answer(all.slice(from, to)), nextPageToken: to < all.length ? `page-${to}` : "", totalSize: all.length };
}
