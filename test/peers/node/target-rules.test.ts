/**
 * The API server's own rules about Secrets: what it will not take is said in Ready with its way out, is not tried in a
 * hot loop, changes nothing of the Secret, keeps nobody else from syncing, and is over when its reason is.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../../scenario/program.ts";
import { objectPath, secretText } from "../kube/objects.ts";
import { settleRoles } from "../kube/roles.ts";
import {
  beats,
  conditionOf,
  externalSecretPath,
  secretPath,
  startMetronome,
  startSyncWorld,
  type SyncWorld,
  untilData,
  untilReady,
  writesBy,
} from "./sync-world.ts";

let world: SyncWorld;

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const ownerPath = (name: string, namespace = "shop"): string => externalSecretPath(namespace, name);
const targetPath = (name: string, namespace = "shop"): string => secretPath(namespace, name);
const secret = (name: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "shop" },
  data: { old: base64("theirs") },
  ...more,
});

const writeStore = (name: string, data: Readonly<Record<string, string>>, namespace = "shop"): Promise<unknown> =>
  world.admin.apply({
    apiVersion: "external-secrets.io/v1",
    kind: "SecretStore",
    metadata: { name, namespace },
    spec: { provider: { fake: { data: Object.entries(data).map(([key, value]) => ({ key, value })) } } },
  });

interface Wish {
  readonly namespace?: string;
  readonly store?: string;
  readonly target?: object;
  readonly annotations?: Record<string, string>;
  readonly data?: readonly object[];
}

async function make(name: string, wish: Wish = {}): Promise<void> {
  const { namespace = "shop", store = "constants", target = {}, annotations = {} } = wish;
  await world.admin.apply({
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name, namespace, annotations },
    spec: {
      refreshInterval: "1h",
      secretStoreRef: { name: store },
      target,
      data: wish.data ?? [{ secretKey: "password", remoteRef: { key: "password" } }],
    },
  });
}

const policy = "no-secret-of-this-name";

/** In force, or no more: a policy counts a moment after it was written. */
async function denied(name: string, wanted: boolean): Promise<void> {
  await until(async () => {
    const answer = await world.admin.request("POST", `${objectPath("v1", "secrets", "shop")}?dryRun=All`, secret(name));
    return (answer.status === 422 || answer.status === 403) === wanted;
  });
}

async function syncRole(verbs: readonly string[]): Promise<void> {
  const path = objectPath("rbac.authorization.k8s.io/v1", "clusterroles", undefined, "keyferry-sync");
  const role = await world.admin.get(path);
  const rules = (role["rules"] as { resources: string[]; verbs: string[] }[]).map((rule) =>
    rule.resources[0] === "secrets" ? { ...rule, verbs } : rule,
  );
  await world.admin.patch(path, { rules });
  await settleRoles(world.admin);
}

interface Rule {
  readonly name: string;
  readonly namespace?: string;
  readonly target?: string;
  /** What stands in the way, and the ExternalSecret. */
  readonly prepare: () => Promise<unknown>;
  readonly says: RegExp;
  /** The way out that the message names. */
  readonly wayOut: () => Promise<unknown>;
  /** The Secret afterwards; default the value of the store alone. */
  readonly after?: Readonly<Record<string, string>>;
  /** Requests that the API server had to refuse; 0 where it is known before. */
  readonly tries: boolean;
}

