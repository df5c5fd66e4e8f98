/**
 * `npm run demo`: keyferry's main job on its embedded defaults, in one readable transcript.
 *
 * Starts `keyferry standalone` on a folder of manifests and two file stores, then plays the driver, the rotating
 * operator, the tamperer and the outage, and looks at files on disk and answers on the socket as their users would.
 * Values are shown as fingerprints. Ends by itself; the exit code is non-zero when a promise did not hold.
 */
import { createHash } from "node:crypto";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { mountAsDriver } from "../test/fakes/driver-client.ts";
import { type Program, startProgram, until } from "../test/scenario/program.ts";

const patienceMs = 8_000;

const manifests = {
  "stores.yaml": `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: harbour}
spec: {provider: {file: {path: $FOLDER/harbour}}}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: partner, namespace: shop}
spec: {provider: {file: {path: $FOLDER/partner}}}
`,
  "database.yaml": `
apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata: {name: database, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: harbour, kind: ClusterSecretStore}
  data:
    - {secretKey: DB_USERNAME, remoteRef: {key: payments/db, property: username}}
    - {secretKey: DB_PASSWORD, remoteRef: {key: payments/db, property: password}}
`,
  "everything.yaml": `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: everything, namespace: shop}
spec:
  secretStoreRef: {name: harbour, kind: ClusterSecretStore}
  dataFrom: [{extract: {key: payments/db}}]
`,
  "merged.yaml": `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: merged, namespace: shop}
spec:
  data:
    - secretKey: password
      remoteRef: {key: payments/db, property: password}
      sourceRef: {storeRef: {name: harbour, kind: ClusterSecretStore}}
    - secretKey: partner-token
      remoteRef: {key: token}
      sourceRef: {storeRef: {name: partner, kind: SecretStore}}
`,
};

const podClass = {
  secretStoreRef: "{name: harbour, kind: ClusterSecretStore}",
  data: '- {secretKey: db/password, remoteRef: {key: payments/db, property: password}, mode: "0400"}',
  refreshInterval: "1s",
};

let broken = 0;

