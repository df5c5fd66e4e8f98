/** The admission policies of daemonset/ on a real API server: who is let through, who is refused, who is warned. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../../scenario/program.ts";
import { KubeRefusal, type KubeAdmin } from "../kube/admin.ts";
import { startCluster, type Cluster } from "../kube/cluster.ts";
import { objectPath } from "../kube/objects.ts";
import { installed } from "./install.ts";

const sync = "system:serviceaccount:keyferry:keyferry-sync";
const eso = "system:serviceaccount:external-secrets:external-secrets";
const managed = { "reconcile.external-secrets.io/managed": "true" };

const externalSecret = (name: string) => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name, namespace: "shop" },
  spec: {
    secretStoreRef: { name: "constants", kind: "ClusterSecretStore" },
    data: [{ secretKey: "a", remoteRef: { key: "a" } }],
  },
});

/** A world of its own for each row: an ExternalSecret, and the Secret that it owns. */
async function owned(cluster: Cluster, name: string): Promise<{ path: string; owner: object }> {
  const { metadata } = await cluster.admin.create(externalSecret(name));
  const owner = {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    name,
    uid: metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  await cluster.admin.as(sync).create(secret(name, { ownerReferences: [owner], labels: managed }));
  return { path: objectPath("v1", "secrets", "shop", name), owner };
}

function secret(name: string, metadata: object = {}) {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "shop", ...metadata },
    data: { a: Buffer.from("1").toString("base64") },
  };
}

const edit = { data: { a: Buffer.from("2").toString("base64") } };

function pod(name: string, driver: string, volumeAttributes: Readonly<Record<string, string>>) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop" },
    spec: {
      containers: [{ name: "app", image: "app" }],
      volumes: [{ name: "secrets", csi: { driver, readOnly: true, volumeAttributes } }],
    },
  };
}

/** A policy counts some moments after it was written. */
async function policiesCount(admin: KubeAdmin, isRefused: boolean): Promise<void> {
  await until(async () => {
    const probe = pod("probe", "secrets-store.csi.k8s.io", { secretProviderClass: "a", extra: "b" });
    const answer = await admin.request("POST", `${objectPath("v1", "pods", "shop")}?dryRun=All`, probe);
    return isRefused ? answer.status === 403 : answer.headers["warning"] !== undefined;
  });
}

async function start(overlay?: "hardened"): Promise<Cluster> {
  const cluster = await startCluster({ manifests: await installed(overlay) });
  await cluster.admin.createNamespace("shop");
  await policiesCount(cluster.admin, overlay === "hardened");
  return cluster;
}

const refused = (problem: unknown): boolean => problem instanceof KubeRefusal && problem.status === 403;

