import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { loadConfig } from "../plugin/config.ts";

const needed = ["--manifests", "m", "--out", "o"];

function problemsOf(args: readonly string[], environment: Record<string, string> = {}): readonly string[] {
  const loaded = loadConfig(["standalone", ...args], environment);
  return loaded.kind === "refuse" ? loaded.problems : [];
}

function configOf(args: readonly string[], environment: Record<string, string> = {}) {
  const loaded = loadConfig(["standalone", ...needed, ...args], environment);
  assert.equal(loaded.kind, "run", JSON.stringify(loaded));
  return loaded.config;
}

test("defaults are those of the documented contract", () => {
  const config = configOf([]);
  assert.deepEqual(
    { ...config },
    {
      command: "standalone",
      manifests: resolve("m"),
      out: resolve("o"),
      as: "yaml",
      socketDir: resolve("o/providers"),
      once: false,
      httpAddr: { host: "127.0.0.1", port: 0 },
      logLevel: "info",
      metricsObjectLabels: 1000,
      auditLog: "-",
      mountMaxAge: 30_000,
      maxStale: 86_400_000,
      storeRate: 50,
      storeBurst: 100,
      cacheEntries: 5000,
      cacheBytes: 16 * 2 ** 20,
      providers: ["keyferry"],
      tokenAudience: "vault",
      controllerClass: "default",
      noProxy: [],
    },
  );
});

const accepted: ReadonlyArray<{
  name: string;
  args: string[];
  env?: Record<string, string>;
  field: string;
  want: unknown;
}> = [
  { name: "a flag with =", args: ["--mount-max-age=5s"], field: "mountMaxAge", want: 5_000 },
  { name: "a flag with a space", args: ["--cache-bytes", "1Gi"], field: "cacheBytes", want: 2 ** 30 },
  { name: "a bare flag", args: ["--once"], field: "once", want: true },
  { name: "a bare flag switched off", args: ["--once=false"], field: "once", want: false },
  { name: "a variable", args: [], env: { KEYFERRY_STORE_RATE: "7" }, field: "storeRate", want: 7 },
  {
    name: "a flag over a variable",
    args: ["--store-rate", "9"],
    env: { KEYFERRY_STORE_RATE: "7" },
    field: "storeRate",
    want: 9,
  },
  { name: "every interface", args: ["--http-addr", ":9090"], field: "httpAddr", want: { host: "", port: 9090 } },
  { name: "IPv6", args: ["--http-addr", "[::1]:0"], field: "httpAddr", want: { host: "::1", port: 0 } },
  {
    name: "unknown variables are ignored",
    args: [],
    env: { KEYFERRY_PORT: "tcp://10.0.0.1:80" },
    field: "storeRate",
    want: 50,
  },
  {
    name: "addresses in place of a store's own, by the names that ESO reads",
    args: [],
    env: { AWS_SSM_ENDPOINT: "https://vpce-1.example.com/", AWS_STS_ENDPOINT: "", AWS_ENDPOINT_URL: "http://x" },
    field: "endpoints",
    want: { AWS_SSM_ENDPOINT: "https://vpce-1.example.com" },
  },
  {
    name: "another address of the machine's metadata service",
    args: [],
    env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: "http://10.0.0.1:8080/", AZURE_CLIENT_ID: "x" },
    field: "endpoints",
    want: { AZURE_POD_IDENTITY_AUTHORITY_HOST: "http://10.0.0.1:8080" },
  },
  {
    name: "who the cloud says that this process is, by pairs that are whole",
    args: [],
    env: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/var/run/secrets/agent-token",
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/ferry",
      AWS_ACCESS_KEY_ID: "AKIA1",
      AWS_SECRET_ACCESS_KEY: "secret",
    },
    field: "ownIdentity",
    want: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/var/run/secrets/agent-token",
    },
  },
  {
    name: "a role of its own, and an agent on this machine",
    args: [],
    env: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://[::1]:8080/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/agent-token",
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/ferry",
      AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
    },
    field: "ownIdentity",
    want: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://[::1]:8080/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/agent-token",
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/ferry",
      AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
    },
  },
  {
    name: "nothing of a cloud that says nothing",
    args: [],
    env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials" },
    field: "ownIdentity",
    want: undefined,
  },
  {
    name: "Doppler's address, and that its certificate is checked",
    args: [],
    env: { DOPPLER_BASE_URL: "https://doppler.example.com", DOPPLER_VERIFY_TLS: "true" },
    field: "endpoints",
    want: { DOPPLER_BASE_URL: "https://doppler.example.com" },
  },
  {
    name: "Google's servers, and its metadata server as a host without a scheme",
    args: [],
    env: { GCE_METADATA_HOST: "169.254.169.252:988", CLOUDSDK_AUTH_TOKEN_HOST: "https://oauth2.example.com/token" },
    field: "endpoints",
    want: {
      GCE_METADATA_HOST: "http://169.254.169.252:988",
      CLOUDSDK_AUTH_TOKEN_HOST: "https://oauth2.example.com/token",
    },
  },
  {
    name: "a proxy",
    args: ["--https-proxy", "http://Proxy.example.com:3128/"],
    field: "httpsProxy",
    want: { origin: "http://proxy.example.com:3128" },
  },
  { name: "an empty proxy as none", args: [], env: { KEYFERRY_HTTPS_PROXY: "" }, field: "httpsProxy", want: undefined },
  {
    name: "the proxy variables of other programs as nothing",
    args: [],
    env: { HTTPS_PROXY: "http://proxy.example.com", https_proxy: "http://proxy.example.com" },
    field: "httpsProxy",
    want: undefined,
  },
  {
    name: "hosts without a proxy",
    args: [],
    env: { KEYFERRY_NO_PROXY: " .example.com, vault:8200,10.0.0.0/8,*,[::1]:443, " },
    field: "noProxy",
    want: [".example.com", "vault:8200", "10.0.0.0/8", "*", "[::1]:443"],
  },
  { name: "NO_PROXY as nothing", args: [], env: { NO_PROXY: "*" }, field: "noProxy", want: [] },
];
for (const row of accepted)
  test(`takes ${row.name}`, () =>
    assert.deepEqual(configOf(row.args, row.env)[row.field as keyof ReturnType<typeof configOf>], row.want));

