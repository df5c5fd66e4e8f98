/**
 * What a real API server refuses, as the client tells it: the cause is found in the server's own words, and none of them
 * is repeated.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import type { KubeFailure, KubeObject, ResourceKind } from "../../../plugin/kube/contract.ts";
import { secrets } from "../../../plugin/kube/resources.ts";
import type { KubeAdmin } from "./admin.ts";
import { type ClientBench, connectionOf, failureOf, makeClientAccount, openClient } from "./client-bench.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { objectPath } from "./objects.ts";
import { settleRoles } from "./roles.ts";

let cluster: Cluster;
let admin: KubeAdmin;
const namespace = "shop";
const canary = "hunter2-canary";
const roles: ResourceKind = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  plural: "roles",
  kind: "Role",
  namespaced: true,
};

before(async () => {
  cluster = await startCluster();
  admin = cluster.admin;
  for (const name of [namespace, "limited", "ending"]) await admin.createNamespace(name);
  await makeClientAccount(cluster, { namespace, name: "client" });
  await admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "nobody", namespace } });
  await settleRoles(admin);
  await makeLimits();
});
after(async () => {
  await cluster?.stop();
});

/** A quota that is used up, and a namespace that cannot end. */
async function makeLimits(): Promise<void> {
  const quota = { metadata: { name: canary, namespace: "limited" }, spec: { hard: { "count/secrets": "0" } } };
  await admin.create({ apiVersion: "v1", kind: "ResourceQuota", ...quota });
  await admin.waitFor(objectPath("v1", "resourcequotas", "limited", canary), ({ status }) => status?.["hard"]);
  const metadata = { name: "holds", namespace: "ending", finalizers: ["tests.keyferry.dev/holds"] };
  await admin.create({ apiVersion: "v1", kind: "ConfigMap", metadata });
  await admin.remove(objectPath("v1", "namespaces", undefined, "ending"));
  await admin.waitFor(
    objectPath("v1", "namespaces", undefined, "ending"),
    ({ metadata: { deletionTimestamp } }) => deletionTimestamp,
  );
}

const secret = (name: string, more: object = {}, where = namespace): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: where },
  data: { password: Buffer.from(canary).toString("base64") },
  ...more,
});
const filled = (bytes: number): object => ({ data: { [canary]: Buffer.alloc(bytes).toString("base64") } });
const role = (bytes: number): KubeObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: { name: "large", namespace },
  rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"], resourceNames: ["x".repeat(bytes)] }],
});

type Facts = Partial<Pick<KubeFailure, "status" | "reason" | "refusal" | "admission" | "fields">>;

interface Row {
  readonly name: string;
  readonly act: (bench: ClientBench) => Promise<unknown>;
  readonly is: Facts;
  readonly says: RegExp;
  /** Of service account shop/nobody. */
  readonly asNobody?: true;
}

const create =
  (object: KubeObject, kind = secrets) =>
  ({ client, signal }: ClientBench): Promise<unknown> =>
    client.create(kind, object, signal);

