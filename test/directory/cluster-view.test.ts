import assert from "node:assert/strict";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { StoreManifest } from "../../plugin/manifests/objects.ts";
import { externalSecret, never, setUp, store, until, type Setup } from "./setup.ts";

const policy = (name: string, storeName: string): string => `apiVersion: keyferry.dev/v1alpha1
kind: StorePolicy
metadata: {name: ${name}}
spec:
  storeRef: {kind: ClusterSecretStore, name: ${storeName}}
  rules: [{namespaces: [shop]}]
`;

const cluster = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: blue}}
---
apiVersion: v1
kind: Secret
metadata: {name: creds, namespace: shop, labels: {for: stores}}
stringData: {token: hunter2}
---
apiVersion: v1
kind: Secret
metadata:
  name: sa-token
  namespace: shop
  annotations: {kubernetes.io/service-account.name: checkout, kubernetes.io/service-account.uid: u-7}
type: kubernetes.io/service-account-token
stringData: {token: opaque-token}
---
apiVersion: v1
kind: Secret
metadata: {name: not-a-token, namespace: shop, annotations: {kubernetes.io/service-account.name: other}}
stringData: {token: nope}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: checkout, namespace: shop, annotations: {role: reader}}
`;

suite("the cluster that a folder stands in for", { timeout: 30_000 }, () => {
  test("answers the read path", async () => {
    await using setup = await setUp({
      files: {
        "cluster.yaml": cluster,
        "stores.yaml": `${store("files")}---\n${store("all", { kind: "ClusterSecretStore" })}`,
        "bad-store.yaml": store("bad").replace("provider", "provder"),
        "policy.yaml": policy("p", "all"),
        "bad-policy.yaml": policy("q", "all").replace("rules", "rulez"),
      },
    });
    const view = setup.directory.cluster;
    const found = await view.findStore("SecretStore", "shop", "files", never);
    assert.ok(found?.ok && found.value.meta.namespace === "shop");
    assert.equal(await view.findStore("SecretStore", "other", "files", never), undefined);
    assert.equal(await view.findStore("ClusterSecretStore", "", "files", never), undefined);
    assert.ok((await view.findStore("ClusterSecretStore", "", "all", never))?.ok);
    assert.equal((await view.findStore("SecretStore", "shop", "bad", never))?.ok, false);
    const policies = await view.storePolicies(never);
    assert.deepEqual(
      policies.map((item) => [item.name, item.ok, item.ok ? undefined : item.storeRef]),
      [
        ["q", false, { kind: "ClusterSecretStore", name: "all" }],
        ["p", true, undefined],
      ],
    );
    assert.deepEqual(await view.namespaceLabels("shop", never), {
      team: "blue",
      "kubernetes.io/metadata.name": "shop",
    });
    assert.deepEqual(await view.namespaceLabels("nowhere", never), { "kubernetes.io/metadata.name": "nowhere" });
    assert.equal((await view.secretValue("shop", "creds", "token", never))?.reveal().toString(), "hunter2");
    assert.equal(await view.secretValue("shop", "creds", "nope", never), undefined);
    assert.equal(await view.secretValue("other", "creds", "token", never), undefined);
    const creds = await view.secretData("shop", "creds", never);
    assert.deepEqual([creds?.labels, [...creds!.values.keys()]], [{ for: "stores" }, ["token"]]);
    assert.equal(creds?.values.get("token")?.reveal().toString(), "hunter2");
    assert.equal(await view.secretData("other", "creds", never), undefined);
    const token = await view.serviceAccountToken("shop", "checkout", "vault", never);
    assert.deepEqual([token?.token.reveal().toString(), token?.serviceAccountUid], ["opaque-token", "u-7"]);
    assert.equal(
      await view.serviceAccountToken("shop", "other", "vault", never),
      undefined,
      "only token Secrets count",
    );
    assert.equal(await view.serviceAccountToken("other", "checkout", "vault", never), undefined);
    assert.deepEqual(await view.serviceAccountAnnotations("shop", "checkout", never), { role: "reader" });
    assert.deepEqual(await view.serviceAccountAnnotations("shop", "other", never), {}, "accounts are optional");
  });
});

suite("the same object in two files", { timeout: 30_000 }, () => {
  const problemOf = (setup: Setup): string | undefined => {
    const item = setup.directory.externalSecrets.get({ namespace: "shop", name: "a" });
    return item && !item.parsed.ok ? item.parsed.problems[0].problem : undefined;
  };
  test("is a problem of an ExternalSecret that names both, until one is gone", async () => {
    await using setup = await setUp({ files: { "one.yaml": externalSecret("a") } });
    const changed: string[] = [];
    setup.directory.externalSecrets.onChange(({ name }) => changed.push(name));
    setup.put("copy.yaml", externalSecret("a"));
    await until("both are seen", () => problemOf(setup) !== undefined);
    assert.equal(problemOf(setup), "is defined in copy.yaml and in one.yaml; keep one of them");
    assert.equal((await setup.directory.mounts.findExternalSecret("shop", "a", never))?.ok, false);
    renameSync(join(setup.manifests, "copy.yaml"), join(setup.base, "copy.yaml"));
    await until("one is left", () => problemOf(setup) === undefined);
    assert.ok((await setup.directory.mounts.findExternalSecret("shop", "a", never))?.ok);
    assert.deepEqual(changed, ["a", "a"]);
  });
  test("leaves the first-seen store in force, also before a name that sorts first, and says so", async () => {
    await using setup = await setUp({ files: { "b.yaml": store("files", { path: "/first" }) } });
    setup.put("a.yaml", store("files", { path: "/second" }));
    await until("it is reported", () => setup.output("status/SecretStore/shop/files.yaml") !== undefined);
    const found = await setup.directory.cluster.findStore("SecretStore", "shop", "files", never);
    assert.deepEqual(found?.ok && found.value.provider.raw, { path: "/first" });
    assert.match(
      setup.output("status/SecretStore/shop/files.yaml")!,
      /is defined in a\.yaml and in b\.yaml; .*that of b\.yaml counts/,
    );
    assert.ok(
      setup.log.lines.some(({ level, message }) => level === "warn" && message?.includes("in a.yaml and in b.yaml")),
    );
    await setup.directory.storeStatuses.write(
      { kind: "SecretStore", namespace: "shop", name: "files" },
      { ready },
      never,
    );
    assert.match(setup.output("status/SecretStore/shop/files.yaml")!, /type: Ready\n(.*\n)*.*type: Duplicate\n/);
    setup.put("a.yaml", "");
    await until("the report goes", () => !setup.output("status/SecretStore/shop/files.yaml")!.includes("Duplicate"));
    assert.match(setup.output("status/SecretStore/shop/files.yaml")!, /type: Ready/);
  });
  test("twice in one file", async () => {
    await using setup = await setUp({ files: { "one.yaml": `${externalSecret("a")}---\n${externalSecret("a")}` } });
    assert.equal(problemOf(setup), "is defined twice in one.yaml; keep one of them");
  });
  test("reached by a symlink is no second object", async () => {
    await using setup = await setUp({ files: { "one.yaml": externalSecret("a") } });
    symlinkSync("one.yaml", join(setup.manifests, "alias.yaml"));
    symlinkSync(".", join(setup.manifests, "loop"));
    await setup.reopen();
    assert.equal(problemOf(setup), undefined);
    assert.deepEqual(setup.directory.problems(), []);
    setup.put("one.yaml", "kind: [");
    await until("it is reported", () => setup.directory.problems().length === 1);
    assert.equal(setup.directory.problems()[0]!.file, "one.yaml", "by its own name");
  });
});

const ready = {
  type: "Ready",
  status: "True",
  reason: "Valid",
  message: "store validated",
  lastTransitionTime: "2026-01-01T00:00:00Z",
} as const;

suite("what is no manifest", { timeout: 30_000 }, () => {
  const localPathsOf = ({ provider }: StoreManifest): readonly string[] => [(provider.raw as { path: string }).path];
  test("dot files, dot folders and other endings are skipped, unknown kinds with one line", async () => {
    await using setup = await setUp({
      files: {
        ".hidden.yaml": externalSecret("a"),
        ".git/x.yaml": externalSecret("b"),
        "notes.txt": externalSecret("c"),
        "deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n",
      },
    });
    assert.deepEqual(setup.directory.externalSecrets.list(), []);
    assert.deepEqual(setup.directory.problems(), []);
    const skipped = setup.log.lines.filter(({ kind }) => kind === "Deployment");
    assert.deepEqual(
      skipped.map(({ level, file, name }) => [level, file, name]),
      [["info", "deployment.yaml", "web"]],
    );
  });
  test("a folder that a file store names holds values, from the start and when a store names it later", async () => {
    await using setup = await setUp({
      localPathsOf,
      files: { "values/db.yaml": "password: x\n", "m.yaml": externalSecret("a") },
    });
    assert.equal(setup.directory.problems().length, 1, "no store names it yet");
    setup.put("store.yaml", store("files", { path: join(setup.manifests, "values") }));
    await until("the folder is left out", () => setup.directory.problems().length === 0);
    await until("its report goes", () => setup.output("status/File/values/db.yaml.yaml") === undefined);
    setup.put("values/planted.yaml", externalSecret("planted"));
    setup.put("n.yaml", externalSecret("n"));
    await until("the next look is over", () => setup.directory.externalSecrets.list().length === 2);
    await setup.reopen();
    assert.deepEqual(setup.directory.problems(), []);
    assert.deepEqual(
      setup.directory.externalSecrets.list().map(({ key }) => key.name),
      ["a", "n"],
    );
  });
  test("a store inside a folder of values has no say, and none hides its own manifest", async () => {
    await using setup = await setUp({ localPathsOf });
    setup.put("own.yaml", store("own", { path: setup.manifests }));
    setup.put("store.yaml", store("files", { path: join(setup.manifests, "values") }));
    setup.put("values/evil.yaml", store("evil", { path: join(setup.manifests, "good") }));
    setup.put("good/a.yaml", externalSecret("a"));
    await setup.reopen();
    assert.deepEqual(
      setup.directory.externalSecrets.list().map(({ key }) => key.name),
      ["a"],
    );
    assert.equal(await setup.directory.cluster.findStore("SecretStore", "shop", "evil", never), undefined);
  });
  test("of two stores that would hide each other the first counts", async () => {
    await using setup = await setUp({ localPathsOf });
    setup.put("a/s.yaml", store("first", { path: join(setup.manifests, "b") }));
    setup.put("b/s.yaml", store("second", { path: join(setup.manifests, "a") }));
    await setup.reopen();
    assert.ok((await setup.directory.cluster.findStore("SecretStore", "shop", "first", never))?.ok);
    assert.equal(await setup.directory.cluster.findStore("SecretStore", "shop", "second", never), undefined);
  });
  test("the output folder inside the manifests", async () => {
    await using outer = await setUp();
    const out = join(outer.manifests, "out");
    mkdirSync(join(out, "secrets/shop"), { recursive: true });
    writeFileSync(join(out, "secrets/shop/a.yaml"), externalSecret("a"));
    await outer.reopen({ out });
    assert.deepEqual(outer.directory.externalSecrets.list(), []);
  });
  test("the manifests inside the output folder", async () => {
    await using outer = await setUp({ files: { "a.yaml": externalSecret("a") } });
    await outer.reopen({ out: outer.base });
    assert.equal(outer.directory.externalSecrets.list().length, 1);
  });
});
