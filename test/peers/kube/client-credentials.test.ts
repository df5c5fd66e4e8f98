/**
 * How the client proves itself to a real API server: the token of a pod and of a kubeconfig that is replaced, refused and
 * expires under running watches, client certificates, authorities.
 */
import assert from "node:assert/strict";
import { stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import { inspect } from "node:util";
import { openKubeconfig } from "../../../plugin/kube/client/kubeconfig.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import { until } from "../../scenario/program.ts";
import { type Account, requestToken } from "./account.ts";
import {
  type ClientBench,
  configMaps,
  connectionOf,
  failureOf,
  makeClientAccount,
  openClient,
} from "./client-bench.ts";
import { type Followed, followMaps, putMap } from "./client-journal.ts";
import { startWatchWorld, type WatchWorld } from "./client-watching.ts";
import { kubeconfigText } from "./cluster-files.ts";
import { objectPath } from "./objects.ts";

let world: WatchWorld;

before(async () => {
  world = await startWatchWorld();
});
after(() => world?.stop());

const read = ({ client, signal }: ClientBench): Promise<unknown> =>
  client.get(configMaps, { namespace: "default", name: "kube-root-ca.crt" }, signal);

interface Subject {
  readonly account: Account;
  readonly bench: ClientBench;
  readonly followed: Followed;
}

/** One client that reads the account as a pod does and one by a kubeconfig with a token file, each with a running watch. */
async function subjects(
  t: TestContext,
  name: string,
  prepare?: (account: Account) => unknown,
): Promise<readonly Subject[]> {
  const { cluster, proxy } = world;
  const account = await makeClientAccount(cluster, { namespace: "default", name }, { server: proxy.url });
  await prepare?.(account);
  const opened: Subject[] = [];
  for (const connection of [await connectionOf(account), await openKubeconfig(account.kubeconfig)]) {
    const bench = await openClient(t, cluster, connection);
    const followed = followMaps(t, bench, "default");
    await followed.mirror.synced;
    await read(bench);
    opened.push({ account, bench, followed });
  }
  await tells(opened, name);
  return opened;
}

let n = 0;

async function tells(all: readonly Subject[], name: string): Promise<void> {
  await putMap(world.admin, "default", name, ++n);
  for (const { followed } of all)
    await until(() => followed.told.some((line) => line.endsWith(` ${name}=${n}`)), 30_000);
}

/** The account's tokens are refused from now on, although an account of its name is there. */
async function remake(account: Account, name: string): Promise<void> {
  const { admin } = world;
  const path = objectPath("v1", "serviceaccounts", "default", name);
  await admin.remove(path);
  await admin.waitGone(path);
  await admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "default" } });
  const review = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: account.token() } };
  // The API server believes a token that it has just seen for some seconds more.
  await until(async () => {
    const { text } = await admin.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review);
    return !(JSON.parse(text) as { status: { authenticated?: boolean } }).status.authenticated;
  }, 30_000);
}

test("a token that looks unchanged on disk is read again once it is refused; watches go on where they were", async (t) => {
  const oldSeconds = 1_700_000_000;
  const age = ({ tokenFile }: Account): Promise<void> => utimes(tokenFile, oldSeconds, oldSeconds);
  const all = await subjects(t, "refused", age);
  const { account } = all[0]!;
  const [before, oldToken] = [await stat(account.tokenFile), account.token()];
  await remake(account, "refused");

  // Nobody has put another token there yet.
  world.proxy.cut();
  for (const { bench, followed } of all) {
    const failure = await failureOf(read(bench));
    assert.deepEqual([failure.status, failure.reason], [401, "Unauthorized"]);
    assert.match(
      failure.message,
      /does not accept the credentials of this process; check its service account or kubeconfig/,
    );
    await until(() => followed.mirror.health().problem?.status === 401);
    assert.ok(!inspect([failure, bench.lines], { depth: 9, showHidden: true }).includes(oldToken.slice(-40)));
  }

  const fresh = await requestToken(world.admin, { namespace: "default", name: "refused" });
  await writeFile(account.tokenFile, fresh);
  await age(account);
  const { ino, mtimeMs, size } = await stat(account.tokenFile);
  assert.deepEqual([ino, mtimeMs, size], [before.ino, before.mtimeMs, before.size]);
  for (const { bench } of all) await read(bench);
  await tells(all, "refused");
  for (const { bench } of all)
    assert.equal((await bench.asked("list")).filter(({ status }) => status === 200).length, 1);
});

test("a token that was replaced is used from the next request on, without a refusal, and running watches stay", async (t) => {
  const all = await subjects(t, "renewed");
  const { account } = all[0]!;
  const open = world.proxy.connections();
  await remake(account, "renewed");
  await account.renew();
  const seen = world.proxy.requests.length;
  for (const { bench } of all) await read(bench);
  assert.deepEqual(
    world.proxy.requests.slice(seen).map(({ status }) => status),
    [200, 200],
  );
  await tells(all, "renewed");
  for (const { bench } of all) assert.equal((await bench.asked("watch")).length, 1);
  assert.ok(world.proxy.connections() <= open, "the token opened further connections");
});

test("an authority that is replaced counts for new connections, and a wrong one is named as that", async (t) => {
  const account = await makeClientAccount(world.cluster, { namespace: "default", name: "trusting" });
  const bench = await openClient(t, world.cluster, await connectionOf(account));
  await read(bench);
  const life = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 3_600_000 };
  const foreign = makeCertificate({ name: "somebody else", isAuthority: true, ...life }).certificate;
  const file = join(account.folder, "ca.crt");
  await writeFile(file, foreign);
  const failure = await failureOf(read(bench));
  assert.equal(failure.status, 0);
  assert.match(failure.message, /signed by an authority that is not trusted here; check ca\.crt/);
  // As while an authority is rotated.
  await writeFile(file, `${foreign}${world.cluster.authority}`);
  await read(bench);
});

test("a kubeconfig with a client certificate", async (t) => {
  const bench = await openClient(t, world.cluster, await openKubeconfig(world.cluster.adminKubeconfig));
  await read(bench);
  const [asked] = await bench.asked("get");
  assert.deepEqual([asked?.user, asked?.status], ["admin", 200]);
});

test("a client certificate that the API server does not know is refused in our words", async (t) => {
  const life = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 3_600_000 };
  const foreign = makeCertificate({ name: "admin", organization: "system:masters", ...life });
  const path = join(world.cluster.folder, "foreign.kubeconfig");
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const server = { server: world.cluster.url, "certificate-authority-data": base64(world.cluster.authority) };
  const user = {
    "client-certificate-data": base64(foreign.certificate),
    "client-key-data": base64(foreign.key),
  };
  await writeFile(path, kubeconfigText(server, user));
  const bench = await openClient(t, world.cluster, await openKubeconfig(path));
  const failure = await failureOf(read(bench));
  assert.equal(failure.status, 401);
});
