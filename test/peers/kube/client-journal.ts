/**
 * A mirror of ConfigMaps with everything it told written down, and whether that can be true: nothing told twice, nothing
 * told of an object that is not held, no object back from the dead.
 */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Mirror, MirrorChange, MirrorOptions } from "../../../plugin/kube/contract.ts";
import { until } from "../../scenario/program.ts";
import type { KubeAdmin } from "./admin.ts";
import { type ClientBench, configMaps } from "./client-bench.ts";
import { type KubeObject, objectPath } from "./objects.ts";

export interface Followed {
  readonly mirror: Mirror<number>;
  /** `added a=1`, in the order told. */
  readonly told: readonly string[];
  /** Tells what was told since the last call. */
  news(): readonly string[];
  /** Resolves once the mirror holds what the API server holds; throws when what it told cannot be true. */
  untilEqual(admin: KubeAdmin): Promise<void>;
}

/** `data.n` of every ConfigMap of a namespace but the one that the cluster puts there. */
export function followMaps(
  t: TestContext,
  { client }: ClientBench,
  namespace: string,
  options: Partial<MirrorOptions<number>> = {},
): Followed {
  const mirror = client.mirror<number>({
    kind: configMaps,
    namespace,
    fieldSelector: "metadata.name!=kube-root-ca.crt",
    keep: numberOf,
    ...options,
  });
  t.after(() => mirror.stop());
  const told: string[] = [];
  const wrong: string[] = [];
  const doubt = createDoubt();
  let read = 0;
  mirror.onChange((change) => {
    const line = `${change.type} ${change.entry.key.name}=${change.entry.value}`;
    told.push(line);
    const problem = doubt(change);
    if (problem !== undefined) wrong.push(`${line}: ${problem}`);
  });
  return {
    mirror,
    told,
    news() {
      const news = told.slice(read);
      read = told.length;
      return news;
    },
    async untilEqual(admin) {
      await until(async () => {
        const there = (await admin.list(objectPath("v1", "configmaps", namespace)))
          .filter(({ metadata }) => metadata.name !== "kube-root-ca.crt")
          .map((map) => `${map.metadata.name} ${map.metadata.uid} ${map.metadata.resourceVersion} ${numberOf(map)}`);
        const held = [...mirror.entries()].map(
          ({ key, uid, resourceVersion, value }) => `${key.name} ${uid} ${resourceVersion} ${value}`,
        );
        assert.deepEqual(held.sort(), there.sort());
        return true;
      }, 30_000);
      assert.deepEqual(wrong, []);
    },
  };
}

function numberOf(map: { readonly [member: string]: unknown }): number {
  return Number((map["data"] as Record<string, string> | undefined)?.["n"]);
}

/** What cannot be true of a change after those before it; undefined when it can. */
function createDoubt(): (change: MirrorChange<number>) => string | undefined {
  const held = new Map<string, MirrorChange<number>["entry"]>();
  const dead = new Set<string>();
  return (change) => {
    const { type, entry } = change;
    const before = held.get(entry.key.name);
    if (type === "removed") {
      held.delete(entry.key.name);
      dead.add(entry.uid);
      return before === entry ? undefined : "it is not what was held";
    }
    held.set(entry.key.name, entry);
    if (type === "added")
      return before ? "it was held already" : dead.has(entry.uid) ? "it was removed before" : undefined;
    if (change.before !== before) return "what was before is not what was held";
    if (before.uid !== entry.uid) return "it is another object";
    return BigInt(entry.resourceVersion) > BigInt(before.resourceVersion) && entry.value > before.value
      ? undefined
      : `it is not newer than ${before.value}`;
  };
}

export const mapPath = (namespace: string, name: string): string => objectPath("v1", "configmaps", namespace, name);

/** Made or overwritten. */
export async function putMap(admin: KubeAdmin, namespace: string, name: string, n: number): Promise<KubeObject> {
  const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { n: `${n}` } };
  return (await admin.apply(map))[0]!;
}

/** As many at once as the API server likes. */
export async function putMaps(admin: KubeAdmin, namespace: string, names: readonly string[], more = {}): Promise<void> {
  const left = [...names];
  const worker = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop())
      await admin.create({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace },
        data: { n: "1", ...more },
      });
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

export interface Writer {
  /** How many writes were answered. */
  readonly written: number;
  /** `data.n` of the last write that was sent. */
  readonly turn: number;
  stop(): Promise<void>;
}

/** Makes, overwrites and removes ConfigMaps, one write after the other, whatever becomes of the API server. */
export function startWriter(admin: KubeAdmin, namespace: string): Writer {
  let [turn, written, running] = [99, 0, true];
  const write = async (): Promise<void> => {
    while (running) {
      turn += 1;
      // Every name has its turn, its removals too, and is left both ways.
      const name = `w${(turn * 7) % 11}`;
      const done = turn % 5 === 0 ? admin.remove(mapPath(namespace, name)) : putMap(admin, namespace, name, turn);
      await done.then(
        () => (written += 1),
        // Nobody there, or nothing to remove.
        () => new Promise((resolve) => setTimeout(resolve, 5)),
      );
    }
  };
  const writing = write();
  return {
    get written() {
      return written;
    },
    get turn() {
      return turn;
    },
    async stop() {
      running = false;
      await writing;
    },
  };
}
