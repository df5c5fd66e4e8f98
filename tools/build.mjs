/**
 * Bundles keyferry into dist/ (or the folder given as argument): keyferry.mjs, and chunks that load when they are needed.
 *
 * The bundle stands alone: no node_modules, no .proto file. It is what the image and the benchmarks run.
 */
import { build } from "esbuild";
import { rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** CommonJS packages call require() and read __dirname, which ES modules do not have. */
const banner = [
  'import { createRequire as keyferryCreateRequire } from "node:module";',
  "const require = keyferryCreateRequire(import.meta.url);",
  "const __dirname = import.meta.dirname;",
].join("");

/** node-vault always gets a transport of ours: the HTTP client that it would bring along is left out. */
const withoutAxios = {
  name: "without-axios",
  setup(bundler) {
    bundler.onResolve({ filter: /^axios$/ }, () => ({ path: "axios", namespace: "left-out" }));
    bundler.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "module.exports = {};" }));
  },
};

/**
 * Writes the modules named in `entries` (output name → source file) and what they import below `folder`.
 * Resolves with the number of bytes written.
 */
export async function bundle(entries, folder) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: folder,
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
    format: "esm",
    platform: "node",
    target: "node24",
    outExtension: { ".js": ".mjs" },
    chunkNames: "[name]-[hash]",
    legalComments: "none",
    banner: { js: banner },
    plugins: [withoutAxios],
    metafile: true,
    logLevel: "warning",
  });
  return Object.values(result.metafile.outputs).reduce((bytes, output) => bytes + output.bytes, 0);
}

/** Builds the product's bundle anew. */
export async function buildKeyferry(folder = join(root, "dist")) {
  await rm(folder, { recursive: true, force: true });
  return bundle({ keyferry: "plugin/keyferry.mjs" }, folder);
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(root, "dist"));
  const bytes = await buildKeyferry(folder);
  process.stdout.write(`built ${join(folder, "keyferry.mjs")} and its chunks, ${Math.ceil(bytes / 1024)} KiB\n`);
}
