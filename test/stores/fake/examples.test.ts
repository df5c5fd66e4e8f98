import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { suite, test } from "node:test";
import { parseExternalSecret } from "../../../plugin/manifests/external-secret.ts";
import { parseStore } from "../../../plugin/manifests/store.ts";
import { parseYamlDocuments } from "../../../plugin/manifests/yaml-text.ts";
import type { StoreDeps } from "../../../plugin/stores/contract.ts";
import { fake } from "../../../plugin/stores/fake/kind.ts";

const files = globSync(join(import.meta.dirname, "../../../crds/examples/fake-*.yaml"));
const never = new AbortController().signal;

suite("the fake examples", () => {
  test("are there", () => assert.equal(files.length, 1));
  for (const file of files)
    test(`${basename(file)}: the objects are understood and every key can be read`, async () => {
      const [store, secret] = parseYamlDocuments(readFileSync(file, "utf8")).map((one) => one.ok && one.value);
      const parsedStore = parseStore(store);
      const parsedSecret = parseExternalSecret(secret);
      assert.ok(parsedStore.ok && parsedSecret.ok, JSON.stringify([parsedStore, parsedSecret]));
      const context = { scope: "SecretStore", name: "trial", namespace: "payments" } as const;
      const opened = fake.open(parsedStore.value.provider.raw, context, {} as StoreDeps);
      assert.ok(opened.ok);
      const { data, dataFrom } = parsedSecret.value.spec;
      for (const ref of [
        ...data.map((one) => one.remoteRef),
        ...dataFrom.flatMap((one) => ("extract" in one ? one.extract : [])),
      ])
        assert.ok((await opened.value.store.fetch(opened.value.store.locate(ref), {}, never)).value.byteLength > 0);
    });
});
