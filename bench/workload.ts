/** What the benchmarks mount: pods of ten applications, each with four values of 256 bytes from a file store. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DriverMount, Mounted } from "../test/fakes/driver-client.ts";

export const objects = 4;
export const objectBytes = 256;
const apps = 10;

const keys = Array.from({ length: objects }, (_, i) => `key-${i}`);

/** Writes the store and the manifests below `folder`. */
export async function writeWorkload(folder: string): Promise<{ manifests: string }> {
  const [store, manifests] = [join(folder, "store"), join(folder, "manifests")];
  await mkdir(store, { recursive: true });
  await mkdir(manifests, { recursive: true });
  for (let app = 0; app < apps; app++) {
    const lines = keys.map((key, i) => `${key}: "${`${app}.${i}.`.padEnd(objectBytes, "x")}"`);
    await writeFile(join(store, `app-${app}.yaml`), `${lines.join("\n")}\n`);
  }
  const manifest = [
    "apiVersion: external-secrets.io/v1",
    "kind: ClusterSecretStore",
    "metadata: {name: bench}",
    `spec: {provider: {file: {path: ${JSON.stringify(store)}}}}`,
  ];
  await writeFile(join(manifests, "store.yaml"), `${manifest.join("\n")}\n`);
  return { manifests };
}

/** What the driver sends for the pod of this number. */
export function podMount(pod: number): DriverMount {
  const app = pod % apps;
  return {
    namespace: `team-${app}`,
    podName: `app-${app}-${pod}`,
    podUid: `00000000-0000-4000-8000-${String(pod).padStart(12, "0")}`,
    serviceAccountName: `app-${app}`,
    parameters: {
      secretStoreRef: "{name: bench, kind: ClusterSecretStore}",
      data: keys.map((key) => `- {secretKey: ${key}, remoteRef: {key: app-${app}, property: ${key}}}`).join("\n"),
    },
  };
}

export function checkMounted({ files }: Mounted): void {
  const whole = files.size === objects && [...files.values()].every(({ contents }) => contents.length === objectBytes);
  if (!whole) throw new Error("a mount did not bring its four files of 256 bytes");
}
