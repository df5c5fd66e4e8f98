/** The connection of a kubeconfig: what each kind of user becomes, and what is refused. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { openKubeconfig } from "../../../plugin/kube/client/kubeconfig.ts";
import { failureOf } from "./bench.ts";

interface Wish {
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: object;
}

const canary = "hunter2-canary";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

async function kubeconfig(
  t: TestContext,
  wish: Wish = {},
): Promise<{ path: string; rewrite: (next: Wish) => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "keyferry-kubeconfig-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "config");
  const rewrite = ({ cluster, user = {}, context }: Wish): Promise<void> =>
    writeFile(
      path,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "here",
        contexts: [{ name: "here", context: { cluster: "c", user: "u", ...context } }],
        clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443", ...cluster } }],
        users: [{ name: "u", user }],
      }),
    );
  await rewrite(wish);
  return { path, rewrite };
}

async function opened(path: string): Promise<Record<string, string | undefined>> {
  const connection = await openKubeconfig(path);
  const { tls, authorization } = await connection.credentials();
  return {
    href: connection.server.href,
    namespace: connection.namespace,
    ...(authorization && { authorization: authorization.reveal().toString() }),
    ...tls,
    ...(tls.key && { key: tls.key.reveal().toString() }),
  } as Record<string, string | undefined>;
}

/** An exec plugin that answers with what `file` holds. */
function execUser(file: string): object {
  const script = `const token = require("fs").readFileSync(${JSON.stringify(file)}, "utf8");
    console.log(JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token } }))`;
  return {
    exec: { apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, args: ["-e", script] },
  };
}

const here = { href: "https://10.0.0.1:6443/", namespace: "default" };
const rows: readonly { name: string; wish: Wish; is: Record<string, string> }[] = [
  { name: "a token", wish: { user: { token: "t" } }, is: { ...here, authorization: "Bearer t" } },
  {
    name: "a user name and a password",
    wish: { user: { username: "a", password: "b" } },
    is: { ...here, authorization: `Basic ${base64("a:b")}` },
  },
  {
    name: "a client certificate",
    wish: { user: { "client-certificate-data": base64("CERT"), "client-key-data": base64("KEY") } },
    is: { ...here, certificate: "CERT", key: "KEY" },
  },
  {
    name: "a CA and a server name",
    wish: { cluster: { "certificate-authority-data": base64("CA"), "tls-server-name": "kube" } },
    is: { ...here, ca: "CA", serverName: "kube" },
  },
  { name: "a namespace", wish: { context: { namespace: "shop" } }, is: { ...here, namespace: "shop" } },
  {
    name: "a gateway's path",
    wish: { cluster: { server: "https://rancher/k8s/clusters/c-1" } },
    is: { ...here, href: "https://rancher/k8s/clusters/c-1" },
  },
];
for (const { name, wish, is } of rows) {
  test(`a kubeconfig with ${name} is taken as it is`, async (t) => {
    const { path } = await kubeconfig(t, wish);
    assert.deepEqual(await opened(path), is);
  });
}

test("a token file beside the kubeconfig is read again when it changes, and comes before a token", async (t) => {
  const { path, rewrite } = await kubeconfig(t);
  await writeFile(`${path}.token`, "first-token\n");
  await rewrite({ user: { tokenFile: "config.token", token: "plain" } });
  const connection = await openKubeconfig(path);
  assert.equal((await connection.credentials()).authorization?.reveal().toString(), "Bearer first-token");
  await writeFile(`${path}.token`, "renewed-token\n");
  assert.equal((await connection.credentials()).authorization?.reveal().toString(), "Bearer renewed-token");
});

test("a token file that is not there is a failure that names it", async (t) => {
  const { path } = await kubeconfig(t, { user: { tokenFile: "/nowhere/token" } });
  const failure = await failureOf((await openKubeconfig(path)).credentials());
  assert.match(failure.message, /^cannot read \/nowhere\/token \(ENOENT\); correct tokenFile of the current user$/);
});

test("an exec plugin is asked once, and again when its token is refused", async (t) => {
  const { path, rewrite } = await kubeconfig(t);
  const file = `${path}.token`;
  await writeFile(file, "first-token");
  await rewrite({ user: execUser(file) });
  const connection = await openKubeconfig(path);
  const first = await connection.credentials();
  await writeFile(file, "second-token");
  assert.equal(await connection.credentials(), first);
  const second = await connection.credentials(first);
  assert.equal(second.authorization?.reveal().toString(), "Bearer second-token");
});

test("an exec plugin that fails is a failure that repeats nothing of what it says", async (t) => {
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: process.execPath,
    args: ["-e", `throw "${canary}"`],
  };
  const { path } = await kubeconfig(t, { user: { exec } });
  const connection = await openKubeconfig(path);
  const failure = await failureOf(connection.credentials());
  assert.match(failure.message, /credentials cannot be read/);
  assert.doesNotMatch(inspect(failure, { depth: 5, showHidden: true }), new RegExp(canary));
});

test("a kubeconfig that is written anew is read anew", async (t) => {
  const { path, rewrite } = await kubeconfig(t, { user: { token: "first" } });
  const connection = await openKubeconfig(path);
  const first = await connection.credentials();
  assert.equal(await connection.credentials(), first);
  await rewrite({ user: { token: "second-token" } });
  const second = await connection.credentials();
  assert.equal(second.authorization?.reveal().toString(), "Bearer second-token");
  assert.equal(second.tls, first.tls);
});

const refusals: readonly { name: string; wish: Wish; says: RegExp }[] = [
  {
    name: "an unverified server",
    wish: { cluster: { "insecure-skip-tls-verify": true } },
    says: /sets insecure-skip-tls-verify, which is not supported; give certificate-authority instead$/,
  },
  {
    name: "a proxy",
    wish: { cluster: { "proxy-url": `http://${canary}` } },
    says: /sets proxy-url, which is not supported/,
  },
  {
    name: "a server that is no URL",
    wish: { cluster: { server: canary } },
    says: /has a cluster whose server is not a URL$/,
  },
  {
    name: "a context of an unknown cluster",
    wish: { context: { cluster: "x" } },
    says: /no current context with a cluster/,
  },
];
for (const { name, wish, says } of refusals) {
  test(`a kubeconfig with ${name} is refused`, async (t) => {
    const { path } = await kubeconfig(t, wish);
    const failure = await failureOf(openKubeconfig(path));
    assert.match(failure.message, says);
    assert.ok(!failure.message.includes(canary));
  });
}

test("what is no kubeconfig is refused without being quoted, and so is a file that is not there", async (t) => {
  const { path } = await kubeconfig(t);
  await writeFile(path, `{{{ ${canary}`);
  const failure = await failureOf(openKubeconfig(path));
  assert.equal(failure.message, `kubeconfig ${path} is not a kubeconfig`);
  assert.ok(!inspect(failure, { depth: 5, showHidden: true }).includes(canary));
  const missing = await failureOf(openKubeconfig(`${path}-not`));
  assert.match(missing.message, /^cannot read .*-not \(ENOENT\); give a kubeconfig that this process may read$/);
});
