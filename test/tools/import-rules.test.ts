/** The import rules see what they forbid: one small house with an import of each sort, cruised once. */
import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { cruise } from "./cruise.ts";

interface Import {
  readonly name: string;
  /** The folder of plugin/ that imports. */
  readonly from: string;
  /** The file that is imported, below plugin/. */
  readonly to: string;
  readonly typeOnly?: boolean;
  /** The rule that forbids it; absent = the import is fine. */
  readonly rule?: string;
}

const imports: readonly Import[] = [
  { name: "core uses nothing of ours", from: "core", to: "files/b.ts", rule: "room-core" },
  { name: "sync does not know mount", from: "sync", to: "mount/b.ts", rule: "room-sync" },
  { name: "mount knows not even sync's types", from: "mount", to: "sync/b.ts", typeOnly: true, rule: "room-mount" },
  { name: "read knows no delivery", from: "read", to: "sync/b.ts", rule: "room-read" },
  { name: "read names no store kind", from: "read", to: "stores/vault/b.ts", rule: "kinds-by-registry" },
  { name: "read may use the contract", from: "read", to: "stores/contract.ts" },
  { name: "a kind knows no other", from: "stores/vault", to: "stores/file/b.ts", rule: "kinds-are-strangers" },
  { name: "a kind may use its own folder", from: "stores/vault", to: "stores/vault/b.ts" },
  { name: "a kind may use the contract", from: "stores/vault", to: "stores/contract.ts" },
  { name: "read does not open the registry", from: "read", to: "stores/registry.ts", rule: "registry-by-wire" },
  { name: "wire opens the registry", from: "wire", to: "stores/registry.ts" },
  { name: "directory may know sync's types", from: "directory", to: "sync/b.ts", typeOnly: true },
  { name: "directory does not run sync", from: "directory", to: "sync/b.ts", rule: "types-only-directory" },
  { name: "sync does not know directory", from: "sync", to: "directory/b.ts", rule: "room-sync" },
  { name: "configuration comes as arguments", from: "read", to: "config.ts", rule: "config-by-wire" },
  { name: "wire may use the configuration", from: "wire", to: "config.ts" },
  { name: "nobody imports main", from: "wire", to: "main.ts", rule: "room-wire" },
  { name: "only wire opens the network", from: "sync", to: "../node_modules/undici/i.ts", rule: "undici-by-wire" },
  { name: "the product uses no test", from: "wire", to: "../test/b.ts", rule: "product-is-alone" },
  { name: "gRPC stays at the edge", from: "mount", to: "../proto/b.ts", rule: "proto-by-provider" },
  { name: "an import leads somewhere", from: "core", to: "core/absent.ts", rule: "resolvable" },
];

let root: string;
let violations: readonly string[];
let modules: number;
const fileOf = (index: number): string => `plugin/${imports[index]!.from}/row-${index}.ts`;

before(async () => {
  root = await mkdtemp(join(tmpdir(), "keyferry-rules-"));
  for (const { to } of imports) if (!to.endsWith("absent.ts")) await put(`plugin/${to}`, "export const b = 1;");
  for (const [index, { to, typeOnly }] of imports.entries()) {
    const target = relative(dirname(fileOf(index)), join("plugin", to));
    const specifier = target.startsWith(".") ? target : `./${target}`;
    await put(fileOf(index), typeOnly ? `export type { b } from "${specifier}";` : `import "${specifier}";`);
  }
  await put("plugin/core/hen.ts", 'import "./egg.ts";');
  await put("plugin/core/egg.ts", 'import "./hen.ts";');
  await copyFile("tsconfig.json", join(root, "tsconfig.json"));
  ({ violations, modules } = await cruise(root, ["plugin", "proto", "test"]));
});
after(() => rm(root, { recursive: true, force: true }));

async function put(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), text);
}

test("every module of the house was read", () => assert.ok(modules > imports.length));

for (const [index, { name, rule }] of imports.entries()) {
  test(rule ? `forbidden: ${name}` : `allowed: ${name}`, () => {
    const found = violations.filter((text) => text.includes(` ${fileOf(index)} → `)).map((text) => text.split(":")[0]);
    if (rule) assert.ok(found.includes(rule), `found ${found.join(", ") || "nothing"}`);
    else assert.deepEqual(found, []);
  });
}

test("forbidden: two modules that import each other", () => {
  assert.ok(violations.some((text) => /^no-cycle: plugin\/core\/(hen|egg)/.test(text)));
});
