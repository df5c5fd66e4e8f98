/** Credentials that stores refer to: values of Secrets, and tokens of service accounts. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Failure } from "../../plugin/core/failure.ts";
import { settle } from "../fakes/clock.ts";
import { openRoles, openSync, recorder, resources, secret, until } from "./cluster-bench.ts";
import type { ClusterBench } from "./cluster-bench.ts";
import type { Bench } from "./client/bench.ts";

const account = (name = "checkout") => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { namespace: "shop", name },
});
function prepare({ server }: Bench): void {
  server.put(resources.secrets, secret("login", { id: "me", "secret-id": "old" }));
  server.put(resources.accounts, account());
}
const valueOf = async (
  { cluster, signal }: ClusterBench,
  key = "secret-id",
  name = "login",
): Promise<string | undefined> => (await cluster.view.secretValue("shop", name, key, signal))?.reveal().toString();
const gets = ({ server }: Bench): number => server.requestsTo({ verb: "get", plural: "secrets" }).length;

async function openMount(t: TestContext): Promise<ClusterBench> {
  const bench = await openRoles(t, ["mount"], prepare);
  await bench.cluster.synced;
  return bench;
}

test("role mount gets a Secret by name and keeps it for a minute", async (t) => {
  const bench = await openMount(t);
  assert.deepEqual([await valueOf(bench), await valueOf(bench, "id"), gets(bench)], ["old", "me", 1]);
  assert.equal(await valueOf(bench, "missing"), undefined);
  assert.equal(await valueOf(bench, "id", "missing"), undefined);
  bench.server.put(resources.secrets, secret("login", { "secret-id": "new" }));
  await bench.clock.advance(60_001);
  assert.equal(await valueOf(bench), "new");
  assert.deepEqual(bench.server.requestsTo({ verb: "watch", plural: "secrets" }), []);
});

const labelled = (label: string) => {
  const object = secret("login", { id: "me", "secret-id": "new" });
  return { ...object, metadata: { ...object.metadata, labels: { for: label } } };
};

test("a Secret is read once for its labels, its values and each of them", async (t) => {
  const bench = await openMount(t);
  bench.server.put(resources.secrets, labelled("stores"));
  const { view } = bench.cluster;
  const data = await view.secretData("shop", "login", bench.signal);
  assert.deepEqual([data?.labels, [...data!.values.keys()]], [{ for: "stores" }, ["id", "secret-id"]]);
  assert.equal(data?.values.get("secret-id")?.reveal().toString(), "new");
  assert.deepEqual([await valueOf(bench), gets(bench)], ["new", 1]);
  assert.equal(await view.secretData("shop", "missing", bench.signal), undefined);
});

test("role sync takes the changed label of a Secret that is referred to at once", async (t) => {
  const { cluster, server, signal } = await openReferring(t);
  const labelOf = async () => (await cluster.view.secretData("shop", "login", signal))?.labels["for"];
  server.put(resources.secrets, labelled("stores"));
  while ((await labelOf()) !== "stores") await settle();
});

test("role mount may not read a Secret without a right to it", async (t) => {
  const bench = await openMount(t);
  bench.server.deny({ plural: "secrets" });
  await assert.rejects(valueOf(bench), { code: "kube_unavailable", message: /get secrets shop\/login: .*Role/ });
});

/** Role sync with one reference taken up and its watch open. */
async function openReferring(t: TestContext) {
  const bench = await openSync(t, prepare);
  const news = recorder((told) => bench.sync.externalSecrets.onDependencyChange(told));
  assert.equal(await valueOf(bench), "old");
  const isNamed = (): boolean =>
    bench.server.watches.some(({ query }) => query.get("fieldSelector") === "metadata.name=login");
  await until(isNamed);
  return { ...bench, news };
}

