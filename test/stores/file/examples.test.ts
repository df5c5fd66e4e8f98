import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { suite, test } from "node:test";
import { parseExternalSecret } from "../../../plugin/manifests/external-secret.ts";
import { parseStore } from "../../../plugin/manifests/store.ts";
import { parseYamlDocuments } from "../../../plugin/manifests/yaml-text.ts";
import { folderOf, openFile, outcome, ref } from "./folder.ts";

const base = folderOf({
  "values/payments/db.yaml": "password: one\n",
  "values/payments/ca.pem": "two",
  "values/payments/smtp.json": '{"host": "three"}',
  "values/all.yaml": "payments-token: four\n",
});
const files = globSync(join(import.meta.dirname, "../../../crds/examples/file-*.yaml"));

suite("the file examples", () => {
  test("are there", () => assert.equal(files.length, 2));
  for (const file of files)
    test(`${basename(file)}: the objects are understood and every key can be read`, async () => {
      const [store, secret] = parseYamlDocuments(readFileSync(file, "utf8")).map((one) => one.ok && one.value);
      const parsedStore = parseStore(store);
      const parsedSecret = parseExternalSecret(secret);
      assert.ok(parsedStore.ok && parsedSecret.ok, JSON.stringify([parsedStore, parsedSecret]));
      const opened = openFile(parsedStore.value.provider.raw, { base, scope: parsedStore.value.kind });
      assert.ok(opened.ok);
      const { data, dataFrom } = parsedSecret.value.spec;
      for (const { key } of [
        ...data.map((one) => one.remoteRef),
        ...dataFrom.flatMap((one) => ("extract" in one ? one.extract : [])),
      ])
        assert.match(await outcome(opened.value, ref(key)), /one|two|three|four/);
    });
});
