/** The test cluster keeps what its interface says, so that a red scenario speaks about keyferry and not about the harness. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { after, before, test } from "node:test";
import type { Account } from "./account.ts";
import { writingVerbs } from "./audit.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { objectPath, secretText } from "./objects.ts";
import { settleRoles } from "./roles.ts";

let cluster: Cluster;

before(async () => {
  cluster = await startCluster();
  await cluster.admin.createNamespace("shop", { team: "payments" });
});

after(() => cluster.stop());

const secretPath = (name: string): string => objectPath("v1", "secrets", "shop", name);

const secret = (name: string, data: Record<string, string>, more: object = {}): object => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "shop", ...more },
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
});

/** One request as the account, with its token and the cluster's authority. */
function ask(account: Account, url: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${account.token()}` };
    const sent = request(url, { ca: cluster.authority, agent: false, headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

test("the servers carry the version they were built from", async () => {
  const { text } = await cluster.admin.request("GET", "/version");
  const told = JSON.parse(text) as Record<string, string>;
  assert.match(`${told["major"]}.${told["minor"]} ${told["gitVersion"]}`, /^1\.(\d+) v1\.\1\.\d+$/);
});

test("create, read, replace, patch, list, remove", async () => {
  const { admin } = cluster;
  const made = await admin.create(secret("plain", { password: "first" }));
  assert.deepEqual(secretText(await admin.get(secretPath("plain"))), { password: "first" });
  await admin.replace({ ...made, data: { password: Buffer.from("second").toString("base64") } });
  await admin.patch(secretPath("plain"), { metadata: { labels: { seen: "yes" } } });
  await admin.patch(secretPath("plain"), [{ op: "remove", path: "/metadata/labels" }], "json");
  const found = (await admin.list(objectPath("v1", "secrets", "shop"))).map((object) => object.metadata.name);
  assert.deepEqual(found, ["plain"]);
  await admin.remove(secretPath("plain"));
  await admin.waitGone(secretPath("plain"));
  assert.equal(await admin.find(secretPath("plain")), undefined);
});

test("a refusal carries its status and reason; an unknown field is one", async () => {
  await assert.rejects(cluster.admin.get(secretPath("nobody")), { status: 404, reason: "NotFound" });
  const wrong = { ...secret("wrong", {}), dta: {} };
  await assert.rejects(cluster.admin.create(wrong), { status: 400 });
  await assert.rejects(cluster.admin.apply(wrong), /dta/);
});

test("a YAML text is applied document by document", async () => {
  const applied = await cluster.admin.apply(`
# A comment alone is no document.
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: shop}
data: {key: value}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: checkout, namespace: shop}
`);
  assert.deepEqual(
    applied.map((object) => `${object.kind} ${object.metadata.name}`),
    ["ConfigMap one", "ServiceAccount checkout"],
  );
});

test("an edit as somebody else carries their name in the audit log and in managedFields", async () => {
  await cluster.admin.create(secret("edited", { password: "first" }));
  const mallory = cluster.admin.as("mallory", { manager: "kubectl-edit" });
  await mallory.patch(secretPath("edited"), { data: { password: "c3Rvbg==" } });
  const { metadata } = await cluster.admin.get(secretPath("edited"));
  assert.deepEqual(metadata.managedFields?.map((field) => field.manager).sort(), ["keyferry-tests", "kubectl-edit"]);
  const [seen, ...others] = await cluster.auditEvents({ user: "mallory", verb: writingVerbs });
  assert.deepEqual(others, []);
  assert.deepEqual(
    { ...seen, atMs: 0, uri: "", reason: "", annotations: {} },
    {
      user: "mallory",
      sender: "admin",
      userAgent: "kubectl-edit",
      verb: "patch",
      group: "",
      resource: "secrets",
      subresource: "",
      namespace: "shop",
      name: "edited",
      uri: "",
      status: 200,
      reason: "",
      annotations: {},
      atMs: 0,
    },
  );
  await assert.rejects(cluster.admin.as("nobody", { groups: [] }).get(secretPath("edited")), { status: 403 });
});

test("a ServiceAccount is allowed what its role says and the audit log tells which role allowed it", async () => {
  await cluster.admin.apply(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: shop}]
`);
  await settleRoles(cluster.admin);
  const account = await cluster.kubeconfigFor({ namespace: "shop", name: "reader" });
  assert.equal(await readFile(account.tokenFile, "utf8"), account.token());
  assert.equal(
    (await ask(account, `${cluster.url}${objectPath("v1", "configmaps", "shop", "kube-root-ca.crt")}`)).status,
    200,
  );
  assert.equal((await ask(account, `${cluster.url}${secretPath("edited")}`)).status, 403);
  const events = await cluster.auditEvents({ user: account.user });
  assert.deepEqual(
    events.map((event) => `${event.verb} ${event.resource}/${event.name} ${event.status}`),
    ["get configmaps/kube-root-ca.crt 200", "get secrets/edited 403"],
  );
  assert.match(events[0]!.reason, /RoleBinding "reader\/shop"/);

  const before = account.token();
  await account.renew();
  assert.notEqual(await readFile(account.tokenFile, "utf8"), before);
  const listed = await cluster.kubectl(
    "--kubeconfig",
    account.kubeconfig,
    "get",
    "configmap",
    "kube-root-ca.crt",
    "-o",
    "name",
  );
  assert.equal(listed.trim(), "configmap/kube-root-ca.crt");
});

