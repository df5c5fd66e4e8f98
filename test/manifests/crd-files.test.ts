/** The definitions that users apply are those that the schemas make, and every YAML reader reads them alike. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { crdFiles } from "../../tools/crds.ts";
import { crdsFolder, definitionFiles } from "./api-server.ts";

const files = crdFiles();
const text = (name: string): string => readFileSync(join(crdsFolder, name), "utf8");

for (const [name, wanted] of files)
  test(`${name} is what the schemas say; if not, run npm run crds`, () => {
    assert.equal(text(name), wanted);
  });

test("no other file lies beside them", () => {
  const found = globSync(join(crdsFolder, "*.*")).map((path) => path.slice(crdsFolder.length + 1));
  assert.deepEqual(found.sort(), [...files.keys()].sort());
});

test("the kustomization names each definition", () => {
  const { resources } = parse(text("kustomization.yaml")) as { resources: string[] };
  assert.deepEqual([...resources].sort(), [...definitionFiles].sort());
});

test("readers of YAML 1.1 and 1.2 see the same", () => {
  for (const name of files.keys())
    assert.deepEqual(parse(text(name), { version: "1.1" }), parse(text(name), { version: "1.2" }));
});

test("each fits into the annotation that kubectl apply keeps of it", () => {
  for (const name of files.keys()) assert.ok(JSON.stringify(parse(text(name))).length < 200_000);
});

const flags: readonly (readonly [flag: string, status: number, says: RegExp])[] = [
  ["--check", 0, /^crds: 6 files, all as the schemas say\n$/],
  ["--chek", 2, /^keyferry: --chek: unknown; the only flag is --check\n$/],
];
for (const [flag, status, says] of flags)
  test(`tools/crds.ts ${flag} ends with ${status}`, () => {
    const ran = spawnSync(process.execPath, [join(crdsFolder, "../tools/crds.ts"), flag], { encoding: "utf8" });
    assert.equal(ran.status, status, ran.stderr);
    assert.match(ran.stdout + ran.stderr, says);
  });
