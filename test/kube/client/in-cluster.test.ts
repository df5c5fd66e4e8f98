/** The connection of a Pod: its address, and a token and a CA that change under a running process. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { openInCluster } from "../../../plugin/kube/client/in-cluster.ts";
import type { KubeCredentials } from "../../../plugin/kube/client/connection.ts";
import { failureOf } from "./bench.ts";

async function projectedVolume(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "keyferry-account-"));
  t.after(() => rm(folder, { recursive: true }));
  await publish(folder, "1", { token: "first-token\n", "ca.crt": "first CA", namespace: "keyferry" });
  for (const name of ["token", "ca.crt", "namespace"]) await symlink(join("..data", name), join(folder, name));
  return folder;
}

/** As kubelet does: a new folder, and one symlink swapped. */
async function publish(folder: string, version: string, files: Record<string, string>): Promise<void> {
  await mkdir(join(folder, version));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, version, name), text);
  await symlink(version, join(folder, "..draft"));
  await rename(join(folder, "..draft"), join(folder, "..data"));
}

const headerOf = ({ authorization }: KubeCredentials): string | undefined => authorization?.reveal().toString();

test("token, CA and namespace come from the projected volume", async (t) => {
  const folder = await projectedVolume(t);
  const connection = await openInCluster({ host: "10.0.0.1", port: "6443", folder });
  const credentials = await connection.credentials();
  assert.deepEqual(
    [connection.server.href, connection.namespace, headerOf(credentials), credentials.tls],
    ["https://10.0.0.1:6443/", "keyferry", "Bearer first-token", { ca: "first CA" }],
  );
  assert.equal(await connection.credentials(), credentials);
  assert.doesNotMatch(inspect(credentials, { depth: 5, showHidden: true }), /first-token/);
});

const hosts = [
  { host: "fd00::1", port: "443", href: "https://[fd00::1]/" },
  { host: "[fd00::1]", port: "6443", href: "https://[fd00::1]:6443/" },
  { host: "kubernetes.default.svc", port: "443", href: "https://kubernetes.default.svc/" },
];
for (const { host, port, href } of hosts) {
  test(`the API server at ${host} port ${port} is ${href}`, async (t) => {
    const { server } = await openInCluster({ host, port, folder: await projectedVolume(t) });
    assert.equal(server.href, href);
  });
}

test("a token that kubelet renewed is found without being refused first; the connections stay", async (t) => {
  const folder = await projectedVolume(t);
  const connection = await openInCluster({ host: "10.0.0.1", port: "443", folder });
  const first = await connection.credentials();
  await publish(folder, "2", { token: "second-token", "ca.crt": "first CA", namespace: "keyferry" });
  const second = await connection.credentials();
  assert.equal(headerOf(second), "Bearer second-token");
  assert.equal(second.tls, first.tls);
});

test("a CA that changed brings new connections", async (t) => {
  const folder = await projectedVolume(t);
  const connection = await openInCluster({ host: "10.0.0.1", port: "443", folder });
  const first = await connection.credentials();
  await publish(folder, "2", { token: "first-token", "ca.crt": "second CA", namespace: "keyferry" });
  const second = await connection.credentials();
  assert.deepEqual([second.tls, second.tls === first.tls], [{ ca: "second CA" }, false]);
});

test("a refused token is read again even when its file looks the same", async (t) => {
  const folder = await projectedVolume(t);
  const connection = await openInCluster({ host: "10.0.0.1", port: "443", folder });
  const first = await connection.credentials();
  const path = join(folder, "1", "token");
  const { atime, mtime } = await stat(path);
  await utimes(path, atime, mtime);
  const unlike = await connection.credentials();
  await writeFile(path, "other-token\n");
  await utimes(path, atime, mtime);
  assert.equal(await connection.credentials(), unlike, "the file was not made to look the same");
  const second = await connection.credentials(unlike);
  assert.equal(headerOf(second), "Bearer other-token");
  assert.equal(await connection.credentials(first), second, "a late refusal of the old token changes nothing");
});

test("what was read last serves while the volume is away or half-written", async (t) => {
  const folder = await projectedVolume(t);
  const connection = await openInCluster({ host: "10.0.0.1", port: "443", folder });
  const first = await connection.credentials();
  await rm(join(folder, "..data"));
  assert.equal(await connection.credentials(first), first);
  await publish(folder, "2", { token: "", "ca.crt": "first CA", namespace: "keyferry" });
  assert.equal(await connection.credentials(first), first);
});

for (const name of ["token", "ca.crt", "namespace"]) {
  test(`a volume without ${name} is a failure that names the file and the way out`, async (t) => {
    const folder = await projectedVolume(t);
    await rm(join(folder, name));
    const failure = await failureOf(openInCluster({ host: "10.0.0.1", port: "443", folder }));
    const says = `cannot read ${join(folder, name)} (ENOENT); does the Pod mount its service account token?`;
    assert.equal(failure.message, says);
  });
}