test("the garbage collector removes a Secret with its owner", async () => {
  const owner = await cluster.admin.create({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "owner", namespace: "shop" },
  });
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.metadata.uid }];
  await cluster.admin.create(secret("owned", {}, { ownerReferences }));
  await cluster.admin.remove(objectPath("v1", "configmaps", "shop", "owner"));
  await cluster.admin.waitGone(secretPath("owned"));
});

test("killed with -9 and started again, the API server has the same data and another process id", async () => {
  await cluster.admin.create(secret("survivor", { password: "kept" }));
  const pid = cluster.apiServerPid();
  await cluster.killApiServer();
  await assert.rejects(cluster.admin.get(secretPath("survivor")), { code: "ECONNREFUSED" });
  await cluster.restartApiServer();
  assert.notEqual(cluster.apiServerPid(), pid);
  assert.deepEqual(secretText(await cluster.admin.get(secretPath("survivor"))), { password: "kept" });
});

test("after compaction and a restart a watch from an old resourceVersion is told 410", async () => {
  const old = (await cluster.admin.create(secret("old", {}))).metadata.resourceVersion!;
  for (const turn of ["1", "2", "3"]) await cluster.admin.patch(secretPath("old"), { metadata: { labels: { turn } } });
  const watch = `${objectPath("v1", "secrets", "shop")}?watch=1&timeoutSeconds=1&resourceVersion=${old}`;
  assert.equal((await cluster.admin.request("GET", watch)).text.trim().split("\n").length, 3);
  const watches = await cluster.auditEvents({ user: "admin", verb: "watch", resource: "secrets" });
  assert.deepEqual(
    watches.map((event) => `${event.namespace} ${event.status}`),
    ["shop 200"],
    "a watch is one event, not one for its begin and one for its end",
  );
  await cluster.compact();
  await cluster.killApiServer();
  await cluster.restartApiServer();
  const [first] = (await cluster.admin.request("GET", watch)).text.trim().split("\n");
  const event = JSON.parse(first!) as { type: string; object: { code: number } };
  assert.deepEqual([event.type, event.object.code], ["ERROR", 410]);
});

test("without the watch cache compaction alone ends old resourceVersions and continue tokens", async () => {
  const other = await startCluster({ watchCache: false });
  try {
    await other.admin.createNamespace("shop");
    for (const name of ["a", "b", "c"]) await other.admin.create(secret(name, {}));
    const secrets = objectPath("v1", "secrets", "shop");
    const page = JSON.parse((await other.admin.request("GET", `${secrets}?limit=1`)).text) as {
      metadata: { resourceVersion: string; continue: string };
    };
    await other.compact();
    const watch = `${secrets}?watch=1&timeoutSeconds=1&resourceVersion=${page.metadata.resourceVersion}`;
    const watched = await other.admin.request("GET", watch);
    assert.equal((JSON.parse(watched.text) as { object: { code: number } }).object.code, 410);
    const next = await other.admin.request(
      "GET",
      `${secrets}?limit=1&continue=${encodeURIComponent(page.metadata.continue)}`,
    );
    assert.equal(next.status, 410);
  } finally {
    await other.stop();
    assert.ok(!existsSync(other.folder), "the folder is left behind");
  }
});
