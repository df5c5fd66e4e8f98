/** Every flag of every command: how it is read, what it is by default, what --help says of it. */
import type { FlagParser } from "./config-values.ts";
import {
  bytes,
  cidrs,
  duration,
  flag,
  folders,
  listOf,
  listenAddress,
  noProxyHosts,
  objectLabels,
  oneOf,
  proxyUrl,
  text,
  wholeNumber,
} from "./config-values.ts";

export interface Flag<T> {
  readonly parse: FlagParser<T>;
  /** As a user would write it; absent = the flag is required, or stays undefined when `optional`. */
  readonly byDefault?: string;
  readonly optional?: true;
  /** A variable that counts where neither the flag nor its own variable is given. */
  readonly variable?: string;
  /** Shown by --help, after the flag. */
  readonly help: string;
  /** A flag without a value: `--once`. */
  readonly bare?: true;
  /** The one letter that stands for it: `o` for `-o`. */
  readonly letter?: string;
}

export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

type ValueOf<F> = F extends Flag<infer T> ? (F extends { readonly optional: true } ? T | undefined : T) : never;
export type Values<T extends FlagTable> = { readonly [K in keyof T]: ValueOf<T[K]> };

const proxies = {
  httpsProxy: { parse: proxyUrl, optional: true, help: "proxy to https:// stores, e.g. http://proxy.example.com:3128" },
  noProxy: {
    parse: noProxyHosts,
    byDefault: "",
    help: "hosts that are reached without it, e.g. .example.com,10.0.0.0/8",
  },
} as const satisfies FlagTable;

const shared = {
  logLevel: { parse: oneOf("debug", "info", "warn", "error"), byDefault: "info", help: "least level that is logged" },
  metricsObjectLabels: {
    parse: objectLabels,
    byDefault: "1000",
    help: "ExternalSecrets with own metric labels: on, off or a number",
  },
  auditLog: { parse: text, byDefault: "-", help: "file for audit lines; - is stdout" },
  mountMaxAge: { parse: duration, byDefault: "30s", help: "age up to which a mount is served from the cache" },
  maxStale: { parse: duration, byDefault: "24h", help: "how long last-good values stand in for an unavailable store" },
  storeRate: { parse: wholeNumber(100_000), byDefault: "50", help: "requests a second to one store" },
  storeBurst: { parse: wholeNumber(100_000), byDefault: "100", help: "requests to one store that may go out at once" },
  cacheEntries: { parse: wholeNumber(10_000_000), byDefault: "5000", help: "answers kept" },
  cacheBytes: { parse: bytes, byDefault: "16Mi", help: "bytes of answers kept" },
  providers: { parse: listOf("keyferry"), byDefault: "keyferry", help: "provider sockets to serve" },
  tokenAudience: {
    parse: text,
    byDefault: "vault",
    help: "audience of service account tokens where a store names none",
  },
  controllerClass: { parse: text, byDefault: "default", help: "stores with another spec.controller are left alone" },
  ...proxies,
} as const satisfies FlagTable;

const standalone = {
  manifests: { parse: text, help: "folder of manifests (watched)" },
  out: { parse: text, help: "folder for Secrets, status files and sockets" },
  as: { parse: oneOf("yaml", "files"), byDefault: "yaml", help: "form of the Secrets: yaml or files" },
  socketDir: { parse: text, optional: true, help: "folder of the provider sockets (default OUT/providers)" },
  once: {
    parse: flag,
    byDefault: "false",
    bare: true,
    help: "sync everything once, open no socket, exit 1 when something is not Ready",
  },
  tokenJwks: { parse: text, optional: true, help: "JWKS file that pod tokens are verified with" },
  httpAddr: { parse: listenAddress, byDefault: "127.0.0.1:0", help: "address of /metrics, /livez and /readyz" },
  ...shared,
} as const satisfies FlagTable;

const node = {
  roles: { parse: listOf("mount", "sync"), byDefault: "mount,sync", help: "what this process does" },
  nodeName: { parse: text, optional: true, variable: "NODE_NAME", help: "name of this node, for audit lines" },
  namespace: {
    parse: text,
    optional: true,
    variable: "POD_NAMESPACE",
    help: "namespace of the leases and of the digest key (default that of the service account)",
  },
  kubeconfig: { parse: text, optional: true, help: "file to reach the API server with, in place of the pod's account" },
  providerDirs: {
    parse: folders,
    byDefault: "/var/run/secrets-store-csi-providers",
    help: "folders of the provider sockets",
  },
  controllerClassStrict: {
    parse: flag,
    byDefault: "false",
    bare: true,
    help: "stores without spec.controller are left alone too",
  },
  storeRequeueInterval: { parse: duration, byDefault: "5m", help: "time between two validations of a store" },
  statusHeartbeat: { parse: duration, byDefault: "1h", help: "least time between two writes of an unchanged status" },
  fileStoreRoot: { parse: text, optional: true, help: "folder that file stores may read; none without it" },
  versionKeyFile: {
    parse: text,
    byDefault: "/var/lib/keyferry/version-key",
    help: "key of the object versions of this node; made when absent",
  },
  syncTakeOver: {
    parse: flag,
    byDefault: "false",
    bare: true,
    help: "sync ExternalSecrets that another controller still syncs",
  },
  unsafeStoreAddresses: {
    parse: cidrs,
    byDefault: "",
    help: "networks that stores may be in although they are local, e.g. 10.0.0.5/32",
  },
  httpAddr: { parse: listenAddress, byDefault: ":8080", help: "address of /metrics, /livez and /readyz" },
  ...shared,
} as const satisfies FlagTable;

const render = {
  values: { parse: text, optional: true, help: "file with a map of remote keys and values, in place of all stores" },
  live: { parse: flag, byDefault: "false", bare: true, help: "read the stores among the manifests" },
  showValues: { parse: flag, byDefault: "false", bare: true, help: "print values; each is [hidden] without it" },
  output: { parse: oneOf("yaml", "json"), byDefault: "yaml", letter: "o", help: "form of the Secrets: yaml or json" },
  ...proxies,
} as const satisfies FlagTable;

export const commands = {
  standalone: {
    flags: standalone,
    what: "a folder of manifests in; Secrets and provider sockets out",
    usage: "--manifests DIR --out DIR [flags]",
  },
  node: {
    flags: node,
    what: "the node plugin of a cluster: mounts, and Secrets from ExternalSecrets",
    usage: "[flags]",
  },
  render: {
    flags: render,
    what: "what ExternalSecrets come to, from a file of values or from their stores; nothing is written",
    usage: "FILE… (--values FILE | --live) [flags]",
    files: true,
  },
} as const;

export type CommandName = keyof typeof commands;
