/**
 * Lets Node compile the bundle ahead: starts it once, at work, and keeps what V8 made of it in compile-cache/ beside it.
 *
 * To be started with the flags that keyferry itself will have (V8 takes only what was compiled under the same ones), and
 * the id of its user as argument, when that is another one.
 * What the cache lacks is compiled as ever, so nothing depends on it but the time of a start.
 */
import { Client, credentials } from "@grpc/grpc-js";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { providerService } from "../proto/provider.ts";

const patienceMs = 30_000;

const manifests = `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: made-up}
spec: {provider: {fake: {data: [{key: one, value: '{"a":"1"}'}]}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: made-up}
spec:
  secretStoreRef: {name: made-up}
  dataFrom: [{extract: {key: one}}]
`;

/** The environment under which Node finds the cache of a bundle in `folder`, wherever that lies by then. */
export function cacheEnvironment(folder) {
  return { NODE_COMPILE_CACHE: join(folder, "compile-cache"), NODE_COMPILE_CACHE_PORTABLE: "1" };
}

/**
 * `flags`: Node's, as keyferry will be started with; `uid`: as whom, absent = as now. Rejects when keyferry does not come
 * to work or does not end well.
 */
export async function precompile(folder, flags, uid = process.getuid()) {
  const work = await mkdtemp(join(tmpdir(), "keyferry-precompile-"));
  try {
    await mkdir(join(work, "manifests"));
    await writeFile(join(work, "manifests", "all.yaml"), manifests);
    const args = ["standalone", "--manifests", join(work, "manifests"), "--out", join(work, "out")];
    const child = spawn(process.execPath, [...flags, join(folder, "keyferry.mjs"), ...args], {
      env: cacheEnvironment(folder),
      stdio: ["ignore", "ignore", "pipe"],
    });
    let log = "";
    child.stderr.on("data", (chunk) => (log += chunk));
    const ended = once(child, "close");
    const done = [
      join(work, "out", "secrets", "default", "made-up", "a"),
      join(work, "out", "providers", "keyferry.sock"),
    ];
    const isDone = () => done.every((path) => existsSync(path));
    for (let waitedMs = 0; !isDone() && child.exitCode === null && waitedMs < patienceMs; waitedMs += 10)
      await pause(10);
    if (isDone()) await mount(done[1]);
    child.kill("SIGTERM");
    const [code] = await ended;
    if (code !== 0) throw new Error(`keyferry did not work:\n${log}`);
    await handOver(cacheEnvironment(folder).NODE_COMPILE_CACHE, uid);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Node looks in a folder of its version, its flags and its user; and writes for itself alone. */
async function handOver(cache, uid) {
  for (const { parentPath, name } of await readdir(cache, { withFileTypes: true, recursive: true }))
    await chmod(join(parentPath, name), parentPath === cache ? 0o755 : 0o644);
  const mine = `-${process.getuid()}`;
  for (const name of await readdir(cache))
    if (name.endsWith(mine)) await rename(join(cache, name), join(cache, `${name.slice(0, -mine.length)}-${uid}`));
}

async function mount(socket) {
  const { path, requestSerialize, responseDeserialize } = providerService.Mount;
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), { "grpc.default_authority": "localhost" });
  const attributes = {
    secretStoreRef: "{name: made-up}",
    data: "- {secretKey: a, remoteRef: {key: one, property: a}}",
    "csi.storage.k8s.io/pod.name": "made-up",
    "csi.storage.k8s.io/pod.namespace": "default",
    "csi.storage.k8s.io/pod.uid": "00000000-0000-4000-8000-000000000000",
    "csi.storage.k8s.io/serviceAccount.name": "default",
  };
  const asked = {
    attributes: JSON.stringify(attributes),
    secrets: "{}",
    permission: "420",
    target_path: "/made-up",
    current_object_version: [],
  };
  await new Promise((resolve, reject) =>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, asked, (problem, answer) =>
      problem ? reject(problem) : resolve(answer),
    ),
  );
  client.close();
}

if (import.meta.main) {
  const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist");
  const uid = process.argv[2];
  await precompile(folder, process.execArgv, uid === undefined ? undefined : Number(uid));
  process.stdout.write(`compiled ahead: ${join(folder, "compile-cache")}\n`);
}
