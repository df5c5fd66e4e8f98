import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { HttpRequest } from "../../../plugin/stores/http.ts";
import { webhook } from "../../../plugin/stores/webhook/kind.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { facts } from "../facts.ts";
import { secretsProof } from "./opened.ts";

interface Example {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly provider: { readonly webhook: unknown };
    readonly data?: readonly { readonly remoteRef: { readonly key: string; readonly property?: string } }[];
    readonly dataFrom?: readonly { readonly extract: { readonly key: string } }[];
  };
}

const folder = join(import.meta.dirname, "../../../crds/examples");
const authority = makeCertificate({ name: "ca", notBeforeMs: 0, notAfterMs: 4_102_444_800_000, isAuthority: true });

const requests: Readonly<Record<string, { readonly sent: string; readonly answer: string; readonly value: string }>> = {
  "webhook-json.yaml": {
    sent: "GET https://api.example.com/secrets/payments-db Bearer t ",
    answer: '{"data":{"password":"p"}}',
    value: "p",
  },
  "webhook-post.yaml": {
    sent: 'POST https://api.example.com/query - {"name": "smtp", "team": "payments"}',
    answer: '{"entries":[{"name":"other"},{"name":"smtp","value":{"host":"h"}}]}',
    value: '{"host":"h"}',
  },
};

const sentAs = ({ method, url, headers, body }: HttpRequest): string =>
  [method, url.href, (headers["authorization"] as SecretValue | undefined)?.reveal() ?? "-", body?.reveal() ?? ""].join(
    " ",
  );

suite("the webhook examples", async () => {
  const files = (await readdir(folder)).filter((file) => file.startsWith("webhook-"));
  test("are all known here", () => assert.deepEqual(files.sort(), Object.keys(requests)));
  for (const file of files)
    test(`${file}: the store is understood, and asks as it says`, async () => {
      const documents = parseAllDocuments(await readFile(join(folder, file), "utf8"));
      const [store, secret] = documents.map((document) => document.toJS() as Example);
      assert.ok(store?.kind === "SecretStore" && secret?.kind === "ExternalSecret");
      const { name, namespace } = store.metadata;
      const { sent, answer, value } = requests[file]!;
      const opened = webhook.open(
        store.spec.provider.webhook,
        { scope: "SecretStore", name, namespace },
        {
          clock: new FakeClock(),
          http: () => (request) => {
            assert.equal(sentAs(request), sent);
            return Promise.resolve({ status: 200, headers: {}, body: SecretValue.fromText(answer) });
          },
          watchPath: () => () => undefined,
          plainHttp: false,
          countCall: () => undefined,
        },
      );
      assert.ok(opened.ok, JSON.stringify(opened));
      const shown = { ...secretsProof({ token: "t" }).secrets, ca: SecretValue.fromText(authority.certificate) };
      const { signal } = new AbortController();
      const api = opened.value.store;
      const session = await api.login({ kind: "static", secrets: shown }, signal, { ...facts, namespace });
      const [entry] = [...(secret.spec.data ?? []), ...(secret.spec.dataFrom ?? [])];
      const ref = "remoteRef" in entry! ? entry.remoteRef : { ...entry!.extract, members: true as const };
      const read = await api.fetch(api.locate({ ...ref, metadataPolicy: "None" }), session, signal);
      assert.equal(read.value.reveal().toString(), value);
    });
});
