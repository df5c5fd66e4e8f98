import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { createMetrics, type MetricsOptions, type PrometheusMetrics } from "../../plugin/observe/prometheus.ts";

/** The series of one metric, as `labels value`, sorted. */
async function series(metrics: PrometheusMetrics, name: string): Promise<readonly string[]> {
  const text = await metrics.render();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length).trim())
    .sort();
}

const object = (name: string, namespace = "shop") => ({ name, namespace, store: "vault-prod" });
const drifted = { writer: "mallory", parts: ["key"] };
const bounded = (objectLabels: MetricsOptions["objectLabels"]): PrometheusMetrics => createMetrics({ objectLabels });

test("a sync counts in both families", async () => {
  const metrics = bounded("on");
  metrics.syncCall(object("db"), "success", 0.2);
  metrics.syncCall(object("db"), "error", 1.5);
  assert.deepEqual(await series(metrics, "externalsecrets_sync_calls_total"), [
    '{name="db",namespace="shop",status="error"} 1',
    '{name="db",namespace="shop",status="success"} 1',
  ]);
  assert.deepEqual(await series(metrics, "externalsecrets_sync_duration_seconds_count"), [
    '{store="vault-prod",status="error"} 1',
    '{store="vault-prod",status="success"} 1',
  ]);
  assert.deepEqual(await series(metrics, "externalsecret_sync_calls_total"), ['{name="db",namespace="shop"} 2']);
  assert.deepEqual(await series(metrics, "externalsecret_sync_calls_error"), ['{name="db",namespace="shop"} 1']);
  assert.deepEqual(await series(metrics, "externalsecret_reconcile_duration"), [
    '{name="db",namespace="shop"} 1500000000',
  ]);
});

test("everything else counts under its own name", async () => {
  let dropped = 3;
  const metrics = createMetrics({ objectLabels: "on", logLinesDropped: () => dropped });
  metrics.drift(object("db"), drifted);
  metrics.authFailure("vault-prod");
  metrics.storeCall("HashiCorp/Vault", "ReadSecretData", "success");
  metrics.cacheAnswer("stale");
  metrics.mount("error", "store_denied", 0.1);
  metrics.mount("success", "", 0.1);
  metrics.storeQueue("vault-prod", 4, 16);
  metrics.secretsByProvider(new Map([["vault", 2]]));
  metrics.secretsByProvider(new Map([["file", 1]]));
  const expected: Readonly<Record<string, readonly string[]>> = {
    externalsecrets_drift_detected_total: ['{name="db"} 1'],
    externalsecrets_store_auth_failure_total: ['{store="vault-prod"} 1'],
    externalsecrets_secrets_total: ['{store_provider="file"} 1'],
    externalsecret_provider_api_calls_count: ['{provider="HashiCorp/Vault",call="ReadSecretData",status="success"} 1'],
    keyferry_cache_answers_total: ['{result="stale"} 1'],
    keyferry_mounts_total: ['{outcome="error",code="store_denied"} 1', '{outcome="success",code=""} 1'],
    keyferry_mount_duration_seconds_count: ['{outcome="error"} 1', '{outcome="success"} 1'],
    keyferry_store_waiting_reads: ['{store="vault-prod"} 4'],
    keyferry_store_reads_in_flight: ['{store="vault-prod"} 16'],
    keyferry_log_lines_dropped_total: ["3"],
  };
  for (const [name, lines] of Object.entries(expected)) assert.deepEqual(await series(metrics, name), lines, name);
  dropped = 5;
  assert.deepEqual(await series(metrics, "keyferry_log_lines_dropped_total"), ["5"]);
  for (const name of ["process_resident_memory_bytes", "process_cpu_seconds_total"])
    assert.ok(Number((await series(metrics, name))[0]) > 0, name);
});

