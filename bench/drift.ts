/** Edits of managed Secrets by another writer, and when they are undone. */
import assert from "node:assert/strict";
import { SecretValue } from "../plugin/core/secret-value.ts";
import { dataHash, dataHashAnnotation, managedLabel } from "../plugin/sync/secret-shape.ts";
import { type KubeAdmin, KubeRefusal } from "../test/peers/kube/admin.ts";
import type { KubeObject } from "../test/peers/kube/objects.ts";
import { secretPath } from "../test/peers/node/sync-world.ts";
import { until } from "../test/scenario/program.ts";
import { type KubeAccess, watchSecrets } from "./watched-secrets.ts";

export interface SecretKey {
  readonly namespace: string;
  readonly name: string;
}

const patienceMs = 20_000;
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const evil = base64("evil");

export interface Observer {
  /**
   * Edits the Secret's password; milliseconds from the API server's answer to the watch's sight of the password as it was,
   * 0 when that came first.
   */
  edit(key: SecretKey): Promise<number>;
  close(): void;
}

/** `password`: of every Secret that is observed. Two at a time are not told apart. */
export async function observe(
  mallory: KubeAdmin,
  access: KubeAccess,
  labelSelector: string,
  password: string,
): Promise<Observer> {
  const rightAt = new Map<string, { readonly version: number; readonly atMs: number }>();
  let look = (): void => undefined;
  const close = await watchSecrets(access, labelSelector, ({ data, metadata }) => {
    if (data?.["password"] !== base64(password)) return;
    const atMs = performance.now();
    rightAt.set(`${metadata.namespace}/${metadata.name}`, { version: Number(metadata.resourceVersion), atMs });
    look();
  });
  return {
    close,
    async edit({ namespace, name }) {
      const { metadata } = await mallory.patch(secretPath(namespace, name), { data: { password: evil } });
      const editedMs = performance.now();
      return new Promise((resolve, reject) => {
        const end = setTimeout(() => reject(new Error(`${namespace}/${name} is not restored`)), patienceMs);
        look = () => {
          const right = rightAt.get(`${namespace}/${name}`);
          if (!right || right.version <= Number(metadata.resourceVersion)) return;
          clearTimeout(end);
          look = () => undefined;
          resolve(Math.max(0, right.atMs - editedMs));
        };
        look();
      });
    },
  };
}

type Edit = (mallory: KubeAdmin, path: string, secret: KubeObject) => Promise<unknown>;

export const edits: Readonly<Record<string, Edit>> = {
  "edited value": (mallory, path) => mallory.patch(path, { data: { password: evil } }),
  "forged data-hash": (mallory, path, { data }) => {
    const annotations = { [dataHashAnnotation]: hashOf({ ...data, password: evil }) };
    return mallory.patch(path, { metadata: { annotations }, data: { password: evil } });
  },
  "stripped label": (mallory, path) =>
    mallory.patch(path, { metadata: { labels: { [managedLabel]: null } }, data: { password: evil } }),
  "deleted Secret": (mallory, path) => mallory.remove(path),
  "changed label and annotation": (mallory, path) =>
    mallory.patch(path, { metadata: { labels: { team: "mallory" }, annotations: { note: null } } }),
  "changed type": remake,
};

function hashOf(data: Readonly<Record<string, string>>): string {
  const values = Object.entries(data).map(
    ([key, text]) => [key, new SecretValue(Buffer.from(text, "base64"))] as const,
  );
  return dataHash(new Map(values));
}

/** A type never changes in place; whoever takes part in a race for the name may lose it. */
async function remake(mallory: KubeAdmin, path: string, { metadata }: KubeObject): Promise<void> {
  const { namespace, name } = metadata;
  const other = { apiVersion: "v1", kind: "Secret", type: "kubernetes.io/basic-auth", metadata: { namespace, name } };
  await until(async () => {
    await until(() => mallory.find(path), patienceMs);
    await mallory.remove(path);
    return mallory.create({ ...other, data: { username: evil, password: evil } }).catch((problem: unknown) => {
      if (problem instanceof KubeRefusal && problem.status === 409) return undefined;
      throw problem;
    });
  }, patienceMs);
}

/** Whether the edit was undone in everything that keyferry answers for; tells how long it took, give or take 25 ms. */
export async function isRepaired(admin: KubeAdmin, key: SecretKey, edit: Edit): Promise<number | undefined> {
  const path = secretPath(key.namespace, key.name);
  const before = await admin.get(path);
  await edit(admin.as("mallory", { manager: "kubectl-edit" }), path, before);
  const editedMs = performance.now();
  try {
    await admin.waitFor(
      path,
      (secret) => {
        assert.deepEqual(answeredFor(secret), answeredFor(before));
        return secret.metadata.resourceVersion !== before.metadata.resourceVersion;
      },
      patienceMs,
    );
    return performance.now() - editedMs;
  } catch {
    return undefined;
  }
}

function answeredFor({ metadata, type, data }: KubeObject): object {
  const { labels, annotations, ownerReferences } = metadata;
  return { labels, annotations, ownerReferences, type, data };
}
