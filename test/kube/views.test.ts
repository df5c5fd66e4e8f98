/** What the read path and mount see of the cluster, in role sync by watches and in role mount object by object. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { settle } from "../fakes/clock.ts";
import type { Bench } from "./client/bench.ts";
import {
  clusterStore,
  externalSecret,
  maxStaleMs,
  namespace,
  openRoles,
  policy,
  resources,
  store,
  until,
} from "./cluster-bench.ts";

function prepare({ server }: Bench): void {
  server.put(resources.secretStores, store("vault"));
  server.put(resources.clusterSecretStores, clusterStore("all"));
  server.put(resources.namespaces, namespace("shop", { team: "a" }));
  server.put(resources.externalSecrets, externalSecret("db"));
}

const open = async (t: TestContext, roles: readonly ("mount" | "sync")[]) => {
  const bench = await openRoles(t, roles, prepare);
  await bench.cluster.synced;
  const { view, mounts } = bench.cluster;
  const nameOf = async (kind: "SecretStore" | "ClusterSecretStore", name: string, where = "shop") => {
    const found = await view.findStore(kind, where, name, bench.signal);
    return found?.ok ? `${found.value.meta.namespace}/${found.value.meta.name}` : found;
  };
  return { ...bench, view, mounts, nameOf };
};

for (const roles of [["mount"], ["sync"], ["mount", "sync"]] as const)
  test(`stores, labels and ExternalSecrets are found in role ${roles.join(" and ")}`, async (t) => {
    const { view, mounts, nameOf, signal } = await open(t, roles);
    assert.equal(await nameOf("SecretStore", "vault"), "shop/vault");
    assert.equal(await nameOf("ClusterSecretStore", "all"), "/all");
    assert.equal(await nameOf("SecretStore", "vault", "else"), undefined);
    assert.equal(await nameOf("ClusterSecretStore", "vault"), undefined);
    const name = "kubernetes.io/metadata.name";
    assert.deepEqual(await view.namespaceLabels("shop", signal), { team: "a", [name]: "shop" });
    assert.deepEqual(await view.namespaceLabels("unknown", signal), { [name]: "unknown" });
    const found = await mounts.findExternalSecret("shop", "db", signal);
    assert.ok(found?.ok && found.value.spec.target.name === "db");
    assert.equal(await mounts.findExternalSecret("else", "db", signal), undefined);
  });

test("role mount lists and watches StorePolicies and nothing else", async (t) => {
  const { server, nameOf, view, mounts, signal } = await open(t, ["mount"]);
  await server.watch("storepolicies");
  await nameOf("SecretStore", "vault");
  await view.namespaceLabels("shop", signal);
  await mounts.findExternalSecret("shop", "db", signal);
  const listed = server.requests.filter(({ verb }) => verb !== "get").map(({ verb, plural }) => `${verb} ${plural}`);
  assert.deepEqual(listed, ["list storepolicies", "watch storepolicies"]);
});

test("role sync answers from its watches, without a request", async (t) => {
  const { server, nameOf, view, mounts, signal } = await open(t, ["mount", "sync"]);
  await nameOf("SecretStore", "vault");
  await nameOf("SecretStore", "missing");
  await view.namespaceLabels("shop", signal);
  await mounts.findExternalSecret("shop", "db", signal);
  assert.deepEqual(server.requestsTo({ verb: "get" }), []);
  server.remove(resources.secretStores, "shop", "vault");
  while ((await nameOf("SecretStore", "vault")) !== undefined) await settle();
});

test("until its watches are filled, a process of both roles gets single objects and waits for the namespaces", async (t) => {
  const bench = await openRoles(t, ["mount", "sync"], (before) => {
    prepare(before);
    for (const plural of ["secretstores", "externalsecrets", "namespaces"])
      before.server.fail({ verb: "list", plural }, "hold");
  });
  const { view, mounts } = bench.cluster;
  assert.ok((await view.findStore("SecretStore", "shop", "vault", bench.signal))?.ok);
  assert.ok((await mounts.findExternalSecret("shop", "db", bench.signal))?.ok);
  const labels = view.namespaceLabels("shop", bench.signal);
  await bench.server.requested({ verb: "list", plural: "namespaces" }, 1);
  bench.server.mend();
  assert.equal((await labels)["team"], "a");
  await bench.cluster.synced;
  assert.deepEqual(bench.server.requestsTo({ verb: "get", plural: "namespaces" }), []);
});

test("namespaces that are not known in time are an outage", async (t) => {
  const { cluster, server, clock, signal } = await openRoles(t, ["sync"], (before) => {
    before.server.fail({ plural: "namespaces" }, "hold", Infinity);
  });
  const asked = cluster.view.namespaceLabels("shop", signal).catch((thrown: unknown) => thrown);
  await server.requested({ plural: "namespaces" }, 1);
  await clock.advance(5_001);
  const { code, message } = (await asked) as { code: string; message: string };
  assert.deepEqual([code, message.startsWith("the namespaces are not known yet: ")], ["kube_unavailable", true]);
});

test("an object is the same for a minute and then read again", async (t) => {
  const { server, nameOf, view, clock, signal } = await open(t, ["mount"]);
  const first = await view.findStore("SecretStore", "shop", "vault", signal);
  server.remove(resources.secretStores, "shop", "vault");
  await clock.advance(59_000);
  assert.equal(await view.findStore("SecretStore", "shop", "vault", signal), first);
  await clock.advance(1_001);
  assert.equal(await nameOf("SecretStore", "vault"), undefined);
  assert.equal(server.requestsTo({ verb: "get", plural: "secretstores" }).length, 2);
});

test("an object that is missing is looked for again after five seconds", async (t) => {
  const { server, nameOf, clock } = await open(t, ["mount"]);
  assert.equal(await nameOf("SecretStore", "late"), undefined);
  server.put(resources.secretStores, store("late"));
  await clock.advance(4_000);
  assert.equal(await nameOf("SecretStore", "late"), undefined);
  await clock.advance(1_001);
  assert.equal(await nameOf("SecretStore", "late"), "shop/late");
});

test("an ExternalSecret that is being deleted is none for role mount", async (t) => {
  const { server, mounts, signal } = await open(t, ["mount"]);
  server.put(resources.externalSecrets, externalSecret("end", { metadata: { finalizers: ["example.com/hold"] } }));
  server.remove(resources.externalSecrets, "shop", "end");
  assert.equal(await mounts.findExternalSecret("shop", "end", signal), undefined);
});

test("many who ask at one time are one request, and one who leaves does not end it", async (t) => {
  const { server, view, signal } = await open(t, ["mount"]);
  server.fail({ verb: "get", plural: "secretstores" }, "hold");
  const leaving = new AbortController();
  const ask = (by: AbortSignal) => view.findStore("SecretStore", "shop", "vault", by);
  const gone = ask(leaving.signal).catch((thrown: unknown) => thrown);
  const others = [ask(signal), ask(signal)];
  await server.requested({ verb: "get", plural: "secretstores" }, 1);
  leaving.abort(new Error("left"));
  assert.deepEqual(await gone, leaving.signal.reason);
  server.release();
  for (const found of await Promise.all(others)) assert.ok(found?.ok);
  assert.equal(server.requestsTo({ verb: "get", plural: "secretstores" }).length, 1);
});

const outages = [
  { name: "does not answer", fault: "hold" },
  { name: "breaks off", fault: "reset" },
  { name: "is out of order", fault: { status: 503 } },
  { name: "has lost its rights", fault: { status: 403, body: { kind: "Status", reason: "Forbidden", message: "no" } } },
] as const;
for (const { name, fault } of outages)
  test(`while the API server ${name}, what was read last stays in use up to its limit`, async (t) => {
    const { server, view, nameOf, clock, signal } = await open(t, ["mount"]);
    await nameOf("SecretStore", "vault");
    server.fail({ plural: "secretstores" }, fault, Infinity);
    server.remove(resources.secretStores, "shop", "vault");
    await clock.advance(61_000);
    const asked = nameOf("SecretStore", "vault");
    await clock.advance(3_001);
    assert.equal(await asked, "shop/vault");
    const requests = server.requestsTo({ plural: "secretstores" }).length;
    assert.equal(await nameOf("SecretStore", "vault"), "shop/vault", "the next one is not held up");
    await settle();
    assert.ok(server.requestsTo({ plural: "secretstores" }).length - requests <= 1);
    await clock.advance(maxStaleMs);
    const late = view.findStore("SecretStore", "shop", "vault", signal).catch((thrown: unknown) => thrown);
    await until(() => server.requestsTo({ plural: "secretstores" }).length > requests);
    await clock.advance(40_000);
    assert.equal(((await late) as { code: string }).code, "kube_unavailable");
    server.mend();
    assert.equal(await nameOf("SecretStore", "vault"), undefined);
  });

test("an API server that never knew the object and does not answer is an outage", async (t) => {
  const { server, view, clock, signal } = await open(t, ["mount"]);
  server.fail({ plural: "secretstores" }, "hold", Infinity);
  const asked = view.findStore("SecretStore", "shop", "vault", signal).catch((thrown: unknown) => thrown);
  await server.requested({ plural: "secretstores" }, 1);
  await clock.advance(15_001);
  const { code, message } = (await asked) as { code: string; message: string };
  assert.deepEqual(
    [code, message],
    ["kube_unavailable", "get secretstores.external-secrets.io shop/vault: the API server does not answer in time"],
  );
});

const ref = { kind: "SecretStore", name: "vault", namespace: "shop" };
test("policies are all known, the broken ones with the store that they close", async (t) => {
  const { cluster, signal, server } = await openRoles(t, ["mount"], ({ server }) => {
    server.put(resources.policies, policy("a", { storeRef: ref, rules: [] }));
    server.put(resources.policies, policy("b", { storeRef: ref, rules: 7 }));
    server.put(resources.policies, policy("c", { storeRef: { ...ref, kind: "Store" }, rules: [] }));
    server.put(resources.policies, policy("d", { storeRef: { ...ref, name: "Not A Name" }, rules: [] }));
  });
  // Asked before the first list is there.
  const items = await cluster.view.storePolicies(signal);
  assert.deepEqual(
    items.map(({ ok, name, storeRef }) => [name, ok, storeRef]),
    [
      ["a", true, undefined],
      ["b", false, ref],
      ["c", false, undefined],
      ["d", false, undefined],
    ],
  );
  assert.equal(await cluster.view.storePolicies(signal), items, "the same until one changes");
  await server.watch("storepolicies");
  server.remove(resources.policies, "", "a");
  while ((await cluster.view.storePolicies(signal)).length !== 3) await settle();
});

test("without the policies no store is open", async (t) => {
  const { cluster, signal, clock, server } = await openRoles(t, ["mount"], ({ server }) => {
    server.fail({ plural: "storepolicies" }, "hold", Infinity);
  });
  const asked = cluster.view.storePolicies(signal).catch((thrown: unknown) => thrown);
  await server.requested({ plural: "storepolicies" }, 1);
  await clock.advance(5_001);
  const { code, message } = (await asked) as { code: string; message: string };
  assert.equal(code, "kube_unavailable");
  assert.match(message, /^the StorePolicies are not known yet, so no store is open: /);
});

for (const [name, hinder] of [
  ["the right to list them", (server: Bench["server"]) => server.deny({ plural: "storepolicies" })],
  ["their CRD", (server: Bench["server"]) => server.uninstall(resources.policies)],
] as const)
  test(`without ${name} whoever asks for policies is told at once`, async (t) => {
    const { cluster, signal } = await openRoles(t, ["mount"], ({ server }) => hinder(server));
    await until(() => cluster.ready().some(({ note }) => note.includes("storepolicies")));
    await assert.rejects(cluster.view.storePolicies(signal), {
      code: "kube_unavailable",
      message: /so no store is open: list storepolicies\.keyferry\.dev: /,
    });
  });

test("policies that are known stay in force through an outage", async (t) => {
  const { cluster, signal, clock, server } = await openRoles(t, ["mount"], ({ server }) => {
    server.put(resources.policies, policy("a", { storeRef: ref, rules: [] }));
  });
  await cluster.synced;
  const watch = await server.watch("storepolicies");
  server.fail({ plural: "storepolicies" }, { status: 503 }, Infinity);
  watch.reset();
  await clock.advance(60_000);
  assert.equal((await cluster.view.storePolicies(signal)).length, 1);
});
