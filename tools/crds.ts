/**
 * `npm run crds`: writes the custom resource definitions below crds/. Their spec is made from the schemas of
 * plugin/manifests/; names, columns and status stand in tools/crds/.
 *
 * With `--check` it writes nothing and fails when a file is not what the schemas say.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { definitions, type Definition } from "./crds/definitions.ts";

const folder = join(import.meta.dirname, "..", "crds");

/** Name of each file below crds/ and its whole text. */
export function crdFiles(): ReadonlyMap<string, string> {
  const files = new Map(definitions.map((definition) => [fileName(definition), yaml(definition)]));
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources: [...files.keys()],
  };
  return files.set("kustomization.yaml", yaml(kustomization));
}

function fileName({ spec }: Definition): string {
  return `${spec.group}_${spec.names.plural}.yaml`;
}

function yaml(document: object): string {
  const text = stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
  return `# Made by \`npm run crds\`: edit plugin/manifests/ (or tools/crds/) instead.\n${text}`;
}

/** Names of the files that differ. */
async function differing(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [name, text] of crdFiles())
    if ((await readFile(join(folder, name), "utf8").catch(() => "")) !== text) found.push(name);
  return found;
}

async function main(args: readonly string[]): Promise<number> {
  const check = args.includes("--check");
  const odd = args.find((arg) => arg !== "--check");
  if (odd !== undefined) return say(`${odd}: unknown; the only flag is --check`, 2);
  const stale = await differing();
  if (check && stale.length > 0) return say(`not what the schemas say: ${stale.join(", ")}; run npm run crds`, 1);
  const files = crdFiles();
  for (const name of stale) await writeFile(join(folder, name), files.get(name)!);
  process.stdout.write(`crds: ${files.size} files, ${check ? "all as the schemas say" : `${stale.length} written`}\n`);
  return 0;
}

function say(problem: string, exitCode: number): number {
  process.stderr.write(`keyferry: ${problem}\n`);
  return exitCode;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
