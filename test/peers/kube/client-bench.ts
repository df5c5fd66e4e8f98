/**
 * The product's API client on a real API server, as a ServiceAccount of its own, and what tests look at: who asked for
 * what, what a mirror told, and whether that can be true.
 */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { systemClock } from "../../../plugin/core/clock.ts";
import { createKubeClient } from "../../../plugin/kube/client/client.ts";
import type { KubeConnection } from "../../../plugin/kube/client/connection.ts";
import { openInCluster } from "../../../plugin/kube/client/in-cluster.ts";
import { type KubeLimits, kubeLimits } from "../../../plugin/kube/client/limits.ts";
import { type KubeClient, KubeFailure, type ResourceKind } from "../../../plugin/kube/contract.ts";
import type { KubeHttp } from "../../../plugin/kube/http.ts";
import type { Log, LogFields } from "../../../plugin/observe/log.ts";
import { createKubeHttp } from "../../../plugin/wire/kube-http.ts";
import type { Account, AccountOptions } from "./account.ts";
import type { AuditEvent } from "./audit.ts";
import type { Cluster } from "./cluster.ts";
import { settleRoles } from "./roles.ts";

export const configMaps: ResourceKind = {
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
};

export interface LogLine extends LogFields {
  readonly level: keyof Log;
  readonly sentence: string;
}

export interface ClientBench {
  readonly client: KubeClient;
  readonly lines: readonly LogLine[];
  readonly signal: AbortSignal;
  /** Bytes of bodies that have arrived, watches included. */
  received(): number;
  /** Its requests that reached the API server, in order. */
  asked(verb?: string): Promise<readonly AuditEvent[]>;
}

export interface ClientOptions {
  readonly limits?: Partial<KubeLimits>;
  /** Happens before a request leaves. */
  readonly before?: (url: URL) => Promise<unknown>;
  /** Watches last so many seconds at most, in place of minutes. */
  readonly watchSeconds?: number;
}

let opened = 0;

export async function openClient(
  t: TestContext,
  cluster: Cluster,
  connection: KubeConnection,
  { limits, before, watchSeconds }: ClientOptions = {},
): Promise<ClientBench> {
  const http = createKubeHttp();
  const userAgent = `keyferry/test-${++opened}`;
  let received = 0;
  const send: KubeHttp = async (request, signal) => {
    const url = new URL(request.url);
    if (watchSeconds !== undefined && url.searchParams.has("timeoutSeconds"))
      url.searchParams.set("timeoutSeconds", `${watchSeconds}`);
    await before?.(url);
    const answer = await http.send({ ...request, url }, signal);
    const body = counted(answer.body, (bytes) => void (received += bytes));
    return { ...answer, body };
  };
  const lines: LogLine[] = [];
  const client = createKubeClient({
    http: send,
    connection,
    clock: systemClock,
    log: logInto(lines),
    random: Math.random,
    limits: { ...kubeLimits, ...limits },
    userAgent,
  });
  t.after(() => http.close());
  return {
    client,
    lines,
    signal: t.signal,
    received: () => received,
    async asked(verb) {
      const events = await cluster.auditEvents(verb === undefined ? {} : { verb });
      return events.filter((event) => event.userAgent === userAgent);
    },
  };
}

async function* counted(body: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    count(piece.length);
    yield piece;
  }
}

function logInto(lines: LogLine[]): Log {
  const note =
    (level: keyof Log) =>
    (sentence: string, fields: LogFields = {}): void =>
      void lines.push({ level, sentence, ...fields });
  return { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };
}

/** A ServiceAccount with every right, as a pod sees it. Resolves once its rights count. */
export async function makeClientAccount(
  cluster: Cluster,
  { namespace, name }: { namespace: string; name: string },
  options: AccountOptions = {},
): Promise<Account> {
  await cluster.admin.apply(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: ${name}, namespace: ${namespace}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ${namespace}-${name}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: ${name}, namespace: ${namespace}}]
`);
  await settleRoles(cluster.admin);
  return cluster.kubeconfigFor({ namespace, name }, options);
}

/** The connection of a pod of this account. */
export function connectionOf({ environment, folder }: Account): Promise<KubeConnection> {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "" } = environment;
  return openInCluster({ host, port, folder });
}

/** The KubeFailure that `work` rejects with. */
export async function failureOf(work: Promise<unknown>): Promise<KubeFailure> {
  const thrown: unknown = await work.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  if (thrown instanceof KubeFailure) return thrown;
  throw thrown;
}