test("a condition is 1 at its status and 0 at the other, until it is dropped", async () => {
  const metrics = bounded(10);
  const name = "externalsecret_status_condition";
  metrics.condition(object("db"), "Ready", "False");
  metrics.condition(object("db"), "Ready", "True");
  metrics.condition(object("db"), "Paused", "True");
  assert.deepEqual(await series(metrics, name), [
    '{name="db",namespace="shop",condition="Paused",status="False"} 0',
    '{name="db",namespace="shop",condition="Paused",status="True"} 1',
    '{name="db",namespace="shop",condition="Ready",status="False"} 0',
    '{name="db",namespace="shop",condition="Ready",status="True"} 1',
  ]);
  metrics.condition(object("db"), "Paused", undefined);
  assert.equal((await series(metrics, name)).length, 2);
  metrics.forgetObject(object("db"));
  assert.deepEqual(await series(metrics, name), []);
});

test("beyond the bound objects are counted together", async () => {
  const metrics = bounded(2);
  for (const name of ["a", "b", "c", "d", "a"]) metrics.syncCall(object(name), "success", 1);
  metrics.drift(object("d"), drifted);
  assert.deepEqual(await series(metrics, "externalsecrets_sync_calls_total"), [
    '{name="_other",namespace="_other",status="success"} 2',
    '{name="a",namespace="shop",status="success"} 2',
    '{name="b",namespace="shop",status="success"} 1',
  ]);
  assert.deepEqual(await series(metrics, "externalsecrets_drift_detected_total"), ['{name="_other"} 1']);
});

test("the number of series stays bounded whatever comes", async () => {
  const metrics = bounded(3);
  for (let i = 0; i < 2_000; i++) {
    metrics.syncCall({ ...object(`o${i}`), store: `s${i}` }, "success", 1);
    metrics.condition(object(`o${i}`), "Ready", "True");
    metrics.authFailure(`s${i}`);
    metrics.storeQueue(`s${i}`, 1, 1);
  }
  assert.equal((await series(metrics, "externalsecrets_sync_calls_total")).length, 4);
  assert.equal((await series(metrics, "externalsecret_status_condition")).length, 8);
  assert.equal((await series(metrics, "externalsecrets_store_auth_failure_total")).length, 1_001);
  assert.equal((await series(metrics, "keyferry_store_waiting_reads")).length, 1_000);
});

test("conditions beyond the bound are counted, each object once", async () => {
  const metrics = bounded("off");
  const other = (status: string, count: number): string =>
    `{name="_other",namespace="_other",condition="Ready",status="${status}"} ${count}`;
  const name = "externalsecret_status_condition";
  for (const one of ["a", "b", "c"]) metrics.condition(object(one), "Ready", "True");
  metrics.condition(object("b"), "Ready", "False");
  metrics.condition(object("b"), "Ready", "False");
  assert.deepEqual(await series(metrics, name), [other("False", 1), other("True", 2)]);
  metrics.forgetObject(object("b"));
  metrics.forgetObject(object("b"));
  metrics.condition(object("c"), "Ready", undefined);
  assert.deepEqual(await series(metrics, name), [other("False", 0), other("True", 1)]);
});

test("a forgotten object takes its series along and frees its slot", async () => {
  const metrics = bounded(1);
  metrics.syncCall(object("a"), "error", 1);
  metrics.condition(object("a"), "Ready", "False");
  metrics.drift(object("a"), drifted);
  metrics.condition(object("b"), "Ready", "True");
  metrics.forgetObject(object("a"));
  metrics.forgetObject(object("never seen"));
  for (const name of [
    "externalsecrets_sync_calls_total",
    "externalsecret_sync_calls_error",
    "externalsecrets_drift_detected_total",
  ])
    assert.deepEqual(await series(metrics, name), [], name);
  assert.deepEqual(await series(metrics, "externalsecret_reconcile_duration"), []);
  metrics.syncCall(object("b"), "success", 1);
  metrics.condition(object("b"), "Ready", "True");
  assert.deepEqual(await series(metrics, "externalsecrets_sync_calls_total"), [
    '{name="b",namespace="shop",status="success"} 1',
  ]);
  assert.deepEqual(await series(metrics, "externalsecret_status_condition"), [
    '{name="_other",namespace="_other",condition="Ready",status="False"} 0',
    '{name="_other",namespace="_other",condition="Ready",status="True"} 0',
    '{name="b",namespace="shop",condition="Ready",status="False"} 0',
    '{name="b",namespace="shop",condition="Ready",status="True"} 1',
  ]);
});

