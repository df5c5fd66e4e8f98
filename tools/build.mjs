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

/**
 * Parts of packages that nothing here reaches and that would load at each start: [package, what it asks for].
 * node-vault's HTTP client (it gets a transport of ours); prom-client's default metrics, its cluster and its push client;
 * pino's own destinations and worker threads (it gets a writer of ours).
 */
const unreached = [
  ["node-vault", /^axios$/],
  ["prom-client", /^\.\/lib\/(?:cluster|defaultMetrics|pushgateway|summary)$/],
  ["pino", /^(?:sonic-boom|thread-stream|on-exit-leak-free)$/],
];

const withoutUnreached = {
  name: "without-unreached",
  setup(bundler) {
    for (const [packageName, filter] of unreached)
      bundler.onResolve({ filter }, ({ path, importer }) =>
        importer.includes(`/node_modules/${packageName}/`) ? { path, namespace: "left-out" } : undefined,
      );
    bundler.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "module.exports = class LeftOut {};" }));
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
    // Names stay, for what errors and stacks say: esbuild's keepNames would call a function for each name, at each start.
    minifyWhitespace: true,
    minifySyntax: true,
    format: "esm",
    platform: "node",
    target: "node24",
    outExtension: { ".js": ".mjs" },
    chunkNames: "[name]-[hash]",
    legalComments: "none",
    banner: { js: banner },
    plugins: [withoutUnreached],
    metafile: true,
    logLevel: "warning",
  });
  return Object.values(result.metafile.outputs).reduce((bytes, output) => bytes + output.bytes, 0);
}

/** Builds the product's bundle anew. */
export async function buildKeyferry(folder = join(root, "dist")) {
  await rm(folder, { recursive: true, force: true });
  // The worker's file lies beside the chunks: plugin/template/worker.ts looks for it there.
  return bundle({ keyferry: "plugin/keyferry.mjs", "template-worker": "plugin/template/worker-entry.ts" }, folder);
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(root, "dist"));
  const bytes = await buildKeyferry(folder);
  process.stdout.write(`built ${join(folder, "keyferry.mjs")} and its chunks, ${Math.ceil(bytes / 1024)} KiB\n`);
}
