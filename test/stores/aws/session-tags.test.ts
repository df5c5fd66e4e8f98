/** Sessions of a ClusterSecretStore that say who reads: one for each namespace, never shared, and kept apart in caches. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { createCatalog } from "../../../plugin/read/catalog.ts";
import { keyParts, sessionKey } from "../../../plugin/read/key.ts";
import type { KeyFacts } from "../../../plugin/read/key.ts";
import { aws } from "../../../plugin/stores/aws/kind.ts";
import type { CallerFacts, StoreDeps } from "../../../plugin/stores/contract.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { storeManifest } from "../../read/fake-cluster.ts";
import { startFakeAws } from "./fake-aws.ts";
import type { FakeAws } from "./fake-aws.ts";
import { arnOf, byKeys, clusterWide, inShop, keysProof, openAws, openWhole, ref, textOf } from "./opened.ts";

const { signal } = new AbortController();
const tagged = { ...byKeys, role: arnOf("reader"), sessionTagsPolicy: "Simple" };
const factsOf = (namespace: string): CallerFacts => ({ namespace, storeName: "aws", storeKind: "ClusterSecretStore" });

suite("session tags of a ClusterSecretStore", { timeout: 30_000 }, () => {
  let server: FakeAws;
  let clients: HttpClients;
  before(async () => {
    server = await startFakeAws();
    clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  });
  after(async () => {
    await clients.close();
    await server.close();
  });
  const options = () => ({ url: server.url, clients, context: clusterWide });

  test("name the namespace of whoever reads", async () => {
    const store = openAws({ ...tagged, transitiveTagKeys: ["esoNamespace"] }, options());
    await store.login(keysProof("AKIA1"), signal, factsOf("bank"));
    const { RoleArn, ...form } = server.logins.at(-1)!;
    assert.equal(RoleArn, arnOf("reader"));
    assert.deepEqual(
      Object.entries(form).filter(([name]) => /Tag/.test(name)),
      [
        ["Tags.member.1.Key", "esoNamespace"],
        ["Tags.member.1.Value", "bank"],
        ["Tags.member.2.Key", "esoStoreName"],
        ["Tags.member.2.Value", "aws"],
        ["Tags.member.3.Key", "esoStoreKind"],
        ["Tags.member.3.Value", "ClusterSecretStore"],
        ["TransitiveTagKeys.member.1", "esoNamespace"],
      ],
    );
  });
  test("are never another namespace's, however reads mingle", async () => {
    const store = openAws({ ...tagged }, options());
    const who = ["bank", "shop", "farm"];
    const sessions = await Promise.all(who.map((name) => store.login(keysProof("AKIA1"), signal, factsOf(name))));
    for (let round = 0; round < 5; round++) {
      const order = round % 2 === 0 ? who : [...who].reverse();
      const seen = await Promise.all(
        order.map(async (name) =>
          textOf(await store.fetch(store.locate(ref("db")), sessions[who.indexOf(name)]!, signal)),
        ),
      );
      assert.deepEqual(
        seen,
        order.map((name) => `db as AKIA1>reader for ${name}`),
      );
    }
  });
  test("are in the store's keys, and in no other store's", () => {
    assert.deepEqual(openWhole(tagged, options()).usedCallerFacts, ["namespace"]);
    assert.deepEqual(openWhole(byKeys, options()).usedCallerFacts, []);
    // Of a SecretStore the namespace is in the configuration.
    assert.deepEqual(openWhole(tagged, { ...options(), context: inShop }).usedCallerFacts, []);
  });
  for (const [policy, isShared] of [
    ["None", true],
    ["Simple", false],
    ["Custom", false],
  ] as const)
    test(`with policy ${policy} two namespaces ${isShared ? "share" : "do not share"} a session`, async () => {
      const manifest = storeManifest(
        "aws",
        { service: "SecretsManager", region: "eu-central-1", ...tagged, sessionTagsPolicy: policy },
        { provider: "aws" },
      );
      const catalog = createCatalog({
        cluster: { findStore: () => Promise.resolve({ ok: true, value: manifest }) },
        kinds: new Map([["aws", () => Promise.resolve(aws)]]),
        storeDeps: () => ({ http: () => undefined }) as unknown as StoreDeps,
        openLane: () => undefined as never,
        controllerClass: "default",
        onChange: () => undefined,
      });
      const store = await catalog.resolve({ kind: "ClusterSecretStore", name: "aws" }, "shop", signal);
      const [bank, shop] = ["bank", "shop"].map((namespace) =>
        sessionKey(
          { grant: { caller: { namespace }, store }, subject: { kind: "none" } } as unknown as KeyFacts,
          keyParts,
        ),
      );
      assert.equal(bank === shop, isShared);
      catalog.close();
    });
});
