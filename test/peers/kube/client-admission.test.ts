/**
 * What webhooks and policies of a real API server refuse, as the client tells it: who refused, and nothing of what they
 * say, even where their words are those by which other causes are known.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import type { KubeFailure, KubeObject } from "../../../plugin/kube/contract.ts";
import { until } from "../../scenario/program.ts";
import type { KubeAdmin } from "./admin.ts";
import { type AdmissionServer, startAdmissionServer } from "./admission-server.ts";
import {
  type ClientBench,
  configMaps,
  connectionOf,
  failureOf,
  makeClientAccount,
  openClient,
} from "./client-bench.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { objectPath } from "./objects.ts";

let cluster: Cluster;
let admin: KubeAdmin;
let server: AdmissionServer;
const namespace = "shop";
const canary = "hunter2-canary";

/** Of the label `case` and of the webhook or policy that objects with it meet. */
interface Case {
  readonly id: string;
  readonly name: string;
  readonly is: Partial<Pick<KubeFailure, "status" | "reason" | "refusal" | "fields">>;
  /** After the name of who refuses. */
  readonly says: RegExp;
}

interface Webhook extends Case {
  /** The `status` of its no. Absent: a no without words. */
  readonly status?: object;
  /** Default: it answers. */
  readonly fails?: "down" | "silent" | "nonsense";
}

const webhooks: readonly Webhook[] = [
  { id: "no", name: "says no", is: { refusal: "admission" }, says: /^ refuses it \(4\d\d\)$/ },
  {
    id: "invalid",
    name: "says no as an invalid field",
    status: {
      code: 422,
      reason: "Invalid",
      message: canary,
      details: { causes: [{ field: canary, message: canary }] },
    },
    is: { status: 422, reason: "Invalid", refusal: "admission", fields: [] },
    says: /^ refuses it \(422\)$/,
  },
  {
    id: "quota",
    name: "says no in the words of a quota",
    status: { code: 403, reason: "Forbidden", message: `configmaps "x" is forbidden: exceeded quota: ${canary}` },
    is: { status: 403, reason: "Forbidden", refusal: "admission" },
    says: /^ refuses it \(403\)$/,
  },
  {
    id: "immutable",
    name: "says no in the words of an immutable field",
    status: { code: 422, reason: "Invalid", message: `${canary}: field is immutable` },
    is: { status: 422, refusal: "admission" },
    says: /^ refuses it \(422\)$/,
  },
  {
    id: "missing",
    name: "says no as if nothing were there",
    status: { code: 404, reason: "NotFound", message: canary, details: { kind: "namespaces", name: canary } },
    is: { status: 404, reason: "NotFound", refusal: "admission" },
    says: /^ refuses it \(404\)$/,
  },
  {
    id: "conflict",
    name: "says no as if somebody had written",
    status: { code: 409, reason: "Conflict", message: canary },
    is: { status: 409, reason: "Conflict", refusal: "admission" },
    says: /^ refuses it \(409\)$/,
  },
  {
    id: "odd",
    name: "says no with a success and a reason of its own",
    status: { code: 200, reason: canary, message: canary },
    is: { refusal: "admission", reason: "" },
    says: /^ refuses it \(4\d\d\)$/,
  },
  {
    id: "down",
    name: "is down",
    fails: "down",
    is: { status: 500, reason: "InternalError", refusal: undefined },
    says: /^ does not answer \(500\)$/,
  },
  {
    id: "silent",
    name: "does not answer in time",
    fails: "silent",
    is: { status: 500, reason: "InternalError", refusal: undefined },
    says: /^ does not answer \(500\)$/,
  },
  {
    id: "nonsense",
    name: "answers nonsense",
    fails: "nonsense",
    is: { status: 500, reason: "InternalError", refusal: undefined },
    says: /^ does not answer \(500\)$/,
  },
];

const policies: readonly (Case & { readonly validation: object })[] = [
  {
    id: "policy",
    name: "says no",
    validation: { expression: "false", message: canary },
    is: { status: 422, reason: "Invalid", refusal: "admission", fields: [] },
    says: /^ refuses it \(422\)$/,
  },
  {
    id: "policy-forbids",
    name: "says no as a missing right",
    validation: { expression: "false", message: `User "x" cannot create resource "${canary}"`, reason: "Forbidden" },
    is: { status: 403, reason: "Forbidden", refusal: "admission" },
    says: /^ refuses it \(403\)$/,
  },
  {
    id: "policy-fails",
    name: "cannot be evaluated",
    validation: { expression: `object.data["${canary}"] == "x"` },
    is: { refusal: "admission" },
    says: /^ refuses it \(4\d\d\)$/,
  },
];

