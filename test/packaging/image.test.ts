/**
 * The image without a container engine: the files that the Dockerfile copies, its flags, environment and user.
 *
 * Both stages are assembled in temp folders from what the Dockerfile names, so that a file it forgets is missed here too.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, globSync, lchownSync, readFileSync } from "node:fs";
import { chmod, cp, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type * as BuildTool from "../../tools/build.mjs";
import type * as PrecompileTool from "../../tools/precompile.mjs";
import { type Copy, imageFlags, readStages, type Stage } from "../../tools/dockerfile.ts";
import { mountAsDriver } from "../fakes/driver-client.ts";
import { layOut, until } from "../scenario/program.ts";

const stages = readStages();
const image = stages.at(-1)!;
const program = image.entrypoint.at(-1)!;
const [uid, gid] = image.user.split(":").map(Number) as [number, number];
const isRoot = process.getuid!() === 0;
/** Stage name → its root folder; "" is the image. */
const roots = new Map<string, string>();
let data = "";

before(async () => {
  for (const stage of stages) await assemble(stage);
  data = await layOut({
    manifests: {
      "store.yaml": `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: harbour}
spec: {provider: {file: {path: $FOLDER/harbour}}}
`,
    },
    files: { "harbour/db.yaml": "password: from-the-image\n" },
  });
  if (!isRoot) return;
  for (const path of [".", ...globSync("**", { cwd: data })]) lchownSync(join(data, path), uid, gid);
});

after(async () => {
  for (const folder of [...roots.values(), data]) await rm(folder, { recursive: true, force: true });
});

test("what is copied from the repository is in the build context", () => {
  const ignore = readFileSync(".dockerignore", "utf8").split("\n");
  for (const { sources } of stages.flatMap(({ copies }) => copies).filter(({ from }) => from === undefined))
    for (const source of sources)
      assert.ok(
        ignore.includes(`!${source.replace(/\/$/, "")}`) || ignore.includes(`!${source.split("/")[0]}`),
        source,
      );
});

test("the image runs as a numeric user without rights, on files that are whole by themselves", async () => {
  assert.ok(uid > 0 && gid > 0, image.user);
  assert.deepEqual(await readdir(inImage("/")), ["keyferry"]);
  const searched = createRequire(inImage(program)).resolve.paths("anything") ?? [];
  assert.deepEqual(
    searched.filter((folder) => existsSync(folder)),
    [],
  );
});

test("without arguments it tells how it is used", async () => {
  const { ended, printed } = run(image.cmd);
  assert.equal(await ended, 0, printed().stderr);
  assert.match(printed().stdout, /standalone/);
});

test("standalone serves a mount and ends with 0 on SIGTERM", async () => {
  const out = join(data, "out");
  const keyferry = run(["standalone", "--manifests", join(data, "manifests"), "--out", out]);
  const socket = join(out, "providers", "keyferry.sock");
  try {
    await until(() => {
      assert.equal(keyferry.child.exitCode, null, keyferry.printed().stderr);
      return existsSync(socket);
    });
    const { files } = await mountAsDriver(socket, {
      parameters: {
        secretStoreRef: "{name: harbour, kind: ClusterSecretStore}",
        data: "- {secretKey: password, remoteRef: {key: db, property: password}}",
      },
    });
    assert.deepEqual(
      [...files].map(([path, { contents }]) => [path, contents.toString()]),
      [["password", "from-the-image"]],
    );
  } finally {
    keyferry.child.kill("SIGTERM");
  }
  assert.equal(await keyferry.ended, 0, keyferry.printed().stderr);
  assert.equal(existsSync(socket), false);
});

test("what was compiled ahead is taken, and nothing is written beside it", async () => {
  const before = globSync("**", { cwd: imageEnv()["NODE_COMPILE_CACHE"]! });
  const { ended, printed } = run(["standalone", "--help"], { NODE_DEBUG_NATIVE: "COMPILE_CACHE" });
  await ended;
  assert.match(printed().stderr, /V8 code cache for ESM \S+\/keyferry\/main-\S+ was accepted/);
  assert.doesNotMatch(printed().stderr, /was rejected/);
  if (isRoot) assert.deepEqual(globSync("**", { cwd: imageEnv()["NODE_COMPILE_CACHE"]! }), before);
});

test("templates are rendered, also what only the worker does", async () => {
  const manifest = `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: made}
spec:
  secretStoreRef: {name: any}
  target:
    template:
      data: {light: "{{ .user | upper }}", heavy: '{{ derivePassword 1 "long" "secret" .user "example.com" }}'}
  data: [{secretKey: user, remoteRef: {key: user}}]
`;
  await writeFile(join(data, "made.yaml"), manifest, { mode: 0o644 });
  await writeFile(join(data, "values.yaml"), "user: ferry\n", { mode: 0o644 });
  const { ended, printed } = run([
    "render",
    join(data, "made.yaml"),
    "--values",
    join(data, "values.yaml"),
    "--show-values",
    "-o",
    "json",
  ]);
  assert.equal(await ended, 0, printed().stderr);
  const made = (JSON.parse(printed().stdout) as { data: Record<string, string> }).data;
  const text = (key: string): string => Buffer.from(made[key]!, "base64").toString();
  assert.equal(text("light"), "FERRY");
  // Fourteen characters of the scheme's template "long".
  assert.match(text("heavy"), /^.{14}$/);
});

/** Makes a stage's file set; a stage that builds gets the installed packages in place of `npm ci`. */
async function assemble(stage: Stage): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "keyferry-image-"));
  roots.set(stage.name, root);
  await chmod(root, 0o755);
  for (const copy of stage.copies) await copyInto(root, stage.workdir, copy);
  if (stage.runs.length === 0) return;
  const flags = imageFlags(image);
  assert.deepEqual(stage.runs.slice(1), [
    "node tools/build.mjs",
    `node ${flags.join(" ")} tools/precompile.mjs ${uid}`,
  ]);
  const folder = join(root, stage.workdir);
  await symlink(join(import.meta.dirname, "../../node_modules"), join(folder, "node_modules"));
  const { buildKeyferry } = (await toolOf(folder, "build")) as typeof BuildTool;
  await buildKeyferry();
  const { precompile } = (await toolOf(folder, "precompile")) as typeof PrecompileTool;
  await precompile(join(folder, "dist"), flags, isRoot ? uid : undefined);
}

const toolOf = (folder: string, name: string): Promise<unknown> =>
  import(pathToFileURL(join(folder, "tools", `${name}.mjs`)).href);

/** As Docker does it: a folder gives what it holds, a file goes into a target that ends in a slash. */
async function copyInto(root: string, workdir: string, { sources, target, from }: Copy): Promise<void> {
  const folder = join(root, resolve(workdir, target));
  for (const source of sources) {
    const path = from === undefined ? source : join(roots.get(from)!, source);
    const isFolder = source.endsWith("/");
    await cp(path, isFolder ? folder : join(folder, basename(source)), { recursive: true });
  }
}

const inImage = (path: string): string => join(roots.get("")!, path);

/** The image's own, with its paths where the image lies here. */
function imageEnv(): Record<string, string> {
  const entries = Object.entries(image.env);
  return Object.fromEntries(entries.map(([name, value]) => [name, value.startsWith("/") ? inImage(value) : value]));
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [...imageFlags(image), inImage(program), ...args], {
    cwd: inImage(image.workdir),
    env: { ...imageEnv(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(isRoot ? { uid, gid } : {}),
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  process.once("exit", () => child.kill("SIGKILL"));
  return { child, ended, printed: () => ({ stdout, stderr }) };
}