test("role sync follows a Secret that is referred to, by its name", async (t) => {
  const bench = await openReferring(t);
  const [list] = bench.server.requestsTo({ verb: "list", plural: "secrets", namespace: "shop" });
  assert.equal(list?.query.get("fieldSelector"), "metadata.name=login");
  for (let minute = 0; minute < 2; minute++) {
    await bench.clock.advance(61_000);
    for (const watch of bench.server.watches) await watch.bookmark();
    await settle(20);
    assert.equal(await valueOf(bench), "old");
  }
  assert.equal(gets(bench), 1, "a watch that says it is the newest saves the request");
  assert.deepEqual(bench.news, []);
});

test("a changed, deleted or remade Secret is read again, and its dependents are told", async (t) => {
  const bench = await openReferring(t);
  const { server, clock, news } = bench;
  for (const [act, want] of [
    [() => server.put(resources.secrets, secret("login", { "secret-id": "new" })), "new"],
    [() => server.remove(resources.secrets, "shop", "login"), undefined],
    [() => server.put(resources.secrets, secret("login", { "secret-id": "newer" })), "newer"],
  ] as const) {
    act();
    await clock.pass(100);
    assert.deepEqual(news.splice(0), [{}]);
    assert.equal(await valueOf(bench), want);
  }
});

test("without a living watch a Secret is read once a minute", async (t) => {
  const bench = await openReferring(t);
  bench.server.fail({ plural: "secrets", namespace: "shop", verb: "watch" }, { status: 503 }, Infinity);
  bench.server.fail({ plural: "secrets", namespace: "shop", verb: "list" }, { status: 503 }, Infinity);
  for (const watch of bench.server.watches) if (watch.query.has("fieldSelector")) watch.reset();
  await bench.clock.advance(1_000);
  assert.equal(await valueOf(bench), "old");
  assert.equal(gets(bench), 1);
  bench.server.put(resources.secrets, secret("login", { "secret-id": "new" }));
  await bench.clock.advance(60_001);
  assert.equal(await valueOf(bench), "new");
});

test("a Secret that changed before its watch was there is read again", async (t) => {
  const bench = await openSync(t, prepare);
  const place = { plural: "secrets", namespace: "shop", verb: "list" };
  bench.server.fail(place, "hold");
  assert.equal(await valueOf(bench), "old");
  await bench.server.requested(place, 1);
  bench.server.put(resources.secrets, secret("login", { "secret-id": "new" }));
  bench.server.release();
  while ((await valueOf(bench)) !== "new") await settle();
});

const templateMap = (conf: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { namespace: "shop", name: "tpl" },
  data: { conf },
  binaryData: { other: "AAAA" },
});
const templateOf = ({ cluster, signal }: ClusterBench, key = "conf", name = "tpl"): Promise<string | undefined> =>
  cluster.view.configMapValue("shop", name, key, signal);

test("role mount gets a ConfigMap by name and keeps it for a minute, and says which right it lacks", async (t) => {
  const bench = await openMount(t);
  bench.server.put(resources.configMaps, templateMap("a"));
  assert.deepEqual(
    [await templateOf(bench), await templateOf(bench, "other"), await templateOf(bench, "conf", "none")],
    ["a", undefined, undefined],
  );
  assert.equal(bench.server.requestsTo({ verb: "get", plural: "configmaps" }).length, 2);
  bench.server.deny({ plural: "configmaps" });
  await bench.clock.advance(10_000);
  assert.equal(await templateOf(bench), "a");
  await assert.rejects(templateOf(bench, "conf", "other"), { message: /get configmaps shop\/other: .*Role/ });
  assert.deepEqual(bench.server.requestsTo({ verb: "watch", plural: "configmaps" }), []);
});

test("role sync follows a ConfigMap that a template names, and tells its namespace alone of each change", async (t) => {
  const bench = await openSync(t, prepare);
  const { server, clock } = bench;
  const news = recorder((told) => bench.sync.externalSecrets.onDependencyChange(told));
  assert.equal(await templateOf(bench), undefined);
  await until(() => server.watches.some(({ query }) => query.get("fieldSelector") === "metadata.name=tpl"));
  for (const [act, want] of [
    [() => server.put(resources.configMaps, templateMap("a")), "a"],
    [() => server.put(resources.configMaps, templateMap("b")), "b"],
    [() => server.remove(resources.configMaps, "shop", "tpl"), undefined],
  ] as const) {
    act();
    await clock.pass(100);
    assert.deepEqual(news.splice(0), [{ namespace: "shop" }]);
    assert.equal(await templateOf(bench), want);
  }
});

