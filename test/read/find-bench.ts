/** A bench whose one store, ClusterSecretStore `main`, lists what is put into it and tells what it was asked. */
import type { ReadTerms, FindEntry, FindPlan, SecretBundle } from "../../plugin/read/request.ts";
import { Failure } from "../../plugin/core/failure.ts";
import { storeManifest } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import type { WireBlock } from "./fake-server.ts";
import { readBench } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

export interface FindBench extends Bench {
  /** Name → value: what the store holds. */
  readonly held: Map<string, string>;
  find(plan?: FindPlan, more?: Partial<FindEntry>, terms?: Partial<ReadTerms>): Promise<SecretBundle>;
  /** Addresses that were read, in order. */
  readonly asked: () => readonly string[];
}

export function findBench(names: readonly string[], block: Partial<WireBlock> = {}): FindBench {
  const bench = readBench();
  const { server, cluster } = bench;
  cluster.putStore(storeManifest("main", { server: "x", auth: "none", findsBy: ["path", "name", "tags"], ...block }));
  const held = new Map(names.map((name) => [name, `value of ${name}`]));
  server.onList = ({ wish: { path = "", name } }) =>
    [...held.keys()]
      .filter((one) => one.startsWith(path) && (name?.matches(one) ?? true))
      .map((one) => ({ name: one, key: one }));
  server.onRead = ({ located: { address } }) => {
    const value = held.get(address);
    if (value === undefined) throw new Failure("ref_not_found", `the store has no "${address}"`);
    return answerOf(value);
  };
  return {
    ...bench,
    held,
    find: (plan, more, terms) => bench.read({ entries: [findEntry(plan, more)] }, terms),
    asked: () => server.requests.map(({ located }) => located.address),
  };
}

export function findEntry(find: FindPlan = {}, more: Partial<FindEntry> = {}): FindEntry {
  return {
    field: "spec.dataFrom[0]",
    store: { kind: "ClusterSecretStore", name: "main" },
    find,
    take: { as: "map", conversion: "Default" },
    decoding: "None",
    nullBytes: "Ignore",
    optional: false,
    ...more,
  };
}

export function textsOf(bundle: SecretBundle): Readonly<Record<string, string>> {
  return Object.fromEntries([...bundle.values].map(([name, { value }]) => [name, value.reveal().toString("utf8")]));
}
