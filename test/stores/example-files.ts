/** The examples of a store kind, as its tests read them: each file is a SecretStore and the ExternalSecret that uses it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

/** `Spec`: what the tests of a kind look at in its ExternalSecrets. */
export interface Example<Spec> {
  readonly file: string;
  /** The provider block. */
  readonly block: unknown;
  readonly context: { readonly scope: "SecretStore"; readonly name: string; readonly namespace: string };
  readonly spec: Spec;
}

interface Document {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly provider?: Readonly<Record<string, unknown>> };
}

const folder = join(import.meta.dirname, "../../crds/examples");

/** In the order of their names. `kind`: how the files begin, and the key under spec.provider. Throws for what is no such file. */
export function examplesOf<Spec>(kind: string): readonly Example<Spec>[] {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${kind}-`));
  return files.sort().map((file) => {
    const documents = parseAllDocuments(readFileSync(join(folder, file), "utf8"));
    const [store, secret] = documents.map((document) => document.toJS() as Document);
    assert.ok(store?.kind === "SecretStore" && secret?.kind === "ExternalSecret", file);
    const { name, namespace } = store.metadata;
    return {
      file,
      block: store.spec.provider?.[kind],
      context: { scope: "SecretStore", name, namespace },
      spec: secret.spec as Spec,
    };
  });
}
