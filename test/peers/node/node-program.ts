/** `keyferry node` as a process of its own, under exactly one ServiceAccount of a real cluster. */
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { launch, until } from "../../scenario/program.ts";
import type { Cluster } from "../kube/cluster.ts";

export interface NodeProgram {
  readonly folder: string;
  /** Of the provider `keyferry`. */
  readonly socket: string;
  /** `system:serviceaccount:NAMESPACE:NAME`. */
  readonly user: string;
  get(path: string): Promise<{ status: number; text: string }>;
  /** Value of one series, labels in any order; undefined when there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number | undefined>;
  printed(): { stdout: string; stderr: string };
  audit(): Promise<readonly Record<string, unknown>[]>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
  stop(): Promise<number | null>;
}

export interface NodeProgramOptions {
  readonly roles: string;
  /** Default: the account of daemonset/ for these roles. */
  readonly account?: string;
  readonly args?: readonly string[];
  /** The API server, or a fault proxy's URL in front of it. */
  readonly server?: string;
  /** Resolve as soon as it listens, without waiting for /readyz. */
  readonly unready?: true;
  /** What Node runs; default the sources. */
  readonly program?: NodeCommand;
}

export interface NodeCommand {
  /** Flags of Node, then the path of the program. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export const ownNamespace = "keyferry";
const main = join(import.meta.dirname, "../../../plugin/main.ts");

/** Stores of tests are on loopback, so that is exempt. */
export async function startNodeProgram(cluster: Cluster, options: NodeProgramOptions): Promise<NodeProgram> {
  const name = options.account ?? (options.roles.includes("sync") ? "keyferry-sync" : "keyferry-mount");
  const account = await cluster.kubeconfigFor(
    { namespace: ownNamespace, name },
    options.server === undefined ? {} : { server: options.server },
  );
  const folder = await mkdtemp(join(cluster.folder, "node-"));
  const program = options.program ?? { args: [main], env: {} };
  const args = [
    ...[
      ...program.args,
      "node",
      "--roles",
      options.roles,
      "--kubeconfig",
      account.kubeconfig,
      "--namespace",
      ownNamespace,
    ],
    ...["--node-name", "node-1", "--http-addr", "127.0.0.1:0", "--provider-dirs", join(folder, "providers")],
    ...["--version-key-file", join(folder, "version-key"), "--audit-log", join(folder, "audit.jsonl")],
    ...["--unsafe-store-addresses", "127.0.0.0/8", ...(options.args ?? [])],
  ];
  const { child, ended, printed } = launch(args, program.env);
  let address = "";
  const get = async (path: string): Promise<{ status: number; text: string }> => {
    const answer = await fetch(`http://${address}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`keyferry ended at start:\n${printed().stderr}`);
      address = /"address":"([^"]+)"/.exec(printed().stderr)?.[1] ?? "";
      return address !== "" && (options.unready || (await get("/readyz")).status === 200);
    }, 30_000);
  } catch (problem) {
    child.kill("SIGKILL");
    throw new Error(`keyferry did not become ready:\n${printed().stderr}`, { cause: problem });
  }
  const kill = (signal: NodeJS.Signals): Promise<number | null> => (child.kill(signal), ended);
  return {
    folder,
    socket: join(folder, "providers", "keyferry.sock"),
    user: account.user,
    get,
    metric: async (series, labels = {}) => valueOf((await get("/metrics")).text, series, labels),
    printed,
    async audit() {
      const { readFile } = await import("node:fs/promises");
      const text = await readFile(join(folder, "audit.jsonl"), "utf8");
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    kill,
    stop: () => kill("SIGTERM"),
  };
}

function valueOf(page: string, name: string, labels: Readonly<Record<string, string>>): number | undefined {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  for (const line of page.split("\n")) {
    const match = /^([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match?.[1] === name && wanted.every((part) => (match[2] ?? "").includes(part))) return Number(match[3]);
  }
  return undefined;
}