const generator = (path: string) => ({
  apiVersion: "generators.external-secrets.io/v1alpha1",
  kind: "VaultDynamicSecret",
  metadata: { namespace: "shop", name: "app" },
  spec: { path, provider: { server: "https://vault:8200" } },
});

test("role sync follows a generator that is named, and tells its namespace alone of each change", async (t) => {
  const bench = await openSync(t, prepare);
  const { server, clock, cluster, signal } = bench;
  const pathOf = async (): Promise<string | undefined> => {
    const found = await cluster.view.findGenerator!("VaultDynamicSecret", "shop", "app", signal);
    return found && (found.ok ? found.value.call.path : found.problems[0].path);
  };
  const news = recorder((told) => bench.sync.externalSecrets.onDependencyChange(told));
  assert.equal(await pathOf(), undefined);
  await until(() => server.watches.some(({ query }) => query.get("fieldSelector") === "metadata.name=app"));
  for (const [act, want] of [
    [() => server.put(resources.generators, generator("creds/a")), "creds/a"],
    [() => server.put(resources.generators, generator("creds/b")), "creds/b"],
    [() => server.put(resources.generators, generator("")), "spec.path"],
    [() => server.remove(resources.generators, "shop", "app"), undefined],
  ] as const) {
    act();
    await clock.pass(100);
    assert.deepEqual(news.splice(0), [{ namespace: "shop" }]);
    assert.equal(await pathOf(), want);
  }
});

const annotated = (role: string) => ({
  ...account(),
  metadata: { namespace: "shop", name: "checkout", annotations: { role } },
});

test("role mount reads the annotations of an account by name, and again after a minute", async (t) => {
  const { cluster, server, clock, signal } = await openMount(t);
  const roleOf = async (name = "checkout"): Promise<string | undefined> =>
    (await cluster.view.serviceAccountAnnotations("shop", name, signal))["role"];
  server.put(resources.accounts, annotated("reader"));
  assert.deepEqual([await roleOf(), await roleOf(), await roleOf("missing")], ["reader", "reader", undefined]);
  assert.equal(server.requestsTo({ verb: "get", plural: "serviceaccounts" }).length, 2);
  server.put(resources.accounts, annotated("writer"));
  await clock.advance(60_001);
  assert.equal(await roleOf(), "writer");
});

test("role sync takes changed annotations of an account that it follows at once", async (t) => {
  const { cluster, server, signal } = await openSync(t, prepare);
  const roleOf = async (): Promise<string | undefined> =>
    (await cluster.view.serviceAccountAnnotations("shop", "checkout", signal))["role"];
  await cluster.view.serviceAccountToken("shop", "checkout", "vault", signal);
  assert.equal(await roleOf(), undefined);
  await until(() => server.watches.some(({ query }) => query.get("fieldSelector") === "metadata.name=checkout"));
  server.put(resources.accounts, annotated("reader"));
  while ((await roleOf()) !== "reader") await settle();
});

const claims = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as Record<string, unknown>;

test("a token is made for one account and one audience", async (t) => {
  const { cluster, server, signal } = await openSync(t, prepare);
  const made = (await cluster.view.serviceAccountToken("shop", "checkout", "vault", signal))!;
  const { uid } = server.find(resources.accounts, "shop", "checkout")!.metadata;
  assert.equal(made.serviceAccountUid, uid);
  assert.equal(made.expiresAtMs, Date.UTC(2026, 0, 1, 1));
  assert.deepEqual(claims(made.token.reveal().toString())["aud"], ["vault"]);
  const [request] = server.requestsTo({ plural: "serviceaccounts", subresource: "token" });
  assert.deepEqual(request?.body, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    metadata: { namespace: "shop", name: "checkout" },
    spec: { audiences: ["vault"], expirationSeconds: 3_600 },
  });
  assert.equal(await cluster.view.serviceAccountToken("shop", "missing", "vault", signal), undefined);
});

