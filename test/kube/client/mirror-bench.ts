/** A mirror of Secrets that keeps one label of each, with everything it tells written down. */
import type { TestContext } from "node:test";
import type { KubeLimits } from "../../../plugin/kube/client/limits.ts";
import type { Mirror, MirrorChange, MirrorOptions } from "../../../plugin/kube/contract.ts";
import { openBench, secrets, until } from "./bench.ts";
import type { Bench } from "./bench.ts";

export interface MirrorBench extends Bench {
  readonly mirror: Mirror<string>;
  /** `added shop/a=1`, in the order told. */
  readonly told: readonly string[];
  /** Tells what was told since the last call. */
  news: () => readonly string[];
  /** Resolves when something was told since the last call of news(). */
  told1: () => Promise<void>;
  put: (name: string, value?: string) => void;
  remove: (name: string) => void;
  /** What is held, as `shop/a=1`, sorted. */
  held: () => readonly string[];
}

export interface MirrorBenchOptions extends Partial<Omit<MirrorOptions<string>, "kind">> {
  readonly limits?: Partial<KubeLimits>;
  /** Before the mirror starts. */
  readonly prepare?: (bench: Bench) => void;
}

export const namespace = "shop";

export async function openMirror(t: TestContext, options: MirrorBenchOptions = {}): Promise<MirrorBench> {
  const { limits = {}, prepare, ...wish } = options;
  const bench = await openBench(t, limits);
  prepare?.(bench);
  const mirror = bench.client.mirror<string>({
    kind: secrets,
    keep: (object) => object.metadata.labels?.["v"] ?? "",
    ...wish,
  });
  t.after(() => mirror.stop());
  const told: string[] = [];
  let read = 0;
  mirror.onChange((change) => void told.push(sentence(change)));
  return {
    ...bench,
    mirror,
    told,
    news() {
      const news = told.slice(read);
      read = told.length;
      return news;
    },
    told1: () => until(() => told.length > read),
    put: (name, v = "1") => void bench.server.put(secrets, secret(name, v)),
    remove: (name) => bench.server.remove(secrets, namespace, name),
    held: () => [...mirror.entries()].map(({ key, value }) => `${key.namespace}/${key.name}=${value}`).sort(),
  };
}

export function secret(name: string, v: string): object {
  return { kind: "Secret", metadata: { namespace, name, labels: { v } }, data: { password: "aHVudGVyMg==" } };
}

function sentence({ type, entry }: MirrorChange<string>): string {
  return `${type} ${entry.key.namespace}/${entry.key.name}=${entry.value}`;
}