const rows: readonly Row[] = [
  {
    name: "a missing right",
    asNobody: true,
    act: create(secret("db")),
    is: { status: 403, reason: "Forbidden", refusal: "rights" },
    says: /^create secrets shop\/db: this process may not do that; add the verb to its Role \(403\)$/,
  },
  {
    name: "a missing right to a path",
    asNobody: true,
    act: ({ client, signal }) => client.getPath("/metrics", signal),
    is: { status: 403, refusal: "rights" },
    says: /^get \/metrics: this process may not do that/,
  },
  {
    name: "a missing right to list",
    asNobody: true,
    act: ({ client, signal }) => client.listPage(secrets, {}, signal),
    is: { status: 403, refusal: "rights" },
    says: /^list secrets: this process may not do that/,
  },
  {
    name: "a namespace that is missing",
    act: create(secret("db", {}, "nowhere")),
    is: { status: 404, reason: "NotFound", refusal: "namespace_missing" },
    says: /^create secrets nowhere\/db: the namespace does not exist; create it \(404\)$/,
  },
  {
    name: "a namespace that is being deleted",
    act: create(secret("db", {}, "ending")),
    is: { status: 403, reason: "Forbidden", refusal: "namespace_terminating" },
    says: /^create secrets ending\/db: the namespace is being deleted \(403\)$/,
  },
  {
    name: "a used-up quota",
    act: create(secret("db", {}, "limited")),
    is: { status: 403, reason: "Forbidden", refusal: "quota" },
    says: /the namespace's quota is used up; raise its ResourceQuota \(403\)$/,
  },
  {
    name: "an immutable Secret",
    async act({ client, signal }) {
      const made = await client.create(secrets, secret("fixed", { immutable: true }), signal);
      return client.replace(secrets, { ...made, data: { password: "b3RoZXI=" } }, signal);
    },
    is: { status: 422, reason: "Invalid", refusal: "immutable", fields: ["data"] },
    says: /it is immutable; delete it to have it made anew \(422\); it names data$/,
  },
  {
    name: "another type for a Secret",
    async act({ client, signal }) {
      const made = await client.create(secrets, secret("typed"), signal);
      return client.replace(secrets, { ...made, type: `example.com/${canary}` }, signal);
    },
    is: { status: 422, refusal: "immutable", fields: ["type"] },
    says: /it is immutable; .*it names type$/,
  },
  {
    name: "a Secret of more than 1 MiB",
    act: create(secret("large", filled(1_100_000))),
    is: { status: 422, reason: "Invalid", refusal: "too_large", fields: ["data"] },
    says: /it is larger than the API server takes; split it \(422\); it names data$/,
  },
  {
    name: "more annotations than an object may have",
    act: create(secret("noted", { metadata: { name: "noted", namespace, annotations: { a: canary.repeat(20_000) } } })),
    is: { status: 422, refusal: "too_large", fields: ["metadata.annotations"] },
    says: /it is larger than the API server takes/,
  },
  {
    name: "a request of more than 3 MiB",
    act: create(secret("huge", filled(3_000_000))),
    is: { status: 413, reason: "RequestEntityTooLarge", refusal: "too_large" },
    says: /it is larger than the API server takes; split it \(413\)$/,
  },
  {
    name: "an object that etcd does not take",
    act: create(role(1_800_000), roles),
    is: { status: 500, refusal: "too_large" },
    says: /it is larger than the API server takes; split it \(500\)$/,
  },
  {
    name: "an object that cannot even be sent to etcd",
    act: create(role(2_700_000), roles),
    is: { status: 500, refusal: "too_large" },
    says: /it is larger than the API server takes; split it \(500\)$/,
  },
  {
    name: "an object that is there already",
    async act(bench) {
      await create(secret("twice"))(bench);
      return create(secret("twice"))(bench);
    },
    is: { status: 409, reason: "AlreadyExists" },
    says: /^create secrets shop\/twice: it exists already \(409\)$/,
  },
  {
    name: "another's write in between",
    async act({ client, signal }) {
      const made = await client.create(secrets, secret("raced"), signal);
      await admin.patch(objectPath("v1", "secrets", namespace, "raced"), { metadata: { labels: { by: canary } } });
      return client.replace(secrets, made, signal);
    },
    is: { status: 409, reason: "Conflict" },
    says: /^update secrets shop\/raced: somebody else changed it in between \(409\)$/,
  },
  {
    name: "a deletion of another object of that name",
    async act({ client, signal }) {
      const made = await client.create(secrets, secret("anew"), signal);
      return client.remove(secrets, { namespace, name: "anew" }, signal, { uid: `${made.metadata.uid}x` });
    },
    is: { status: 409, reason: "Conflict" },
    says: /^delete secrets shop\/anew: somebody else changed it in between \(409\)$/,
  },
  {
    name: "a deletion of a state that has passed",
    async act({ client, signal }) {
      const made = await client.create(secrets, secret("moved"), signal);
      await admin.patch(objectPath("v1", "secrets", namespace, "moved"), { metadata: { labels: { by: canary } } });
      const { resourceVersion } = made.metadata;
      return client.remove(secrets, { namespace, name: "moved" }, signal, { resourceVersion: resourceVersion! });
    },
    is: { status: 409, reason: "Conflict" },
    says: /somebody else changed it in between \(409\)$/,
  },
  {
    name: "a replacement of what is gone",
    act: ({ client, signal }) => client.replace(secrets, secret("gone"), signal),
    is: { status: 404, reason: "NotFound", refusal: undefined },
    says: /^update secrets shop\/gone: there is no such object \(404\)$/,
  },
  {
    name: "invalid fields",
    act: create(secret("invalid", { data: { "a b": "", "tls.crt": "", "c d": "" } })),
    is: { status: 422, reason: "Invalid", refusal: undefined },
    says: /^create secrets shop\/invalid: the API server finds it invalid \(422\)$/,
  },
  {
    name: "an invalid name",
    act: create(secret("In_valid")),
    is: { status: 422, refusal: undefined, fields: ["metadata.name"] },
    says: /finds it invalid \(422\); it names metadata\.name$/,
  },
  {
    name: "data that is no base64",
    act: create(secret("odd", { data: { password: `${canary}!` } })),
    is: { status: 400, reason: "BadRequest", refusal: undefined },
    says: /the API server does not understand the request \(400\)$/,
  },
  {
    name: "a resource that is not installed",
    act: ({ client, signal }) => client.listPage({ ...roles, group: "not.installed" }, {}, signal),
    is: { status: 404, refusal: undefined },
    says: /^list roles\.not\.installed: the API server does not know this resource; install its CRD \(404\)$/,
  },
];

async function check(bench: ClientBench, { act, is, says }: Omit<Row, "name">): Promise<void> {
  const failure = await failureOf(act(bench));
  const members = Object.keys(is) as (keyof Facts)[];
  assert.match(failure.message, says);
  assert.deepEqual(Object.fromEntries(members.map((member) => [member, failure[member]])), is);
  assert.equal(failure.code, "kube_unavailable");
  assert.ok(!inspect([failure, bench.lines], { depth: 10, showHidden: true }).includes(canary), "a canary is repeated");
}

for (const { name, asNobody, ...row } of rows)
  test(`${name} is told in our words`, async (t) => {
    const account = await cluster.kubeconfigFor({ namespace, name: asNobody ? "nobody" : "client" });
    await check(await openClient(t, cluster, await connectionOf(account)), row);
  });
