/**
 * The connection of a kubeconfig's current context. The file format, client certificates and exec plugins are
 * @kubernetes/client-node's work; it is loaded only here and only when asked, because it weighs 85 MiB.
 *
 * Refused: a proxy, and an unverified server.
 */
import type { RequestOptions } from "node:https";
import { dirname, resolve } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { SecretValue } from "../../core/secret-value.ts";
import { isMap } from "../../manifests/fields.ts";
import { KubeFailure } from "../contract.ts";
import { createChangingFile } from "./changing-file.ts";
import type { ChangingFile } from "./changing-file.ts";
import type { KubeConnection, KubeCredentials } from "./connection.ts";

/** Rejects with KubeFailure when the file cannot be read or names no usable cluster. */
export async function openKubeconfig(path: string): Promise<KubeConnection> {
  const library = await import("@kubernetes/client-node");
  const file = createChangingFile(path, "give a kubeconfig that this process may read");
  const text = await file.text();
  const open = (text: string): Source => {
    const config = new library.KubeConfig();
    try {
      config.loadFromFile(path, { onInvalidEntry: "filter" });
      const tokenFile = tokenFileOf(text, config.getCurrentUser()?.name, path);
      if (tokenFile === undefined) return { text, config };
      return { text, config, tokenFile: createChangingFile(tokenFile, "correct tokenFile of the current user") };
    } catch {
      // The parser's message may quote the file.
      throw problem(path, "is not a kubeconfig");
    }
  };
  let source = open(text);
  const server = serverOf(path, source.config);
  const namespace = source.config.getContextObject(source.config.getCurrentContext())?.namespace ?? "default";
  let known: { readonly parts: readonly string[]; readonly credentials: KubeCredentials } | undefined;
  const credentials = async (refused?: KubeCredentials): Promise<KubeCredentials> => {
    const anew = refused !== undefined && refused === known?.credentials;
    const now = await file.text(anew);
    // A new KubeConfig also forgets what an exec plugin answered before.
    if (anew || now !== source.text) source = open(now);
    const parts = await partsOf(path, source, anew);
    if (!known || known.parts.some((part, i) => part !== parts[i]))
      known = { parts, credentials: fromParts(parts, known) };
    return known.credentials;
  };
  return { server, namespace, credentials };
}

function serverOf(path: string, config: KubeConfig): URL {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw problem(path, "has no current context with a cluster; set one with kubectl config use-context");
  if (cluster.skipTLSVerify)
    throw problem(path, "sets insecure-skip-tls-verify, which is not supported; give certificate-authority instead");
  if (cluster.proxyUrl) throw problem(path, "sets proxy-url, which is not supported; give the API server's address");
  if (!URL.canParse(cluster.server)) throw problem(path, "has a cluster whose server is not a URL");
  return new URL(cluster.server);
}

/** CA, client certificate, key, server name, Authorization header: all as text, empty when there is none. */
async function partsOf(path: string, { config, tokenFile }: Source, anew: boolean): Promise<readonly string[]> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch {
    // An exec plugin's stderr may hold anything.
    throw problem(path, "has a user whose credentials cannot be read; run its exec command or kubectl to see why");
  }
  const headers = (options.headers ?? {}) as Record<string, string>;
  const basic = options.auth ? `Basic ${Buffer.from(options.auth).toString("base64")}` : "";
  const { ca, cert, key, servername } = options;
  const bearer = tokenFile ? `Bearer ${await tokenFile.text(anew)}` : (headers["Authorization"] ?? basic);
  return [textOf(ca), textOf(cert), textOf(key), servername ?? "", bearer];
}

interface Source {
  readonly text: string;
  readonly config: KubeConfig;
  /** The library does not know `tokenFile`, which kubectl prefers to `token`. */
  readonly tokenFile?: ChangingFile;
}

/** Absolute; a relative path starts at the kubeconfig's folder. */
function tokenFileOf(text: string, userName: string | undefined, kubeconfig: string): string | undefined {
  const document: unknown = parse(text);
  const users = isMap(document) && Array.isArray(document["users"]) ? (document["users"] as unknown[]) : [];
  for (const entry of users) {
    if (!isMap(entry) || entry["name"] !== userName || !isMap(entry["user"])) continue;
    const { tokenFile } = entry["user"];
    if (typeof tokenFile === "string" && tokenFile !== "") return resolve(dirname(kubeconfig), tokenFile);
  }
  return undefined;
}

/** PEM, as the library read it from a file or from base64. */
function textOf(part: RequestOptions["ca"] | RequestOptions["key"]): string {
  return typeof part === "string" ? part : Buffer.isBuffer(part) ? part.toString("utf8") : "";
}

function fromParts(
  parts: readonly string[],
  before: { parts: readonly string[]; credentials: KubeCredentials } | undefined,
): KubeCredentials {
  const [ca, certificate, key, serverName, authorization] = parts as [string, string, string, string, string];
  const sameTls = before !== undefined && parts.slice(0, 4).every((part, i) => part === before.parts[i]);
  const tls = sameTls
    ? before.credentials.tls
    : {
        ...(ca ? { ca } : {}),
        ...(certificate ? { certificate } : {}),
        ...(key ? { key: SecretValue.fromText(key) } : {}),
        ...(serverName ? { serverName } : {}),
      };
  return { tls, ...(authorization ? { authorization: SecretValue.fromText(authorization) } : {}) };
}

function problem(path: string, what: string): KubeFailure {
  return new KubeFailure(`kubeconfig ${path} ${what}`, { status: 0 });
}