async function step(promise: string, holds: () => Promise<string>): Promise<void> {
  try {
    const seen = await until(holds, patienceMs);
    say(`  ok  ${promise}\n      ${seen}`);
  } catch (thrown) {
    broken++;
    say(`  NOT HELD  ${promise}\n      ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function need(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

const fingerprint = (value: string): string => createHash("sha256").update(value).digest("hex").slice(0, 8);

const setPassword = (word: string): Promise<void> =>
  keyferry.put(keyferry.at("harbour", "payments", "db.yaml"), passwordFile(word));

async function secretValue(name: string, key: string): Promise<string> {
  const value = (await keyferry.secret("shop", name))[key];
  if (value === undefined) throw new Error(`Secret ${name} has no key ${key}`);
  return value;
}

async function readyCondition(name: string): Promise<{ status: string; message: string }> {
  const ready = (await keyferry.status("shop", name)).conditions.find((condition) => condition.type === "Ready");
  if (!ready) throw new Error(`${name} has no Ready condition yet`);
  return ready;
}

async function mountedPassword(): Promise<string> {
  const { files } = await mountAsDriver(keyferry.socket, {
    namespace: "shop",
    podName: "checkout-1",
    serviceAccountName: "checkout",
    parameters: podClass,
  });
  const file = files.get("db/password");
  if (files.size !== 1 || file?.mode !== 0o400) throw new Error("the volume should hold db/password with mode 0400");
  return file.contents.toString();
}

/** The Secrets and the mount all hold `word`. */
async function everywhere(word: string): Promise<string> {
  const want = fingerprint(word);
  const seen = {
    "file db/password": fingerprint(await mountedPassword()),
    "Secret database": fingerprint(await secretValue("database", "DB_PASSWORD")),
    "Secret everything": fingerprint(await secretValue("everything", "password")),
    "Secret merged": fingerprint(await secretValue("merged", "password")),
  };
  for (const [place, print] of Object.entries(seen))
    need(print === want, `${place} does not hold the value of the store`);
  return `${Object.keys(seen).join(", ")}: sha256 ${want}…`;
}

async function tamper(): Promise<void> {
  const path = keyferry.at("out", "secrets", "shop", "database.yaml");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace(/DB_PASSWORD: .*/, `DB_PASSWORD: ${Buffer.from("planted").toString("base64")}`));
}

async function metric(series: RegExp): Promise<string> {
  const line = (await keyferry.get("/metrics")).text.split("\n").find((candidate) => series.test(candidate));
  if (line === undefined) throw new Error(`/metrics has no series ${series.source}`);
  return line;
}

const passwordFile = (word: string): string => `username: ferry\npassword: ${word}\n`;

say("keyferry standalone: two file stores, three ExternalSecrets, one mounting pod");
const keyferry: Program = await startProgram({
  manifests,
  files: { "harbour/payments/db.yaml": passwordFile("first-crossing"), "partner/token": "partner-token-1" },
});
try {
  say("\n1. One read reaches a pod's volume and three Secrets");
  await step("files and Secrets hold the store's value", () => everywhere("first-crossing"));
  await step("a Secret merged from two stores", async () => {
    need((await secretValue("merged", "partner-token")) === "partner-token-1", "merged lacks the partner's token");
    const { message } = await readyCondition("merged");
    return `Ready: ${message}`;
  });

  say("\n2. The value is rotated in the store");
  await setPassword("second-crossing");
  await step("the new value reaches files and Secrets", () => everywhere("second-crossing"));

  say("\n3. Somebody edits a Secret by hand");
  await tamper();
  await step("the edit is undone, counted and named", async () => {
    need((await secretValue("database", "DB_PASSWORD")) === "second-crossing", "the planted value is still there");
    return metric(/^externalsecrets_drift_detected_total\{.*name="database".*\} 1$/);
  });

  say("\n4. The store goes away");
  await rename(keyferry.at("harbour"), keyferry.at("harbour.gone"));
  await step("the condition says why", async () => {
    const { status, message } = await readyCondition("database");
    need(status === "False" && message.includes("[store_unreachable]"), `Ready is ${status}: ${message}`);
    return `Ready=False: ${message}`;
  });
  await step("mounts are still served, Secrets stay", () => everywhere("second-crossing"));
  await tamper();
  await step("an edit is undone without the store", async () => {
    need((await secretValue("database", "DB_PASSWORD")) === "second-crossing", "the planted value is still there");
    return metric(/^externalsecrets_drift_detected_total\{.*name="database".*\} 2$/);
  });

  say("\n5. The store comes back with another value");
  await rename(keyferry.at("harbour.gone"), keyferry.at("harbour"));
  await setPassword("third-crossing");
  await step("files and Secrets follow", () => everywhere("third-crossing"));
  await step("and are Ready again", async () => {
    const { status, message } = await readyCondition("database");
    need(status === "True", message);
    return `Ready=True: ${message}`;
  });

  say("\n6. The end");
  await step("every release was audited before it happened", async () => {
    const lines = (await readFile(keyferry.at("audit.jsonl"), "utf8")).trim().split("\n");
    need(
      lines.some((line) => line.includes('"delivery":"mount"')) &&
        lines.some((line) => line.includes('"delivery":"sync"')),
      "a delivery is missing from the audit",
    );
    need(!lines.some((line) => line.includes("crossing")), "a value stands in the audit");
    return `${lines.length} audit lines, no value among them`;
  });
  await step("SIGTERM ends it cleanly and removes its socket", async () => {
    need((await keyferry.kill("SIGTERM")) === 0, "the exit code is not 0");
    need(!(await stat(keyferry.socket).catch(() => undefined)), "the socket is still there");
    return "exit code 0";
  });
  say(broken === 0 ? "\nEvery promise held." : `\n${broken} promises did not hold.`);
} finally {
  await keyferry.stop();
}
process.exitCode = broken === 0 ? 0 : 1;
