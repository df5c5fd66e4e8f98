/**
 * The kubernetes store on a real API server: each login, RBAC's refusals, what is missing, find by name and label, a
 * value that changes.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { FindWish, Proof, Session, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { facts } from "../../stores/facts.ts";
import { fails, openKubernetes, read, readText, shownSecrets, signal, taken } from "../../stores/kubernetes/opened.ts";
import { requestToken } from "./account.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { kubeconfigText } from "./cluster-files.ts";
import { objectPath } from "./objects.ts";
import { settleRoles } from "./roles.ts";

const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: false, apiServer: [], exemptCidrs: [] });
const base64 = (bytes: string | Buffer): string => Buffer.from(bytes as string).toString("base64");
const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
let cluster: Cluster;
let server: object;

const account = (name: string) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "shop" } });
const secret = (name: string, data: Readonly<Record<string, string | Buffer>>, metadata: object = {}) => ({
  ...{ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "prod", ...metadata } },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
});

function grant(name: string, rule: object): object[] {
  const group = "rbac.authorization.k8s.io";
  const metadata = { name, namespace: "prod" };
  const rules = [{ apiGroups: [""], resources: ["secrets"], ...rule }];
  const subjects = [{ kind: "ServiceAccount", name, namespace: "shop" }];
  return [
    { apiVersion: `${group}/v1`, kind: "Role", metadata, rules },
    {
      apiVersion: `${group}/v1`,
      kind: "RoleBinding",
      metadata,
      subjects,
      roleRef: { apiGroup: group, kind: "Role", name },
    },
  ];
}

before(async () => {
  cluster = await startCluster();
  const { admin, url, authority } = cluster;
  server = { url, caBundle: base64(authority) };
  for (const name of ["shop", "prod"]) await admin.createNamespace(name);
  const accounts = ["reader", "named", "nobody"];
  const objects = [
    ...accounts.map(account),
    ...grant("reader", { verbs: ["get", "list"] }),
    ...grant("named", { verbs: ["get"], resourceNames: ["db"] }),
    secret("db", { password: "one", "key.bin": binary }, { labels: { team: "a" }, annotations: { note: "x" } }),
    secret("other", { password: "two" }, { labels: { team: "b" } }),
  ];
  for (const object of objects) await admin.apply(object);
  await settleRoles(admin);
});
after(async () => {
  await clients.close();
  await cluster?.stop();
});

const open = (block: object, calls: string[] = []): Store =>
  openKubernetes({ remoteNamespace: "prod", ...block }, { clients, calls });
const byAccount = (): object => ({ server, auth: { serviceAccount: { name: "reader" } } });

async function proofOf(name: string, audiences?: readonly string[]): Promise<Proof> {
  const token = await requestToken(cluster.admin, { namespace: "shop", name }, audiences ? { audiences } : {});
  return { kind: "token", token: SecretValue.fromText(token) };
}

async function opened(name = "reader"): Promise<{ store: Store; session: Session; calls: string[] }> {
  const calls: string[] = [];
  const store = open(byAccount(), calls);
  return { store, session: await store.login(await proofOf(name), signal, facts), calls };
}

suite("a login", () => {
  test("with a service account's token reads, and lasts as long as the token", async () => {
    const { store, session } = await opened();
    const answer = await read(store, {}, session);
    assert.equal(taken(answer, "password").get("it")?.toString(), "one");
    assert.deepEqual(taken(answer, "key.bin").get("it"), binary);
    const lastsMs = session.expiresAtMs! - Date.now();
    assert.ok(lastsMs > 3_000_000 && lastsMs < 4_000_000, `${lastsMs}`);
    const { metadata } = await cluster.admin.get(objectPath("v1", "secrets", "prod", "db"));
    assert.equal(answer.version, metadata.resourceVersion);
    const audit = await readFile(`${cluster.folder}/audit.jsonl`, "utf8");
    const line = audit.split("\n").find((one) => one.includes(`"auditID":"${answer.requestId}"`));
    assert.match(line ?? "", /"username":"system:serviceaccount:shop:reader"/);
  });
  test("with a token for another audience is refused", async () => {
    const store = open(byAccount());
    const session = await store.login(await proofOf("reader", ["vault"]), signal, facts);
    await fails(read(store, {}, session), "store_denied", /does not accept the credential \(401\).*audience/);
  });
  test("with a token from a Secret reads", async () => {
    const token = await requestToken(cluster.admin, { namespace: "shop", name: "reader" });
    const store = open({ server, auth: { token: { bearerToken: { name: "reader" } } } });
    const session = await store.login(shownSecrets({ token: `${token}\n` }), signal, facts);
    assert.equal(await readText(store, { key: "other" }, session), '{"password":"two"}');
  });
  test("with a client certificate reads", async () => {
    const { users } = JSON.parse(await readFile(cluster.adminKubeconfig, "utf8")) as {
      users: readonly { user: Readonly<Record<string, string>> }[];
    };
    const part = (name: string): string => Buffer.from(users[0]!.user[name]!, "base64").toString();
    const pair = { certificate: part("client-certificate-data"), key: part("client-key-data") };
    const store = open({ server, auth: { cert: { clientCert: { name: "pair" }, clientKey: { name: "pair" } } } });
    const session = await store.login(shownSecrets(pair), signal, facts);
    assert.equal(await readText(store, { key: "other" }, session), '{"password":"two"}');
  });
  test("by kubeconfig reads, with a certificate and with a token", async () => {
    const token = await requestToken(cluster.admin, { namespace: "shop", name: "reader" });
    const place = { server: cluster.url, "certificate-authority-data": base64(cluster.authority) };
    const configs = [await readFile(cluster.adminKubeconfig, "utf8"), kubeconfigText(place, { token }, "elsewhere")];
    const store = open({ authRef: { name: "config", key: "config" } });
    for (const kubeconfig of configs) {
      const session = await store.login(shownSecrets({ kubeconfig }), signal, facts);
      assert.equal(await readText(store, { key: "other" }, session), '{"password":"two"}');
      await store.check!(session, signal);
    }
  });
});

suite("a read", () => {
  test("of what RBAC does not grant is denied, and of what is not there is not found", async () => {
    const nobody = await opened("nobody");
    await fails(read(nobody.store, {}, nobody.session), "store_denied", /refused Secret "prod\/db" \(403\)/);
    // Who may not read it is not told whether it is there.
    await fails(read(nobody.store, { key: "missing" }, nobody.session), "store_denied", /\(403\)/);
    const { store, session, calls } = await opened();
    await fails(read(store, { key: "missing" }, session), "ref_not_found", /no Secret "prod\/missing"/);
    assert.deepEqual(calls, ["GetSecret success"]);
  });
  test("sees a rotated value", async () => {
    const { store, session } = await opened();
    await cluster.admin.apply(secret("rotated", { password: "old" }));
    const old = await read(store, { key: "rotated" }, session);
    await cluster.admin.apply(secret("rotated", { password: "new" }));
    const now = await read(store, { key: "rotated" }, session);
    const texts = [old, now].map((answer) => answer.value.reveal().toString());
    assert.deepEqual(texts, ['{"password":"old"}', '{"password":"new"}']);
    assert.notEqual(old.version, now.version);
  });
  test("of labels and annotations gives those", async () => {
    const { store, session } = await opened();
    const answer = await read(store, { metadataPolicy: "Fetch" }, session);
    assert.equal(taken(answer, "labels.team").get("it")?.toString(), "a");
    assert.equal(taken(answer, "annotations.note").get("it")?.toString(), "x");
  });
});

suite("find", () => {
  let bodies: string[] = [];
  const listening: HttpClients = {
    ...clients,
    send: (tls) => async (request, ended) => {
      const answer = await clients.send(tls)(request, ended);
      bodies.push(answer.body.reveal().toString());
      return answer;
    },
  };
  const find = async (wish: FindWish, name = "reader"): Promise<readonly string[]> => {
    bodies = [];
    const store = openKubernetes({ ...byAccount(), remoteNamespace: "prod" }, { clients: listening });
    const session = await store.login(await proofOf(name), signal, facts);
    return (await store.find!.list(wish, session, signal)).map(({ key }) => key);
  };
  test("goes by label and by name, and no value comes with the list", async () => {
    const byName = { source: "^d", matches: (name: string) => name.startsWith("d") };
    assert.deepEqual(await find({ tags: { team: "b" } }), ["other"]);
    assert.deepEqual(await find({ name: byName }), ["db"]);
    assert.deepEqual(await find({ name: byName, tags: { team: "b" } }), []);
    assert.deepEqual(await find({ tags: { team: "a" } }), ["db"]);
    assert.match(bodies.join(), /"PartialObjectMetadataList"/);
    assert.ok(!bodies.join().includes(base64("one")), "a value is in the list");
  });
  test("turns every page", async () => {
    const labels = { page: "turned" };
    for (let i = 0; i < 120; i++) await cluster.admin.create(secret(`page-${i}`, {}, { labels }));
    assert.equal((await find({ tags: labels })).length, 120);
    assert.equal(bodies.length, 2);
  });
  test("without the right to list is denied", async () => {
    await fails(find({}, "named"), "store_denied", /refused to list the Secrets of namespace prod \(403\)/);
  });
});

test("the check knows who may read Secrets there", async () => {
  for (const name of ["reader", "named"]) {
    const { store, session } = await opened(name);
    await store.check!(session, signal);
  }
  const { store, session } = await opened("nobody");
  await fails(store.check!(session, signal), "store_denied", /may not read any Secret in namespace prod/);
});

test("two identities never share a credential, however their reads are mixed", async () => {
  const store = open(byAccount());
  const [reader, nobody] = await Promise.all(
    ["reader", "nobody"].map(async (name) => store.login(await proofOf(name), signal, facts)),
  );
  for (let round = 0; round < 5; round++)
    await Promise.all([
      readText(store, { key: "other" }, reader).then((text) => assert.equal(text, '{"password":"two"}')),
      fails(read(store, { key: "other" }, nobody), "store_denied", /\(403\)/),
    ]);
});
