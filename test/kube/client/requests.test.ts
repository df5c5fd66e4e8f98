/** Requests on objects: what is sent, what comes back, and what each answer becomes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../../plugin/kube/contract.ts";
import { externalSecrets, failureOf, namespaces, openBench, secrets } from "./bench.ts";

const db = { namespace: "shop", name: "db" };
const aSecret = (data: Record<string, string> = { user: "YQ==" }): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { ...db, labels: { app: "shop" } },
  data,
});

test("an object is made, read, replaced and removed", async (t) => {
  const { client, server, signal } = await openBench(t);
  const made = await client.create(secrets, aSecret(), signal, { fieldManager: "external-secrets" });
  assert.equal(made.metadata.managedFields?.[0]?.manager, "external-secrets");
  assert.deepEqual((await client.get(secrets, db, signal))?.["data"], { user: "YQ==" });
  const replaced = await client.replace(secrets, { ...made, data: { user: "Yg==" } }, signal);
  assert.notEqual(replaced.metadata.resourceVersion, made.metadata.resourceVersion);
  assert.equal(await client.remove(secrets, db, signal), true);
  assert.equal(server.find(secrets, "shop", "db"), undefined);
});

test("a request says who asks and what it takes", async (t) => {
  const { client, server, signal } = await openBench(t);
  await client.get(secrets, db, signal);
  const { token, userAgent, path } = server.requests[0]!;
  assert.deepEqual([token, userAgent, path], ["first-token", "keyferry/test", "/api/v1/namespaces/shop/secrets/db"]);
});

test("what is not there is undefined to read and false to remove, be it the object or its resource", async (t) => {
  const { client, server, signal } = await openBench(t);
  assert.equal(await client.get(secrets, db, signal), undefined);
  assert.equal(await client.remove(secrets, db, signal), false);
  server.uninstall(externalSecrets);
  assert.equal(await client.get(externalSecrets, db, signal), undefined);
  assert.equal(await client.getPath("/openid/v1/jwks", signal), undefined);
});

test("objects of cluster scope have no namespace in their path", async (t) => {
  const { client, server, signal } = await openBench(t);
  await client.create(namespaces, { metadata: { name: "shop" } }, signal);
  assert.equal((await client.get(namespaces, { namespace: "", name: "shop" }, signal))?.metadata.name, "shop");
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ["/api/v1/namespaces", "/api/v1/namespaces/shop"],
  );
});

test("a document at a path is read as it is", async (t) => {
  const { client, server, signal } = await openBench(t);
  server.serve("/openid/v1/jwks", { keys: [{ kid: "a" }] });
  assert.deepEqual(await client.getPath("/openid/v1/jwks", signal), { keys: [{ kid: "a" }] });
});

test("no path leads to another host, and a gateway's prefix stays in front", async (t) => {
  const { client, server, signal } = await openBench(t, {}, "/k8s/c-1/");
  for (const path of ["//evil.example/steal", "/version?x=1"]) await client.getPath(path, signal);
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ["/k8s/c-1//evil.example/steal", "/k8s/c-1/version"],
  );
});

test("an older resourceVersion overwrites nothing", async (t) => {
  const { client, server, signal } = await openBench(t);
  const made = await client.create(secrets, aSecret(), signal);
  server.put(secrets, { ...aSecret({ user: "bWFsbG9yeQ==" }), apiVersion: "v1", kind: "Secret" }, "mallory");
  const failure = await failureOf(client.replace(secrets, { ...made, data: {} }, signal));
  assert.deepEqual([failure.status, failure.reason], [409, "Conflict"]);
  assert.deepEqual(server.find(secrets, "shop", "db")?.["data"], { user: "bWFsbG9yeQ==" });
});

test("a removal with preconditions removes no other state and no other object", async (t) => {
  const { client, server, signal } = await openBench(t);
  const { metadata } = await client.create(secrets, aSecret(), signal);
  assert.equal((await failureOf(client.remove(secrets, db, signal, { uid: "another" }))).status, 409);
  assert.equal((await failureOf(client.remove(secrets, db, signal, { resourceVersion: "1" }))).status, 409);
  const { uid = "", resourceVersion = "" } = metadata;
  assert.equal(await client.remove(secrets, db, signal, { uid, resourceVersion }), true);
  assert.equal(server.find(secrets, "shop", "db"), undefined);
});

test("a status is written without the rest, and the rest without the status", async (t) => {
  const { client, signal } = await openBench(t);
  const made = await client.create(externalSecrets, { metadata: db, spec: { refreshInterval: "1h" } }, signal);
  const withStatus = { ...made, spec: {}, status: { refreshTime: "now" } };
  const written = await client.replace(externalSecrets, withStatus, signal, { subresource: "status" });
  assert.deepEqual([written["spec"], written["status"]], [{ refreshInterval: "1h" }, { refreshTime: "now" }]);
  const again = await client.replace(externalSecrets, { ...written, spec: {}, status: {} }, signal);
  assert.deepEqual([again["spec"], again["status"]], [{}, { refreshTime: "now" }]);
});

const patches = [
  {
    name: "merge",
    type: "merge",
    body: { metadata: { annotations: { a: "1" } } },
    sent: "application/merge-patch+json",
  },
  {
    name: "JSON",
    type: "json",
    body: [{ op: "add", path: "/metadata/annotations", value: { a: "1" } }],
    sent: "application/json-patch+json",
  },
  {
    name: "apply",
    type: "apply",
    body: { apiVersion: "v1", kind: "Secret", metadata: { ...db, annotations: { a: "1" } } },
    sent: "application/apply-patch+yaml",
  },
] as const;
for (const { name, type, body, sent } of patches) {
  test(`a ${name} patch changes what it names`, async (t) => {
    const { client, server, signal } = await openBench(t);
    await client.create(secrets, aSecret(), signal);
    const patched = await client.patch(secrets, db, body, signal, { type, fieldManager: "keyferry", force: true });
    assert.deepEqual([patched.metadata.annotations, patched["data"]], [{ a: "1" }, { user: "YQ==" }]);
    const { contentType, query } = server.requests[1]!;
    assert.deepEqual([contentType, query.get("fieldManager"), query.get("force")], [sent, "keyferry", "true"]);
  });
}

test("a token is asked for at the account's subresource", async (t) => {
  const { client, server, signal } = await openBench(t);
  const accounts = { group: "", version: "v1", plural: "serviceaccounts", kind: "ServiceAccount", namespaced: true };
  server.put(accounts, { metadata: { namespace: "shop", name: "checkout" } });
  const wish = { metadata: { namespace: "shop", name: "checkout" }, spec: { audiences: ["vault"] } };
  const answer = await client.create(accounts, wish, signal, { subresource: "token" });
  assert.match((answer["status"] as { token: string }).token, /^ey/);
  const { path, verb } = server.requests[0]!;
  assert.deepEqual([verb, path], ["create", "/api/v1/namespaces/shop/serviceaccounts/checkout/token"]);
});

test("a name that would lead to another resource is refused before anything is sent", async (t) => {
  const { client, server, signal } = await openBench(t);
  for (const name of ["", ".", ".."]) {
    assert.equal((await failureOf(client.get(secrets, { namespace: "shop", name }, signal))).status, 0);
    assert.equal((await failureOf(client.get(secrets, { namespace: name, name: "db" }, signal))).status, 0);
  }
  await client.get(secrets, { namespace: "shop", name: "../../../pods?x=%2e" }, signal);
  assert.deepEqual(
    server.requests.map(({ plural, name }) => [plural, name]),
    [["secrets", "../../../pods?x=%2e"]],
  );
});
