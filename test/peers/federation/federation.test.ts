/**
 * A cluster whose tokens others trust by its published keys, and four such others. Nothing else is shown to them: no
 * credential is kept anywhere, and none of them has a right in the cluster.
 *
 * Pods' tokens are minted as kubelet does; those of a sync by `keyferry node` itself.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type DriverMount, mountAsDriver } from "../../fakes/driver-client.ts";
import { objectPath, secretText } from "../kube/objects.ts";
import { makePod, type PodAttributes } from "../node/pods.ts";
import {
  allowTokens,
  externalSecretPath,
  secretPath,
  startSyncWorld,
  type SyncWorld,
  untilReady,
} from "../node/sync-world.ts";
import { startFederatedAws } from "./aws.ts";
import { startFederatedAzure } from "./azure.ts";
import type { Federation } from "./federation.ts";
import { startFederatedGcp } from "./gcp.ts";
import { publishKeys } from "./keys.ts";
import { startFederatedOpenBao } from "./openbao.ts";

const kinds = {
  openbao: startFederatedOpenBao,
  aws: startFederatedAws,
  gcp: startFederatedGcp,
  azure: startFederatedAzure,
} as const;
type Kind = keyof typeof kinds;
const kindNames = Object.keys(kinds) as Kind[];

const web = { namespace: "shop", name: "web" };
const app = { namespace: "shop", name: "app" };
/** Of another namespace, and says of itself what shop's account says. */
const intruder = { namespace: "bank", name: "web" };
const elsewhere = "elsewhere";

let federations: Readonly<Record<Kind, Federation>>;
let world: SyncWorld | undefined;
let pods: Readonly<Record<"web" | "app" | "intruder", PodAttributes>>;

before(async () => {
  const started = await Promise.all(kindNames.map(async (kind) => [kind, await kinds[kind]()] as const));
  federations = Object.fromEntries(started) as Record<Kind, Federation>;
  const all = Object.values(federations);
  const main = join(import.meta.dirname, "../../../plugin/main.ts");
  const env = Object.assign({}, ...all.map((one) => one.env)) as Record<string, string>;
  world = await startSyncWorld({ namespaces: ["shop", "bank"], program: { args: [main], env } });
  const { cluster, admin } = world;
  const audiences = [...all.map((one) => one.audience), elsewhere];
  const podOf = ({ namespace, name }: typeof web): Promise<PodAttributes> =>
    makePod(cluster, { namespace, name: `${name}-1`, serviceAccountName: name }, audiences);
  pods = { web: await podOf(web), app: await podOf(app), intruder: await podOf(intruder) };
  const keys = await publishKeys(cluster);
  for (const one of all) await one.trust(keys, "shop");
  const annotate = async (account: typeof web, annotations: object): Promise<unknown> =>
    admin.patch(objectPath("v1", "serviceaccounts", account.namespace, account.name), { metadata: { annotations } });
  for (const account of [web, app]) {
    const annotations: Record<string, string> = {};
    for (const one of all) Object.assign(annotations, await one.admit(account));
    await annotate(account, annotations);
    if (account === web) await annotate(intruder, annotations);
  }
  await allowTokens(admin, web);
  await allowTokens(admin, intruder);
});
after(async () => {
  await world?.stop();
  await Promise.all(Object.values(federations ?? {}).map((one) => one.stop()));
});

const classOf = (store: string, key: string): DriverMount["parameters"] => ({
  secretStoreRef: `{name: ${store}, kind: SecretStore}`,
  data: JSON.stringify([{ secretKey: "value", remoteRef: { key } }]),
  // What is read is read now.
  refreshInterval: "1ms",
});

async function mounted(pod: PodAttributes, store: string, key: string): Promise<string> {
  const { files } = await mountAsDriver(world!.node.socket, { ...pod, parameters: classOf(store, key) });
  return files.get("value")!.contents.toString();
}