test("a token without an audience is for the API server itself, under whatever name it has", async (t) => {
  const { cluster, server, signal } = await openSync(t, prepare);
  assert.ok(await cluster.view.serviceAccountToken("shop", "checkout", "", signal));
  const [request] = server.requestsTo({ plural: "serviceaccounts", subresource: "token" });
  assert.deepEqual((request?.body as { spec: unknown }).spec, { expirationSeconds: 3_600 });
});

for (const [name, status] of [
  ["is opaque", { token: "canary-opaque" }],
  ["says no uid", { token: `a.${Buffer.from('{"kubernetes.io":{}}').toString("base64url")}.canary` }],
  ["is missing", {}],
] as const)
  test(`an API server whose token ${name} is not understood, and its token not shown`, async (t) => {
    const { cluster, server, signal } = await openSync(t, prepare);
    server.answerPost("serviceaccounts/token", () => ({ metadata: {}, status }));
    const asked = cluster.view.serviceAccountToken("shop", "checkout", "vault", signal);
    await assert.rejects(asked, (thrown: Error & { code: string }) => {
      assert.equal(thrown.code, "kube_unavailable");
      assert.match(thrown.message, /service account shop\/checkout does not say the account's uid/);
      assert.ok(!thrown.message.includes("canary"));
      return true;
    });
  });

for (const [role, open, wayOut] of [
  ["mount", openMount, /in a Role of that namespace, or set identity: Pod in the class$/],
  ["sync", (t: TestContext) => openSync(t, prepare), /in a Role of that namespace$/],
] as const)
  test(`role ${role} says which right is missing for a token`, async (t) => {
    const { server, cluster, signal } = await open(t);
    server.deny({ plural: "serviceaccounts", verb: "create" });
    await assert.rejects(cluster.view.serviceAccountToken("shop", "checkout", "vault", signal), (thrown: Failure) => {
      assert.equal(thrown.code, "credential_missing");
      assert.match(
        thrown.message,
        /may not make a token with audience "vault" for service account shop\/checkout; grant it create on serviceaccounts\/token/,
      );
      assert.match(thrown.message, wayOut);
      return true;
    });
  });

test("an account that is deleted, remade, or made at last is told; one that is edited is not", async (t) => {
  const bench = await openSync(t, prepare);
  const { cluster, server, signal, clock, sync } = bench;
  const accounts: string[] = [];
  cluster.onAccountChange(() => void accounts.push("account"));
  const news = recorder((told) => sync.externalSecrets.onDependencyChange(told));
  const ask = (name: string) => cluster.view.serviceAccountToken("shop", name, "vault", signal);
  await ask("checkout");
  await ask("late");
  const named = (name: string): boolean =>
    server.watches.some(({ query }) => query.get("fieldSelector") === `metadata.name=${name}`);
  await until(() => named("checkout") && named("late"));
  assert.deepEqual(accounts, []);
  server.put(resources.accounts, { ...account(), metadata: { ...account().metadata, labels: { a: "1" } } });
  server.put(resources.accounts, account("late"));
  await until(() => accounts.length === 1);
  await clock.pass(100);
  assert.deepEqual([accounts.splice(0).length, news.splice(0)], [1, [{}]]);
  assert.ok(await ask("late"));
  server.remove(resources.accounts, "shop", "checkout");
  await until(() => accounts.length === 1);
  assert.equal(await ask("checkout"), undefined);
  server.put(resources.accounts, account());
  await until(() => accounts.length === 2);
  assert.ok(await ask("checkout"));
  server.put(resources.accounts, { ...account(), metadata: { ...account().metadata, labels: { a: "2" } } });
  server.remove(resources.accounts, "shop", "late");
  await until(() => accounts.length === 3);
});
