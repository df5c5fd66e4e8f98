/** A client against the fake API server: real HTTP, a clock that moves only when told, chance that is always one half. */
import type { TestContext } from "node:test";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { createKubeClient } from "../../../plugin/kube/client/client.ts";
import type { KubeConnection, KubeCredentials } from "../../../plugin/kube/client/connection.ts";
import { kubeLimits } from "../../../plugin/kube/client/limits.ts";
import type { KubeLimits } from "../../../plugin/kube/client/limits.ts";
import { KubeFailure } from "../../../plugin/kube/contract.ts";
import type { KubeClient, ResourceKind } from "../../../plugin/kube/contract.ts";
import type { Log, LogFields } from "../../../plugin/observe/log.ts";
import { createKubeHttp } from "../../../plugin/wire/kube-http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { startKubeServer } from "../../fakes/kube-server.ts";
import type { FakeKube } from "../../fakes/kube-server.ts";

export const secrets: ResourceKind = { group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true };
export const namespaces: ResourceKind = {
  group: "",
  version: "v1",
  plural: "namespaces",
  kind: "Namespace",
  namespaced: false,
};
export const externalSecrets: ResourceKind = {
  group: "external-secrets.io",
  version: "v1",
  plural: "externalsecrets",
  kind: "ExternalSecret",
  namespaced: true,
};

/** Tells which waits were begun, so that a test passes exactly those. */
export class WatchedClock extends FakeClock {
  readonly #begun: number[] = [];

  override after(delayMs: number, act: () => void): () => void {
    this.#begun.push(Math.round(delayMs));
    return super.after(delayMs, act);
  }

  /** Waits until somebody waits for `ms`, then lets that time pass. */
  async pass(ms: number): Promise<void> {
    await until(() => this.#begun.includes(ms)).catch(() => {
      throw new Error(`nobody waited for ${ms} ms, only for ${this.#begun.join(", ")}`);
    });
    this.#begun.splice(this.#begun.indexOf(ms), 1);
    await this.advance(ms);
  }

  /** No wait of `ms` that pass() has not passed was begun. */
  waitsFor(ms: number): boolean {
    return this.#begun.includes(ms);
  }
}

/** Far more than any answer on loopback takes. */
const manyTurns = 300_000;

/** Turns the event loop until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    if (turn > manyTurns) throw new Error(`never came true: ${isSo.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface LogLine extends LogFields {
  readonly level: keyof Log;
  readonly sentence: string;
}

export interface Bench {
  readonly server: FakeKube;
  readonly client: KubeClient;
  readonly clock: WatchedClock;
  readonly lines: readonly LogLine[];
  /** The token that the connection has from now on; it is found by whoever looks anew. */
  setToken: (token: string) => void;
  readonly signal: AbortSignal;
}

export async function openBench(
  t: TestContext,
  limits: Partial<KubeLimits> = {},
  prefix = "/",
  stuck = false,
): Promise<Bench> {
  const server = await startKubeServer();
  const http = createKubeHttp();
  const clock = new WatchedClock();
  const lines: LogLine[] = [];
  const note =
    (level: keyof Log) =>
    (sentence: string, fields: LogFields = {}) =>
      void lines.push({ level, sentence, ...fields });
  const log: Log = { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };
  const credentialsOf = (token: string): KubeCredentials => ({
    tls,
    authorization: SecretValue.fromText(`Bearer ${token}`),
  });
  const tls = {};
  let known = credentialsOf("first-token");
  let next = known;
  const connection: KubeConnection = {
    server: new URL(prefix, server.url),
    namespace: "keyferry",
    credentials: async (refused) =>
      stuck ? new Promise<never>(() => undefined) : refused === known ? (known = next) : known,
  };
  const client = createKubeClient({
    http: http.send,
    connection,
    clock,
    log,
    random: () => 0.5,
    limits: { ...kubeLimits, ...limits },
    userAgent: "keyferry/test",
  });
  t.after(async () => {
    await http.close();
    await server.close();
  });
  return {
    server,
    client,
    clock,
    lines,
    setToken: (token) => void (next = credentialsOf(token)),
    signal: new AbortController().signal,
  };
}

/** The KubeFailure that `work` rejects with. */
export async function failureOf(work: Promise<unknown>): Promise<KubeFailure> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof KubeFailure) return thrown;
    throw thrown;
  }
  throw new Error("it did not fail");
}