const makeStore = ({ namespace, name }: typeof web, provider: object): Promise<unknown> =>
  world!.admin.apply({
    apiVersion: "external-secrets.io/v1",
    kind: "SecretStore",
    metadata: { name, namespace },
    spec: { provider },
  });

const makeExternalSecret = (namespace: string, store: string, key: string): Promise<unknown> =>
  world!.admin.apply({
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: store, namespace },
    spec: {
      refreshInterval: "1h",
      secretStoreRef: { name: store, kind: "SecretStore" },
      data: [{ secretKey: "value", remoteRef: { key } }],
    },
  });

/** Refused by the mount and by the sync, with the same word and the same knob. */
async function refusedTo(pod: PodAttributes, store: string, key: string, code: string, knob: RegExp): Promise<void> {
  const says = new RegExp(`\\[${code}\\].*${knob.source}`, "s");
  await assert.rejects(mounted(pod, store, key), says);
  const { namespace } = pod;
  const path = externalSecretPath(namespace, store);
  const anew = { metadata: { annotations: { "force-sync": `${performance.now()}` } } };
  await makeExternalSecret(namespace, store, key);
  await world!.admin.patch(path, anew);
  await untilReady(world!.admin, path, "False", says);
  assert.equal(await world!.admin.find(secretPath(namespace, store)), undefined);
}

for (const kind of kindNames)
  describe(`${kind}: tokens of this cluster`, () => {
    const other = `${kind}-elsewhere`;

    test("for another audience log nobody in, and that may be the store's fault as well", async () => {
      const { provider, reads, knobs } = federations[kind];
      await makeStore({ namespace: "shop", name: other }, provider("web", elsewhere));
      await refusedTo(pods.web, other, reads(web).key, "store_login_denied", knobs.audience);
    });

    test("for its audience bring the account's value, by mount and by sync", async () => {
      const { provider, reads, told = String } = federations[kind];
      const { key, value } = reads(web);
      await makeStore({ namespace: "shop", name: kind }, provider("web"));
      assert.equal(told(await mounted(pods.web, kind, key)), value);
      await makeExternalSecret("shop", kind, key);
      await untilReady(world!.admin, externalSecretPath("shop", kind), "True");
      const secret = await world!.admin.get(secretPath("shop", kind));
      assert.equal(told(secretText(secret)["value"]!), value);
    });

    test("for another audience are refused by a verdict now that others can log in, with the knob to turn", async () => {
      const { reads, knobs } = federations[kind];
      const knob = new RegExp(`${knobs.audience.source}.*others can log in there`);
      await refusedTo(pods.web, other, reads(web).key, "store_denied", knob);
    });

    test("of another namespace's account are refused, whatever that account says of itself", async () => {
      const { provider, reads, knobs } = federations[kind];
      await makeStore({ namespace: "bank", name: kind }, provider("web"));
      await refusedTo(pods.intruder, kind, reads(web).key, "store_denied", knobs.subject);
    });

    test("of two pods with accounts of their own bring each its own value, however they take turns", async () => {
      const { reads, told = String } = federations[kind];
      const turns = Array.from({ length: 10 }, () => [app, web]).flat();
      const own = async (account: typeof web): Promise<void> => {
        const { key, value } = reads(account);
        assert.equal(told(await mounted(pods[account.name as "web" | "app"], kind, key)), value);
      };
      // All of them end before the first that failed is told: a call that is left behind waits for a socket that is gone.
      const together = await Promise.allSettled(turns.map((account) => own(account)));
      for (const one of together) if (one.status === "rejected") throw one.reason;
      for (const account of turns.slice(0, 6)) await own(account);
      if (reads(app).key === reads(web).key) return;
      await assert.rejects(mounted(pods.app, kind, reads(web).key), /\[store_denied\]/);
      await assert.rejects(mounted(pods.web, kind, reads(app).key), /\[store_denied\]/);
    });
  });