const rules: readonly Rule[] = [
  {
    name: "quota",
    namespace: "full",
    async prepare() {
      await writeStore("constants", { password: "right" }, "full");
      await world.admin.create({
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "none", namespace: "full" },
        spec: { hard: { "count/secrets": "0" } },
      });
      const quota = objectPath("v1", "resourcequotas", "full", "none");
      await world.admin.waitFor(quota, (object) => object.status?.["used"]);
      await make("quota", { namespace: "full" });
    },
    says: /could not update secret: \[target_refused\] .*quota of namespace full has no room for Secret quota; raise it/,
    wayOut: () =>
      world.admin.patch(objectPath("v1", "resourcequotas", "full", "none"), {
        spec: { hard: { "count/secrets": "5" } },
      }),
    tries: true,
  },
  {
    name: "policy",
    async prepare() {
      await world.admin.apply({
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "ValidatingAdmissionPolicy",
        metadata: { name: policy },
        spec: {
          matchConstraints: {
            resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["secrets"], operations: ["CREATE"] }],
          },
          validations: [{ expression: 'object.metadata.name != "policy"', message: "canary text of the policy" }],
        },
      });
      await world.admin.apply({
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "ValidatingAdmissionPolicyBinding",
        metadata: { name: policy },
        spec: { policyName: policy, validationActions: ["Deny"] },
      });
      await denied("policy", true);
      await make("policy");
    },
    says: /\[target_refused\] admission policy "no-secret-of-this-name" does not let Secret policy be written; exempt/,
    async wayOut() {
      await world.admin.remove(
        objectPath("admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", undefined, policy),
      );
      await denied("policy", false);
    },
    tries: true,
  },
  {
    name: "immutable",
    async prepare() {
      await writeStore("rotated", { password: "first" });
      await make("immutable", { store: "rotated", target: { immutable: true } });
      const made = await untilData(world.admin, targetPath("immutable"), { password: "first" });
      assert.equal(made["immutable"], true);
      await writeStore("rotated", { password: "right" });
    },
    says: /could not update secret, target is immutable: \[target_immutable\] Secret immutable is immutable .*; delete it/,
    wayOut: () => world.admin.remove(targetPath("immutable")),
    tries: false,
  },
  {
    name: "foreign-immutable",
    async prepare() {
      await world.admin.create(secret("foreign-immutable", { immutable: true }));
      await make("foreign-immutable");
    },
    says: /\[target_immutable\] Secret foreign-immutable is immutable .*; delete it/,
    async wayOut() {
      await world.admin.remove(targetPath("foreign-immutable"));
      // It would be looked at within a minute; no watch tells of a Secret that was never ours.
      await make("foreign-immutable", { annotations: { "keyferry.dev/force-sync": "deleted" } });
    },
    tries: false,
  },
  {
    name: "large",
    async prepare() {
      for (const half of ["left", "right"]) await writeStore(`large-${half}`, { [half]: half[0]!.repeat(600_000) });
      await make("large", { store: "large-left", data: halves });
    },
    says: /\[target_too_large\] Secret large would hold 1200000 bytes, more than the API server takes \(1048576\); spread/,
    wayOut: () => make("large"),
    tries: false,
  },
  ...["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"].map((type): Rule => {
    const name = type === "bootstrap.kubernetes.io/token" ? "bootstrap" : "account-token";
    const annotations = { "kubernetes.io/service-account.name": "default" };
    return {
      name,
      async prepare() {
        await world.admin.create(secret(name, { type, metadata: { name, namespace: "shop", annotations } }));
        await make(name);
      },
      says: new RegExp(`\\[target_refused\\] Secret ${name} has type ${type}, which is never written; choose another`),
      wayOut: () => make(name, { target: { name: `${name}-other` } }),
      target: `${name}-other`,
      tries: false,
    };
  }),
  {
    name: "controlled",
    async prepare() {
      const owner = await world.admin.create({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "controller", namespace: "shop" },
      });
      const { name, uid } = owner.metadata;
      const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name, uid, controller: true }];
      const metadata = { name: "controlled", namespace: "shop", ownerReferences };
      await world.admin.create(secret("controlled", { metadata }));
      await make("controlled");
    },
    says: /\[target_conflict\] Secret controlled belongs to ConfigMap\/controller; choose another .* or creationPolicy Merge/,
    wayOut: () => make("controlled", { target: { creationPolicy: "Merge" } }),
    after: { old: "theirs", password: "right" },
    tries: false,
  },
  {
    name: "rival",
    async prepare() {
      await make("first", { target: { name: "shared" } });
      await untilReady(world.admin, ownerPath("first"), "True");
      await make("rival", { target: { name: "shared" } });
    },
    target: "shared",
    says: /target is owned by another ExternalSecret: \[target_conflict\] Secret shared belongs to ExternalSecret shop\/first/,
    wayOut: () => world.admin.remove(ownerPath("first")),
    tries: false,
  },
  {
    name: "adopted",
    async prepare() {
      await world.admin.create(secret("adopted"));
      await make("adopted", { annotations: { "keyferry.dev/adopt": "Refuse" } });
    },
    says: /\[target_refused\] Secret adopted was not made by an ExternalSecret .*; delete it or set Replace or Merge/,
    wayOut: () => make("adopted", { annotations: { "keyferry.dev/adopt": "Merge" } }),
    after: { old: "theirs", password: "right" },
    tries: false,
  },
];

