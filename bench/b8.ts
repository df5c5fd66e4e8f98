/**
 * B8: from an edit of a managed Secret, as the API server acknowledged it, to the restored Secret as a watch shows it; one
 * Secret at a time, in turns with the least that can undo an edit. Then every kind of edit, with the store up and gone.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { managedLabel } from "../plugin/sync/secret-shape.ts";
import { launch, until } from "../test/scenario/program.ts";
import type { BaoWorld } from "../test/peers/node/sync-world.ts";
import { edits, isRepaired, observe, type Observer } from "./drift.ts";
import { type Measured, quantile } from "./numbers.ts";
import { fill, objectKey, openSyncCluster, servers, untilQuiet } from "./sync-cluster.ts";

const samples = 200;
/** For the events about the first sync. */
const settlingMs = 30_000;
/** A Secret that is edited again sooner is not restored at once. */
const quietMs = 300_000;
const password = "password-0";
const cells = Object.entries(edits);
const bare = { namespace: "default", name: "bare" };

export async function b8(again: () => boolean): Promise<Measured> {
  const world = await openSyncCluster();
  const ends: (() => void)[] = [];
  try {
    const meta = { labels: { team: "bench" }, annotations: { note: "by us" } };
    await fill(world, { objects: samples + 2 * cells.length, addresses: 1, intervalSeconds: 3_600, meta });
    const sides = await openSides(world, ends);
    await untilQuiet(world, settlingMs);
    const took = { keyferry: [] as number[], bare: [] as number[] };
    const editedAtMs: number[] = [];
    do {
      for (let i = 0; i < samples; i++) {
        await pause(Math.max(0, (editedAtMs[i] ?? -Infinity) + quietMs - performance.now()));
        editedAtMs[i] = performance.now();
        took.keyferry.push(await sides.keyferry.edit(objectKey(i)));
        took.bare.push(await sides.bare.edit(bare));
      }
    } while (again());
    return result(took, await repairedCells(world));
  } finally {
    for (const end of ends) end();
    await world.stop();
  }
}

/** Both are observed alike. */
async function openSides(
  { admin, cluster }: BaoWorld,
  ends: (() => void)[],
): Promise<Readonly<Record<"bare" | "keyferry", Observer>>> {
  const account = { namespace: "default", name: "bench-repairer" };
  await admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: account });
  await admin.apply({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: account.name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "ServiceAccount", ...account }],
  });
  const identity = await cluster.kubeconfigFor(account);
  const data = { username: "dXNlcg==", password: Buffer.from(password).toString("base64") };
  const metadata = { ...bare, labels: { bench: "bare" } };
  await admin.create({ apiVersion: "v1", kind: "Secret", metadata, data });
  const repairer = launch(
    [join(import.meta.dirname, "bare-repairer.ts"), cluster.url, data.password, identity.folder],
    {},
  );
  ends.push(() => repairer.child.kill());
  await until(() => repairer.printed().stdout.includes("watching"), 30_000);
  const mallory = admin.as("mallory", { manager: "kubectl-edit" });
  const access = { url: cluster.url, authority: cluster.authority, token: identity.token() };
  const open = async (selector: string): Promise<Observer> => {
    const observer = await observe(mallory, access, selector, password);
    ends.push(() => observer.close());
    return observer;
  };
  return { keyferry: await open(`${managedLabel}=true`), bare: await open("bench=bare") };
}

async function repairedCells({ admin, bao }: BaoWorld): Promise<number> {
  let repaired = 0;
  let object = samples;
  for (const store of ["up", "down"]) {
    if (store === "down") await bao.stop();
    for (const [name, edit] of cells) {
      const tookMs = await isRepaired(admin, objectKey(object++), edit);
      if (tookMs !== undefined) repaired++;
      console.log(`store ${store}, ${name}: ${tookMs === undefined ? "not repaired" : `${tookMs.toFixed(0)} ms`}`);
    }
  }
  return repaired;
}

function result(took: Readonly<Record<"bare" | "keyferry", readonly number[]>>, repaired: number): Measured {
  for (const [name, tookMs] of Object.entries(took)) {
    const shares = [0.5, 0.9, 0.99, 1].map((share) => quantile(tookMs, share).toFixed(1));
    console.log(`${name}: ${tookMs.length} edits undone, p50 p90 p99 max ${shares.join(" ")} ms`);
  }
  const [p99, bareP99] = [quantile(took.keyferry, 0.99), quantile(took.bare, 0.99)];
  return {
    ...servers,
    repair_p50_ms: quantile(took.keyferry, 0.5),
    repair_p99_ms: p99,
    limit_p99_ms: 100,
    bare_p50_ms: quantile(took.bare, 0.5),
    bare_p99_ms: bareP99,
    ratio: p99 / bareP99,
    cells_repaired: `${repaired}/${2 * cells.length}`,
  };
}
