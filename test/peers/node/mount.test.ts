/**
 * Mounts on a real cluster: the mount role under its own account, pods whose tokens the API server signed, and an OpenBao
 * that has those tokens reviewed.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type DriverMount, mountAsDriver } from "../../fakes/driver-client.ts";
import { createTokenIssuer } from "../../fakes/token-issuer.ts";
import { until } from "../../scenario/program.ts";
import { configureKubernetesAuth } from "../kube/openbao/auth.ts";
import { type NodeProgram, startNodeProgram } from "./node-program.ts";
import { makePod, type PodAttributes } from "./pods.ts";
import { allowTokens, type BaoWorld, startBaoWorld } from "./sync-world.ts";

let world: BaoWorld;
/** Role mount alone, as on most nodes. */
let node: NodeProgram;
let web: PodAttributes;

before(async () => {
  world = await startBaoWorld({ namespaces: ["shop", "bank"] });
  const { admin, bao, cluster, proxy } = world;
  await bao.put("secret/data/shop/db", { password: "shop-1" });
  await bao.put("secret/data/bank/db", { password: "bank-1" });
  const policy = (space: string): string => `path "secret/data/${space}/*" { capabilities = ["read"] }`;
  for (const space of ["shop", "bank"]) await bao.call("PUT", `sys/policies/acl/${space}`, { policy: policy(space) });
  const role = (space: string) => ({ accounts: ["web"], namespaces: [space], audience: "vault", policies: [space] });
  await configureKubernetesAuth(bao, cluster, { roles: { shop: role("shop"), bank: role("bank") } });
  web = await makePod(cluster, { namespace: "shop", name: "web-1", serviceAccountName: "web" });
  await admin.apply(`
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: shop}
spec:
  provider:
    vault:
      server: ${proxy.url}
      path: secret
      auth: {kubernetes: {role: shop, serviceAccountRef: {name: web}}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: shared}
spec:
  provider:
    vault:
      server: ${proxy.url}
      path: secret
      auth: {kubernetes: {role: shop, serviceAccountRef: {name: web, namespace: shop}}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: banks}
spec:
  conditions: [{namespaces: [bank]}]
  provider: {fake: {data: [{key: a, value: "1"}]}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: vault, kind: SecretStore}
  data:
    - {secretKey: password, remoteRef: {key: shop/db, property: password}}
`);
  node = await startNodeProgram(world.cluster, { roles: "mount" });
});
after(async () => {
  await node?.stop();
  await world?.stop();
});

const fromVault = {
  secretStoreRef: "{name: vault, kind: SecretStore}",
  data: "[{secretKey: password, remoteRef: {key: shop/db, property: password}}]",
};

async function password(pod: PodAttributes, parameters: DriverMount["parameters"], at = node): Promise<string> {
  const mounted = await mountAsDriver(at.socket, { ...pod, parameters });
  return mounted.files.get("password")!.contents.toString();
}

describe("a mount on a node that only mounts", () => {
  test("shows the store the pod's own token, verified by the API server's keys", async () => {
    assert.equal(await password(web, fromVault), "shop-1");
    const [line] = (await node.audit()).slice(-1);
    assert.equal(line!["serviceAccount"], "shop/web");
    assert.equal(JSON.stringify(line).includes("unproven"), false);
  });

  test("of an ExternalSecret reads what its sync reads", async () => {
    assert.equal(await password(web, { externalSecret: "db" }), "shop-1");
  });

  const refusals: readonly [what: string, of: () => Promise<PodAttributes> | PodAttributes, words: RegExp][] = [
    [
      "a token that another key signed",
      async () => {
        const issuer = await createTokenIssuer();
        const claims = { namespace: "shop", serviceAccountName: "web", serviceAccountUid: "u" };
        const pod = { name: web.podName, uid: web.podUid };
        return { ...web, tokens: { vault: await issuer.sign({ ...claims, pod }) } };
      },
      /\[not_allowed\].*not signed by a key of this cluster/,
    ],
    [
      "the token of another pod",
      async () => {
        const other = await makePod(world.cluster, { namespace: "shop", name: "web-2", serviceAccountName: "web" });
        return { ...web, tokens: other.tokens };
      },
      /\[not_allowed\]/,
    ],
    [
      "the token of another namespace's pod",
      async () => {
        const other = await makePod(world.cluster, { namespace: "bank", name: "web-1", serviceAccountName: "web" });
        return { ...web, tokens: other.tokens };
      },
      /\[not_allowed\]/,
    ],
    ["no token", () => ({ ...web, tokens: {} }), /\[credential_missing\]/],
  ];
  for (const [what, of, words] of refusals)
    test(`with ${what} is refused before any store is asked`, async () => {
      const pod = await of();
      const before = world.proxy.requests.length;
      await assert.rejects(password(pod, fromVault), words);
      assert.equal(world.proxy.requests.length, before);
    });

  test("as an account that the role does not name is refused by the store, saying which knob to turn", async () => {
    const stranger = await makePod(world.cluster, { namespace: "shop", name: "other", serviceAccountName: "other" });
    await assert.rejects(password(stranger, fromVault), /\[store_(login_)?denied\].*role/);
  });

  test("reads nothing of a store that is closed to its namespace", async () => {
    const parameters = {
      secretStoreRef: "{name: banks, kind: ClusterSecretStore}",
      data: "[{secretKey: password, remoteRef: {key: a}}]",
    };
    await assert.rejects(password(web, parameters), /\[not_allowed\]/);
    const teller = await makePod(world.cluster, { namespace: "bank", name: "teller", serviceAccountName: "web" });
    assert.equal(await password(teller, parameters), "1");
  });

  test("with identity Store says which right is missing here", async () => {
    await assert.rejects(
      password(web, { ...fromVault, identity: "Store" }),
      /\[credential_missing\].*serviceaccounts\/token.*identity: Pod/,
    );
  });

  test("with identity Store of a ClusterSecretStore needs a policy that allows it", async () => {
    const parameters = { ...fromVault, identity: "Store", secretStoreRef: "{name: shared, kind: ClusterSecretStore}" };
    await assert.rejects(password(web, parameters), /\[not_allowed\].*StorePolicy/);
  });

  test("goes on with the last good values while the store is sealed, and while the API server is away", async () => {
    await password(web, { ...fromVault, refreshInterval: "0" });
    await world.bao.seal();
    try {
      assert.equal(await password(web, { ...fromVault, refreshInterval: "0" }), "shop-1");
      assert.equal((await node.audit()).at(-1)!["cache"], "stale");
    } finally {
      await world.bao.unseal();
    }
    await world.cluster.killApiServer();
    try {
      assert.equal(await password(web, fromVault), "shop-1");
    } finally {
      await world.cluster.restartApiServer();
    }
    await until(async () => (await node.get("/readyz")).status === 200, 60_000);
  });
});

describe("a mount on a node that syncs too", () => {
  test("with identity Store shows the account that the store names, once that right is given", async () => {
    await allowTokens(world.admin, { namespace: "shop", name: "web" });
    const stranger = await makePod(world.cluster, { namespace: "shop", name: "app", serviceAccountName: "app" });
    await until(
      async () => (await password(stranger, { ...fromVault, identity: "Store" }, world.node)) === "shop-1",
      30_000,
    );
  });
});