describe("the hardened policies", () => {
  let cluster: Cluster;
  before(async () => void (cluster = await start("hardened")));
  after(() => cluster?.stop());

  const rows: readonly {
    readonly who: string;
    readonly does: (world: { path: string; owner: object; name: string }) => Promise<unknown>;
    readonly allowed: boolean;
  }[] = [
    { who: "who syncs, updating", does: ({ path }) => cluster.admin.as(sync).patch(path, edit), allowed: true },
    { who: "who syncs, deleting", does: ({ path }) => cluster.admin.as(sync).remove(path), allowed: true },
    { who: "a person, editing", does: ({ path }) => cluster.admin.as("mallory").patch(path, edit), allowed: false },
    { who: "a person, deleting", does: ({ path }) => cluster.admin.as("mallory").remove(path), allowed: false },
    {
      who: "a person, taking the owner away",
      does: ({ path }) => cluster.admin.as("mallory").patch(path, { metadata: { ownerReferences: null } }),
      allowed: false,
    },
    {
      who: "a Helm-like writer on a Secret that is owned",
      does: ({ name }) => cluster.admin.as("helm", { manager: "helm" }).apply(secret(name)),
      allowed: false,
    },
    {
      who: "a Helm-like writer on a Secret of its own",
      does: ({ name }) => cluster.admin.as("helm", { manager: "helm" }).apply(secret(`${name}-own`)),
      allowed: true,
    },
    {
      who: "a person, with an owner reference that is forged",
      does: ({ name, owner }) =>
        cluster.admin.as("mallory").create(secret(`${name}-forged`, { ownerReferences: [owner] })),
      allowed: false,
    },
    {
      who: "a person, with a label that is forged",
      does: ({ name }) => cluster.admin.as("mallory").create(secret(`${name}-label`, { labels: managed })),
      allowed: true,
    },
    {
      who: "the real owner of a Secret that is merged into",
      async does({ name }) {
        await cluster.admin.as("owner").create(secret(`${name}-merge`));
        const path = objectPath("v1", "secrets", "shop", `${name}-merge`);
        await cluster.admin.as(sync).patch(path, { metadata: { labels: managed }, data: { b: "Yg==" } });
        return cluster.admin.as("owner").patch(path, edit);
      },
      allowed: true,
    },
    {
      who: "somebody of the group for emergencies",
      does: ({ path }) =>
        cluster.admin.as("oncall", { groups: ["system:masters", "keyferry:break-glass"] }).patch(path, edit),
      allowed: true,
    },
    {
      who: "a person, while the ExternalSecret is paused",
      async does({ path, name }) {
        const object = await cluster.admin.get(objectPath("external-secrets.io/v1", "externalsecrets", "shop", name));
        const conditions = [
          { type: "Paused", status: "True", reason: "Paused", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" },
        ];
        await cluster.admin.replace({ ...object, status: { conditions } }, "status");
        return until(() => cluster.admin.as("mallory").patch(path, edit));
      },
      allowed: true,
    },
    { who: "External Secrets Operator", does: ({ path }) => cluster.admin.as(eso).patch(path, edit), allowed: false },
  ];
  for (const [index, { who, does, allowed }] of rows.entries())
    test(`${allowed ? "let through" : "refuse"} ${who}`, async () => {
      const name = `row-${index}`;
      const world = { ...(await owned(cluster, name)), name };
      if (allowed) await does(world);
      else await assert.rejects(does(world), refused);
    });

  test("name the ExternalSecret and the way out", async () => {
    const { path } = await owned(cluster, "named");
    await assert.rejects(
      cluster.admin.as("mallory").patch(path, edit),
      /belongs to ExternalSecret named.*change the value at its store.*keyferry\.dev\/pause-until/,
    );
  });

  test("let the garbage collector delete what lost its owner", async () => {
    const { path } = await owned(cluster, "collected");
    await cluster.admin.remove(objectPath("external-secrets.io/v1", "externalsecrets", "shop", "collected"));
    await cluster.admin.waitGone(path, 45_000);
  });

  test("let a namespace end", async () => {
    await cluster.admin.createNamespace("ending");
    const es = await cluster.admin.create({ ...externalSecret("e"), metadata: { name: "e", namespace: "ending" } });
    const owner = { apiVersion: "external-secrets.io/v1", kind: "ExternalSecret", name: "e", uid: es.metadata.uid };
    const ownerReferences = [{ ...owner, controller: true }];
    await cluster.admin.as(sync).create(secret("e", { namespace: "ending", ownerReferences }));
    await cluster.admin.remove(objectPath("v1", "namespaces", undefined, "ending"));
    await cluster.admin.waitGone(objectPath("v1", "namespaces", undefined, "ending"), 45_000);
  });

  for (const [what, driver, attributes, allowed] of [
    ["the class alone", "secrets-store.csi.k8s.io", { secretProviderClass: "a" }, true],
    [
      "a token",
      "secrets-store.csi.k8s.io",
      { secretProviderClass: "a", "csi.storage.k8s.io/serviceAccount.tokens": "{}" },
      false,
    ],
    ["an unknown attribute", "secrets-store.csi.k8s.io", { secretProviderClass: "a", objects: "b" }, false],
    ["attributes of another driver", "inline.example.com", { size: "1Gi" }, true],
  ] as const)
    test(`${allowed ? "let through" : "refuse"} a pod with ${what}`, async () => {
      const created = cluster.admin.create(pod(`pod-${what.replaceAll(" ", "-")}`, driver, attributes));
      if (allowed) await created;
      else await assert.rejects(created, /only secretProviderClass may be set/);
    });
});

describe("the policies of the base", () => {
  let cluster: Cluster;
  before(async () => void (cluster = await start()));
  after(() => cluster?.stop());

  const patchAs = (user: string, path: string) =>
    cluster.admin.as(user).request("PATCH", path, edit, { "content-type": "application/merge-patch+json" });

  test("warn a person who edits, and let it through", async () => {
    const { path } = await owned(cluster, "warned");
    const answer = await patchAs("mallory", path);
    assert.equal(answer.status, 200);
    assert.match(String(answer.headers["warning"]), /belongs to ExternalSecret warned/);
  });

  for (const user of [sync, eso])
    test(`say nothing to ${user}`, async () => {
      const { path } = await owned(cluster, `quiet-${user === sync ? "sync" : "eso"}`);
      const answer = await patchAs(user, path);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["warning"], undefined);
    });

  test("note in the audit log who edits a managed Secret, merged ones included, but not who syncs", async () => {
    await cluster.admin.as("owner").create(secret("merged", { labels: managed }));
    const path = objectPath("v1", "secrets", "shop", "merged");
    await patchAs("mallory", path);
    await patchAs(sync, path);
    const noted = (await cluster.auditEvents({ resource: "secrets" }))
      .filter(({ name, verb }) => name === "merged" && verb === "patch")
      .map(({ user, annotations }) => [user, JSON.stringify(annotations).includes("alert-on-direct-secret-edit")]);
    assert.deepEqual(noted, [
      ["mallory", true],
      [sync, false],
    ]);
  });
});
