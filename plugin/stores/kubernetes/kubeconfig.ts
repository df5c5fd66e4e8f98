/**
 * A kubeconfig that is kept in a Secret: its current context's cluster and user, by what the text itself holds.
 *
 * Whoever may write the Secret must not make this node run a program or read a file, so everything that would is refused,
 * and so is what cannot be honoured. Problems name fields and never quote the text.
 */
import { isMap } from "../../manifests/fields.ts";
import { parseYamlDocuments } from "../../manifests/yaml-text.ts";
import { readServer } from "./server.ts";

export interface Kubeconfig {
  /** Without a trailing slash. */
  readonly server: string;
  /** PEM; absent: the system's roots. */
  readonly ca?: string;
  readonly token?: string;
  /** PEM, both. */
  readonly pair?: { readonly certificate: string; readonly key: string };
}

export type ReadKubeconfig =
  | { readonly ok: true; readonly value: Kubeconfig }
  /** Begins with a verb: `has no current context`. */
  | { readonly ok: false; readonly problem: string };

type Fields = Readonly<Record<string, unknown>>;

const limits = { characters: 1024 * 1024, documents: 1, depth: 16 };

const files = "names a file, which would be one of this node; put its content into the kubeconfig";
const programs = "would run a program on this node; give the user a token or a client certificate";
const refusedOfUser: Readonly<Record<string, string>> = {
  exec: programs,
  "auth-provider": programs,
  tokenFile: files,
  "client-certificate": files,
  "client-key": files,
  username: "is a login that API servers no longer have; give a token or a client certificate",
  password: "is a login that API servers no longer have; give a token or a client certificate",
  as: "acts for somebody else, which is not supported; give that account's own credential",
};
const refusedOfCluster: Readonly<Record<string, string>> = {
  "certificate-authority": files,
  "insecure-skip-tls-verify": "would not check whom it talks to; give certificate-authority-data",
  "proxy-url": "names a proxy, which is not supported; give an address that is reached directly",
  "tls-server-name": "is not supported; use a name in the server's URL that its certificate lists",
};

/** Thrown inside this module alone. */
class Problem extends Error {}

export function readKubeconfig(text: string, plainHttp: boolean): ReadKubeconfig {
  try {
    return { ok: true, value: kubeconfigOf(text, plainHttp) };
  } catch (thrown) {
    if (thrown instanceof Problem) return { ok: false, problem: thrown.message };
    throw thrown;
  }
}

function kubeconfigOf(text: string, plainHttp: boolean): Kubeconfig {
  const [document] = parseYamlDocuments(text, limits);
  if (document && !document.ok) throw new Problem(`cannot be read: line ${document.line} is ${document.problem}`);
  if (!document || !isMap(document.value)) throw new Problem("is no kubeconfig");
  const config = document.value;
  const context = entry(config, "context", textAt(config, "current-context"));
  const cluster = entry(config, "cluster", textAt(context, "cluster"));
  const user = entry(config, "user", textAt(context, "user"));
  refuse(cluster, refusedOfCluster, "cluster");
  refuse(user, refusedOfUser, "user");
  const server = readServer(textAt(cluster, "server"), plainHttp);
  if (!server.ok) throw new Problem(`has a cluster whose server ${server.problem}`);
  const ca = pemAt(cluster, "certificate-authority-data");
  const token = textAt(user, "token").trim();
  const certificate = pemAt(user, "client-certificate-data");
  const key = pemAt(user, "client-key-data");
  if ((certificate === "") !== (key === ""))
    throw new Problem("has a user with one of client-certificate-data and client-key-data; give both");
  if (token === "" && certificate === "") throw new Problem("has a user without a token and a client certificate");
  return {
    server: server.url,
    ...(ca === "" ? {} : { ca }),
    ...(token === "" ? {} : { token }),
    ...(certificate === "" ? {} : { pair: { certificate, key } }),
  };
}

function entry(config: Fields, kind: "context" | "cluster" | "user", name: string): Fields {
  if (name === "") throw new Problem(kind === "context" ? "has no current-context" : `has a context without a ${kind}`);
  const list: unknown = config[`${kind}s`];
  const found = (Array.isArray(list) ? (list as unknown[]) : []).find((one) => isMap(one) && one["name"] === name);
  const fields = isMap(found) ? found[kind] : undefined;
  if (isMap(fields)) return fields;
  throw new Problem(`lacks the ${kind} that its ${kind === "context" ? "current-context" : "context"} names`);
}

function refuse(fields: Fields, refused: Readonly<Record<string, string>>, where: string): void {
  for (const [name, why] of Object.entries(refused))
    if (![undefined, null, "", false].includes(fields[name] as string | undefined))
      throw new Problem(`has a ${where} whose ${name} ${why}`);
}

function textAt(fields: Fields, name: string): string {
  const found = fields[name] ?? "";
  if (typeof found === "string") return found;
  throw new Problem(`has a ${name} that is no text; put it in quotes`);
}

/** The text that a field has in base64. */
function pemAt(fields: Fields, name: string): string {
  const base64 = textAt(fields, name).replace(/\s/g, "");
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
    throw new Problem(`has a ${name} that is not base64`);
  return Buffer.from(base64, "base64").toString("latin1");
}