const halves = ["left", "right"].map((half) => ({
  secretKey: half,
  remoteRef: { key: half },
  sourceRef: { storeRef: { name: `large-${half}`, kind: "SecretStore" } },
}));

before(async () => {
  world = await startSyncWorld({ namespaces: ["shop", "full", "aside"] });
  await writeStore("constants", { password: "right" });
  await startMetronome(world, "aside");
  for (const { prepare } of rules) await prepare();
});
after(() => world?.stop());

describe("what the API server will not take", () => {
  for (const { name, namespace, says } of rules)
    test(`${name}: Ready says what and the way out`, async () => {
      const refused = await untilReady(world.admin, ownerPath(name, namespace), "False", says);
      const { reason, message } = conditionOf(refused)!;
      assert.equal(reason, "SecretSyncedError");
      assert.doesNotMatch(message!, /right|canary/);
    });

  test("no hot loop, and nothing is sent that is known to be refused", async () => {
    await beats(world, 2);
    const sinceMs = Date.now();
    await beats(world, 4);
    for (const { name, namespace = "shop", target = name, tries } of rules) {
      const writes = await writesBy(world, { namespace, name: target, resource: "secrets", sinceMs });
      assert.ok(writes.length <= (tries ? 3 : 0), `${name}: ${writes.length} writes in 4 s`);
      const all = await writesBy(world, { namespace, name: target, resource: "secrets" });
      if (tries) assert.ok(all.length > 0 && all.every(({ status }) => status === 403 || status === 422), name);
      const statuses = await writesBy(world, { namespace, name, resource: "externalsecrets", sinceMs });
      assert.deepEqual(
        statuses.map(({ verb, subresource }) => `${name}: ${verb} ${subresource}`),
        [],
      );
    }
  });

  test("nothing of the Secrets in the way was touched", async () => {
    for (const name of ["foreign-immutable", "controlled", "adopted"]) {
      const found = await world.admin.get(targetPath(name));
      assert.deepEqual(secretText(found), { old: "theirs" }, name);
      assert.equal(found.metadata.labels, undefined, name);
    }
    assert.deepEqual(secretText(await world.admin.get(targetPath("immutable"))), { password: "first" });
  });
});

describe("the way out that the message names", () => {
  for (const { name, namespace, target = name, wayOut, after: wanted = { password: "right" } } of rules)
    test(`${name}: works, and it goes on by itself`, async () => {
      await wayOut();
      await untilData(world.admin, targetPath(target, namespace), wanted, 60_000);
      await untilReady(world.admin, ownerPath(name, namespace), "True");
    });
});

describe("keyferry's own rights are cut", () => {
  after(() => syncRole(["get", "list", "watch", "create", "update", "delete"]));

  test("the ExternalSecret says which right is missing; given back, it goes on by itself", async () => {
    await syncRole(["get", "list", "watch", "update", "delete"]);
    await make("forbidden");
    await untilReady(
      world.admin,
      ownerPath("forbidden"),
      "False",
      /\[target_refused\] the account of this process may not write Secret forbidden; give it create, update and delete/,
    );
    await beats(world, 1);
    await syncRole(["get", "list", "watch", "create", "update", "delete"]);
    await untilData(world.admin, targetPath("forbidden"), { password: "right" });
    await untilReady(world.admin, ownerPath("forbidden"), "True");
  });
});