before(async () => {
  cluster = await startCluster();
  admin = cluster.admin;
  await admin.createNamespace(namespace);
  await makeClientAccount(cluster, { namespace, name: "client" });
  server = await startAdmissionServer(
    Object.fromEntries(webhooks.map(({ id, status, fails }) => [id, fails ?? status])),
  );
  await admin.apply({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "tests" },
    webhooks: webhooks.map(({ id, fails }) => ({
      name: `${id}.tests.io`,
      clientConfig: { url: fails === "down" ? server.downUrl : `${server.url}/${id}`, caBundle: server.caBundle },
      objectSelector: { matchLabels: { case: id } },
      rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE", "DELETE"] }],
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
      timeoutSeconds: 1,
    })),
  });
  for (const { id, validation } of policies) await applyPolicy(id, validation);
  for (const { id } of [...webhooks, ...policies]) await untilRefused(id);
});
after(async () => {
  await server?.close();
  await cluster?.stop();
});

async function applyPolicy(id: string, validation: object): Promise<void> {
  const apiVersion = "admissionregistration.k8s.io/v1";
  const name = `${id}.tests.io`;
  const resourceRules = [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] }];
  const matchConstraints = { resourceRules, objectSelector: { matchLabels: { case: id } } };
  await admin.apply({
    apiVersion,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: { matchConstraints, validations: [validation] },
  });
  await admin.apply({
    apiVersion,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"] },
  });
}

const map = (id: string): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: `of-${id}`, namespace, labels: { case: id } },
  data: { text: canary },
});

/** It counts a moment after it was written. */
async function untilRefused(id: string): Promise<void> {
  const path = `${objectPath("v1", "configmaps", namespace)}?dryRun=All`;
  await until(async () => (await admin.request("POST", path, map(id))).status >= 400);
}

async function check(bench: ClientBench, failure: KubeFailure, { is, says }: Case, who: string): Promise<void> {
  const begin = `create configmaps ${namespace}/`;
  assert.ok(failure.message.startsWith(begin), failure.message);
  const [, rest = ""] = failure.message.split(` ${who}`);
  assert.match(rest, says, failure.message);
  const members = Object.keys(is) as (keyof typeof is)[];
  assert.deepEqual(Object.fromEntries(members.map((member) => [member, failure[member]])), is);
  assert.equal(failure.code, "kube_unavailable");
  assert.ok(!inspect([failure, bench.lines], { depth: 10, showHidden: true }).includes(canary), "a canary is repeated");
  assert.equal((await bench.asked("create")).length, 1, "a refused write is sent again");
}

const open = async (t: Parameters<typeof openClient>[0]): Promise<ClientBench> =>
  openClient(t, cluster, await connectionOf(await cluster.kubeconfigFor({ namespace, name: "client" })));

for (const row of webhooks)
  test(`a webhook that ${row.name} is named`, async (t) => {
    const bench = await open(t);
    const failure = await failureOf(bench.client.create(configMaps, map(row.id), bench.signal));
    await check(bench, failure, row, `the admission webhook ${row.id}.tests.io`);
    assert.equal(failure.admission, row.fails ? undefined : `${row.id}.tests.io`);
  });

for (const row of policies)
  test(`a policy that ${row.name} is named`, async (t) => {
    const bench = await open(t);
    const failure = await failureOf(bench.client.create(configMaps, map(row.id), bench.signal));
    await check(bench, failure, row, `the admission policy ${row.id}.tests.io`);
    assert.equal(failure.admission, `${row.id}.tests.io`);
  });

test("a deletion that a webhook forbids as if nothing were there is no deletion", async (t) => {
  const bench = await open(t);
  const path = objectPath("v1", "configmaps", namespace, "kept");
  await admin.create({ ...map("missing"), metadata: { name: "kept", namespace } });
  await admin.patch(path, { metadata: { labels: { case: "missing" } } });
  const failure = await failureOf(bench.client.remove(configMaps, { namespace, name: "kept" }, bench.signal));
  assert.deepEqual([failure.status, failure.refusal], [404, "admission"]);
  assert.ok(await admin.find(path));
});
