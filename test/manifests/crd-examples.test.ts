/** Every manifest that users are shown passes the API server whole, in both versions, and means the same afterwards. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { isMap } from "../../plugin/manifests/fields.ts";
import type { Parsed } from "../../plugin/manifests/objects.ts";
import { parseExternalSecret } from "../../plugin/manifests/external-secret.ts";
import { parseGenerator } from "../../plugin/manifests/generator.ts";
import { parseStorePolicy } from "../../plugin/manifests/store-policy.ts";
import { parseStore } from "../../plugin/manifests/store.ts";
import { parseYamlDocuments } from "../../plugin/manifests/yaml-text.ts";
import { admit, crdsFolder, schemaOf } from "./api-server.ts";
import { fullExternalSecret, fullGenerator, fullPolicy, fullStore } from "./full-manifests.ts";
import { problemsOf } from "./outcome.ts";

interface Manifest {
  readonly from: string;
  readonly document: Readonly<Record<string, unknown>>;
}

const parsers: Readonly<Record<string, (document: unknown) => Parsed<unknown>>> = {
  ExternalSecret: parseExternalSecret,
  SecretStore: parseStore,
  ClusterSecretStore: parseStore,
  StorePolicy: parseStorePolicy,
  VaultDynamicSecret: parseGenerator,
};

const examples = globSync(join(crdsFolder, "examples/*.yaml")).flatMap((path) =>
  manifestsIn(basename(path), readFileSync(path, "utf8")),
);
const root = join(crdsFolder, "..");
const documented = ["README.md", ...globSync("docs/**/*.md", { cwd: root })].flatMap((path) =>
  [...readFileSync(join(root, path), "utf8").matchAll(/^```yaml\n(.*?)^```/gms)].flatMap(([, block]) =>
    manifestsIn(path, block!),
  ),
);
const full = [fullExternalSecret, fullStore, fullPolicy, fullGenerator].map((document) => ({
  from: "every field",
  document,
}));

function manifestsIn(from: string, text: string): Manifest[] {
  return parseYamlDocuments(text).flatMap((read) => {
    assert.ok(read.ok, `${from}: ${read.ok ? "" : read.problem}`);
    const document = isMap(read.value) ? whole(read.value) : {};
    return String(document.kind) in parsers ? [{ from, document }] : [];
  });
}

/** Pages show a store's block alone, under its spec. */
function whole(document: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isStore = document.kind === undefined && isMap(document.spec) && document.spec.provider !== undefined;
  const head = { apiVersion: "external-secrets.io/v1", kind: "SecretStore", metadata: { name: "shown" } };
  return isStore ? { ...head, ...document } : document;
}

function versionsOf({ document }: Manifest): readonly string[] {
  const apiVersion = String(document.apiVersion);
  return apiVersion.endsWith("/v1alpha1") ? [apiVersion] : ["external-secrets.io/v1", "external-secrets.io/v1beta1"];
}

/** As the API server and the reader of a folder do. */
function inNamespace(document: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { ...document, metadata: { namespace: "default", ...(document.metadata as object) } };
}

for (const manifest of [...examples, ...documented, ...full]) {
  const { from, document } = manifest;
  const parse = parsers[document.kind as string]!;
  const label = `${from}: ${document.kind as string} ${(document.metadata as { name: string }).name}`;

  for (const apiVersion of versionsOf(manifest))
    test(`${label} is stored whole as ${apiVersion}, and read as any version`, () => {
      const { object, dropped, problems } = admit(schemaOf(apiVersion, document.kind as string)!, {
        ...document,
        apiVersion,
      });
      assert.deepEqual([dropped, problems], [[], []]);
      for (const other of versionsOf(manifest)) {
        const asOther = { ...(object as object), apiVersion: other };
        const again = admit(schemaOf(other, document.kind as string)!, asOther);
        assert.deepEqual([again.object, again.dropped, again.problems], [asOther, [], []]);
      }
    });

  test(`${label} means the same before and after the API server filled in its defaults`, () => {
    const { object } = admit(schemaOf(document.apiVersion as string, document.kind as string)!, document);
    const before = parse(inNamespace(document));
    assert.deepEqual(problemsOf(before), []);
    assert.deepEqual(parse(inNamespace(object as Readonly<Record<string, unknown>>)), before);
  });
}

test("the examples and pages were found", () => {
  const seeds = new Set(examples.map(({ from }) => from).filter((name) => name.startsWith("seed-")));
  assert.ok(seeds.size === 7, `${seeds.size} of the seed`);
  assert.ok(examples.length >= 20, `${examples.length} examples`);
  assert.ok(documented.length >= 4, `${documented.length} on pages`);
});