test("the user and password of a proxy become its header and are shown nowhere", () => {
  const config = configOf([], { KEYFERRY_HTTPS_PROXY: "https://user:p%40ss@proxy.example.com:8443" });
  const { origin, authorization } = config.httpsProxy!;
  assert.equal(origin, "https://proxy.example.com:8443");
  assert.equal(authorization?.reveal().toString(), `Basic ${Buffer.from("user:p@ss").toString("base64")}`);
  assert.doesNotMatch(`${JSON.stringify(config)} ${inspect(config)}`, /p@ss|p%40ss|dXNlcjpw/);
});

test("render takes a proxy too", () => {
  const loaded = loadConfig(["render", "a.yaml", "--live", "--https-proxy", "http://p:1", "--no-proxy", "a"], {});
  assert.equal(loaded.kind, "run", JSON.stringify(loaded));
  assert.deepEqual([loaded.config.httpsProxy, loaded.config.noProxy], [{ origin: "http://p:1" }, ["a"]]);
});

const refused: ReadonlyArray<{ name: string; args: string[]; env?: Record<string, string>; want: RegExp[] }> = [
  {
    name: "certificates that are not to be checked",
    args: needed,
    env: { DOPPLER_VERIFY_TLS: "false" },
    want: [/^DOPPLER_VERIFY_TLS: certificates are always checked; unset it/],
  },
  {
    name: "both folders missing, both reported",
    args: [],
    want: [/^--manifests: is missing; add --manifests/, /^--out: is missing/],
  },
  {
    name: "an unknown flag, with the nearest",
    args: [...needed, "--mainfests", "x"],
    want: [/^--mainfests: no such flag; did you mean --manifests\?/, /^x: no such flag/],
  },
  {
    name: "a bad duration",
    args: [...needed, "--max-stale", "1 day"],
    want: [/^--max-stale: must be a duration above zero; write 30s/],
  },
  {
    name: "a bad variable, by its name",
    args: needed,
    env: { KEYFERRY_MAX_STALE: "x" },
    want: [/^KEYFERRY_MAX_STALE: must be a duration/],
  },
  { name: "a flag without its value", args: ["--manifests", "--out", "o"], want: [/^--manifests: has no value/] },
  { name: "a flag given twice", args: [...needed, "--once", "--once"], want: [/^--once: given twice/] },
  {
    name: "an unknown provider",
    args: [...needed, "--providers", "keyferry,vualt"],
    want: [/^--providers: is none of its values; use keyferry/],
  },
  { name: "a bad address", args: [...needed, "--http-addr", "8080"], want: [/^--http-addr: must be host:port/] },
  {
    name: "a port out of range",
    args: [...needed, "--http-addr", ":70000"],
    want: [/^--http-addr: must be host:port/],
  },
  {
    name: "a bad size",
    args: [...needed, "--cache-bytes", "16MB"],
    want: [/^--cache-bytes: must be a number of bytes/],
  },
  {
    name: "addresses of stores that are none",
    args: needed,
    env: { AWS_STS_ENDPOINT: "sts.example.com", AWS_SSM_ENDPOINT: "https://user:pw@example.com" },
    want: [/^AWS_STS_ENDPOINT: is no URL; write https:/, /^AWS_SSM_ENDPOINT: must be a plain address/],
  },
  {
    name: "an agent elsewhere, which would be shown this process's token",
    args: needed,
    env: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.169.254/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "agent-token",
    },
    want: [
      /^AWS_CONTAINER_CREDENTIALS_FULL_URI: is not the address of the EKS Pod Identity agent/,
      /^AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: is no absolute path/,
    ],
  },
  {
    name: "an agent whose address begins like one",
    args: needed,
    env: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1.example.com/",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/t",
    },
    want: [/^AWS_CONTAINER_CREDENTIALS_FULL_URI: is not the address/],
  },
  {
    name: "an agent with a user, and a role that is none",
    args: needed,
    env: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://user@127.0.0.1/",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/t",
      AWS_ROLE_ARN: "ferry",
      AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
    },
    want: [/^AWS_CONTAINER_CREDENTIALS_FULL_URI: is no URL; unset it/, /^AWS_ROLE_ARN: is not a role's ARN/],
  },
  {
    name: "what is no proxy",
    args: [...needed, "--https-proxy", "proxy.example.com:3128"],
    want: [/^--https-proxy: is no proxy's URL; write http:/],
  },
  {
    name: "a proxy of another kind",
    args: [...needed, "--https-proxy", "socks5://canary"],
    want: [/^--https-proxy: is no proxy's URL; write http:/],
  },
  {
    name: "a proxy with a path",
    args: needed,
    env: { KEYFERRY_HTTPS_PROXY: "http://canary:pw@proxy.example.com/path" },
    want: [/^KEYFERRY_HTTPS_PROXY: must be a proxy's scheme, host and port alone; write (?!.*canary)/],
  },
  {
    name: "a proxy whose password is not escaped",
    args: needed,
    env: { KEYFERRY_HTTPS_PROXY: "http://user:100%canary@proxy.example.com" },
    want: [/^KEYFERRY_HTTPS_PROXY: has a user or password with a % (?!.*canary)/],
  },
  {
    name: "hosts that are none",
    args: [...needed, "--no-proxy", "http://vault"],
    want: [/^--no-proxy: must be hosts, .domains, addresses or networks; write/],
  },
  {
    name: "all problems at once",
    args: [...needed, "--as", "json", "--log-level", "loud"],
    want: [/^--log-level/, /^--as/],
  },
];
for (const row of refused)
  test(`refuses ${row.name}`, () => {
    const problems = problemsOf(row.args, row.env);
    assert.equal(problems.length, row.want.length, problems.join("\n"));
    for (const want of row.want)
      assert.ok(
        problems.some((problem) => want.test(problem)),
        problems.join("\n"),
      );
  });

function nodeConfigOf(args: readonly string[], environment: Record<string, string> = {}) {
  const loaded = loadConfig(["node", ...args], environment);
  assert.equal(loaded.kind, "run", JSON.stringify(loaded));
  assert.equal(loaded.config.command, "node");
  return loaded.config;
}

test("the node's defaults are those of the documented contract", () => {
  const { apiServer, ...config } = nodeConfigOf([], {
    KUBERNETES_SERVICE_HOST: "10.96.0.1",
    KUBERNETES_SERVICE_PORT: "443",
    NODE_NAME: "worker-1",
    POD_NAMESPACE: "keyferry",
  });
  assert.deepEqual(apiServer, { host: "10.96.0.1", port: "443" });
  assert.deepEqual(config, {
    command: "node",
    roles: ["mount", "sync"],
    nodeName: "worker-1",
    namespace: "keyferry",
    providerDirs: ["/var/run/secrets-store-csi-providers"],
    controllerClassStrict: false,
    storeRequeueInterval: 300_000,
    statusHeartbeat: 3_600_000,
    versionKeyFile: "/var/lib/keyferry/version-key",
    syncTakeOver: false,
    unsafeStoreAddresses: [],
    httpAddr: { host: "", port: 8080 },
    logLevel: "info",
    metricsObjectLabels: 1000,
    auditLog: "-",
    mountMaxAge: 30_000,
    maxStale: 86_400_000,
    storeRate: 50,
    storeBurst: 100,
    cacheEntries: 5000,
    cacheBytes: 16 * 2 ** 20,
    providers: ["keyferry"],
    tokenAudience: "vault",
    controllerClass: "default",
    noProxy: [],
  });
});

test("a flag wins over its variable, and that over the pod's", () => {
  const environment = { KEYFERRY_NAMESPACE: "b", POD_NAMESPACE: "c" };
  assert.equal(nodeConfigOf(["--namespace", "a"], environment).namespace, "a");
  assert.equal(nodeConfigOf([], environment).namespace, "b");
});

for (const [name, args, want] of [
  ["a relative provider folder", ["--provider-dirs", "a,/b"], /^--provider-dirs: must be absolute paths/],
  ["an unknown role", ["--roles", "driver"], /^--roles: is none of its values; use mount, sync/],
  [
    "a network that is none",
    ["--unsafe-store-addresses", "10.0.0.0/99"],
    /^--unsafe-store-addresses: must be networks/,
  ],
  ["a flag of the other command", ["--manifests", "m"], /^--manifests: no such flag; see keyferry node --help/],
] as const)
  test(`the node refuses ${name}`, () => {
    const loaded = loadConfig(["node", ...args], {});
    assert.match(loaded.kind === "refuse" ? loaded.problems[0]! : "", want);
  });

test("names the nearest command", () => {
  const loaded = loadConfig(["standalon"], {});
  assert.deepEqual(loaded, { kind: "refuse", problems: ["standalon: no such command; did you mean standalone?"] });
});

test("help lists every flag", () => {
  const loaded = loadConfig(["standalone", "--help"], {});
  assert.equal(loaded.kind, "show");
  for (const name of ["--manifests", "--token-jwks", "--cache-bytes", "--once"])
    assert.match(JSON.stringify(loaded), new RegExp(name));
});

for (const command of ["standalone", "node"] as const)
  test(`docs/${command}.md lists every flag of ${command} and no other`, () => {
    const page = readFileSync(new URL(`../docs/${command}.md`, import.meta.url), "utf8");
    const listed = [...page.matchAll(/^\| `(--[a-z-]+)` \|/gm)].map((match) => match[1]);
    const help = loadConfig([command, "--help"], {});
    const known = [...(help.kind === "show" ? help.text : "").matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1]);
    assert.ok(known.length > 15, known.join());
    assert.deepEqual(listed.toSorted(), known.toSorted());
  });