test("drift stays while an object of that name is left in another namespace", async () => {
  const metrics = bounded("on");
  metrics.drift(object("db", "one"), drifted);
  metrics.drift(object("db", "two"), drifted);
  metrics.forgetObject(object("db", "one"));
  assert.deepEqual(await series(metrics, "externalsecrets_drift_detected_total"), ['{name="db"} 2']);
  metrics.forgetObject(object("db", "two"));
  assert.deepEqual(await series(metrics, "externalsecrets_drift_detected_total"), []);
});

test("two registries do not share anything", async () => {
  const [one, two] = [bounded("on"), bounded("on")];
  one.cacheAnswer("hit");
  assert.deepEqual(await series(two, "keyferry_cache_answers_total"), []);
});

test("stores have ESO's series, bounded by kind, and a store that is gone has none", async () => {
  const metrics = bounded(1);
  const at = (name: string) => ({ kind: "SecretStore", namespace: "shop", name }) as const;
  metrics.storeValidated(at("a"), "False", 0.5);
  metrics.storeValidated(at("a"), "True", 0.25);
  metrics.storeValidated(at("b"), "True", 1);
  metrics.storeValidated(at("c"), "True", 1);
  metrics.storeValidated({ kind: "ClusterSecretStore", namespace: "", name: "a" }, "False", 1);
  assert.deepEqual(await series(metrics, "secretstore_status_condition"), [
    '{name="_other",namespace="_other",condition="Ready",status="False"} 0',
    '{name="_other",namespace="_other",condition="Ready",status="True"} 2',
    '{name="a",namespace="shop",condition="Ready",status="False"} 0',
    '{name="a",namespace="shop",condition="Ready",status="True"} 1',
  ]);
  assert.ok(
    (await series(metrics, "secretstore_reconcile_duration")).includes('{name="a",namespace="shop"} 250000000'),
  );
  metrics.forgetStore(at("a"));
  metrics.forgetStore(at("b"));
  assert.deepEqual(
    (await series(metrics, "secretstore_status_condition")).filter((line) => /"True"/.test(line)),
    ['{name="_other",namespace="_other",condition="Ready",status="True"} 1'],
  );
  assert.equal((await series(metrics, "clustersecretstore_status_condition")).length, 2);
});

test("drift is counted by its writer, for the first 100 of them, and by what differs", async () => {
  const metrics = bounded("off");
  metrics.drift(object("db"), { writer: "kubectl-edit", parts: ["key", "label"] });
  for (let i = 0; i < 200; i++) metrics.drift(object("db"), { writer: `w${i}`, parts: ["key"] });
  const lines = await series(metrics, "keyferry_drift_found_total");
  assert.ok(lines.includes('{writer="kubectl-edit",part="label"} 1'));
  assert.ok(lines.includes('{writer="_other",part="key"} 101'));
  assert.equal(lines.length, 102);
});

test("docs/metrics.md lists exactly the metrics there are, with their types and labels", async () => {
  const metrics = bounded("on");
  metrics.syncCall(object("a"), "error", 1);
  metrics.condition(object("a"), "Ready", "True");
  metrics.drift(object("a"), drifted);
  metrics.authFailure("s");
  metrics.storeCall("p", "c", "success");
  metrics.cacheAnswer("hit");
  metrics.mount("success", "", 1);
  metrics.storeQueue("s", 1, 1);
  metrics.secretsByProvider(new Map([["fake", 1]]));
  metrics.leftAlone({ other_class: 1 });
  for (const kind of ["SecretStore", "ClusterSecretStore"] as const)
    metrics.storeValidated({ kind, namespace: "", name: "s" }, "True", 1);
  const text = await metrics.render();
  const rendered = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => {
    const sample = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, "m").exec(text);
    assert.ok(sample, `${name} has no series in this test`);
    const labels = [...(sample[1] ?? "").matchAll(/(\w+)="/g)].map(([, label]) => `\`${label}\``);
    return `${name} ${type} ${labels.join(", ")}`;
  });
  const page = fs.readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| ([^|]*?) ?\|/gm)];
  const listed = rows.map(([, name, type, labels]) => `${name} ${type} ${labels}`);
  assert.ok(rendered.length > 10);
  assert.deepEqual(listed.sort(), rendered.sort());
});
