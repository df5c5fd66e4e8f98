/** OpenBao asks this API server about the tokens of its accounts: what it must accept, and what it must refuse. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type OpenBao, startOpenBao } from "../../openbao/openbao.ts";
import { requestToken } from "../account.ts";
import { type Cluster, startCluster } from "../cluster.ts";
import { objectPath } from "../objects.ts";
import { configureKubernetesAuth } from "./auth.ts";

const checkout = { namespace: "shop", name: "checkout" };

let cluster: Cluster;
let bao: OpenBao;

before(async () => {
  [cluster, bao] = await Promise.all([startCluster(), startOpenBao()]);
  await cluster.admin.createNamespace("shop");
  await makeAccount("checkout");
  await makeAccount("other");
  const role = { accounts: ["checkout"], namespaces: ["shop"], audience: "vault", policies: ["payments"] };
  // Twice: a scenario changes roles while it runs.
  await configureKubernetesAuth(bao, cluster, { roles: { old: role } });
  await configureKubernetesAuth(bao, cluster, { roles: { shop: role } });
});

after(async () => {
  await bao.stop();
  await cluster.stop();
});

const makeAccount = (name: string): Promise<unknown> =>
  cluster.admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "shop" } });

const login = async (jwt: string, role = "shop"): Promise<{ policies: string[]; metadata: Record<string, string> }> => {
  const { body } = await bao.call("POST", "auth/kubernetes/login", { role, jwt });
  return body["auth"] as { policies: string[]; metadata: Record<string, string> };
};

test("a token of the account for the store's audience logs in, as this account", async () => {
  const { policies, metadata } = await login(await requestToken(cluster.admin, checkout, { audiences: ["vault"] }));
  assert.ok(policies.includes("payments"));
  assert.equal(metadata["service_account_name"], "checkout");
  assert.equal(metadata["service_account_namespace"], "shop");
});

test("each login is a TokenReview by the reviewer's account", async () => {
  const user = "system:serviceaccount:kube-system:openbao-reviewer";
  const before = (await cluster.auditEvents({ user })).length;
  await login(await requestToken(cluster.admin, checkout, { audiences: ["vault"] }));
  const made = (await cluster.auditEvents({ user })).slice(before);
  assert.deepEqual(
    made.map((event) => `${event.verb} ${event.resource} ${event.status}`),
    ["create tokenreviews 201"],
  );
});

const refused: readonly { what: string; token: () => Promise<string>; role?: string }[] = [
  { what: "another audience", token: () => requestToken(cluster.admin, checkout, { audiences: ["elsewhere"] }) },
  { what: "the API server's own audience", token: () => requestToken(cluster.admin, checkout) },
  {
    what: "another account",
    token: () => requestToken(cluster.admin, { namespace: "shop", name: "other" }, { audiences: ["vault"] }),
  },
  {
    what: "a role that does not exist",
    token: () => requestToken(cluster.admin, checkout, { audiences: ["vault"] }),
    role: "nobody",
  },
];

for (const { what, token, role } of refused) {
  test(`${what} is refused`, async () => {
    await assert.rejects(
      token().then((jwt) => login(jwt, role)),
      / (400|403) /,
    );
  });
}

test("a removed account's token is refused; made again, a new token logs in and the old one does not", async () => {
  const account = { namespace: "shop", name: "passing" };
  const role = { accounts: ["passing"], namespaces: ["shop"], audience: "vault", policies: ["payments"] };
  await configureKubernetesAuth(bao, cluster, { roles: { passing: role } });
  await makeAccount("passing");
  // Not shown before the removal: the API server remembers for 10 s that it found a token good.
  const old = await requestToken(cluster.admin, account, { audiences: ["vault"] });
  await cluster.admin.remove(objectPath("v1", "serviceaccounts", "shop", "passing"));
  await assert.rejects(login(old, "passing"), / 403 /);
  await makeAccount("passing");
  await login(await requestToken(cluster.admin, account, { audiences: ["vault"] }), "passing");
  await assert.rejects(login(old, "passing"), / 403 /);
});
