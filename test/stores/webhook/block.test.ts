import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { StoreContext } from "../../../plugin/stores/contract.ts";
import { parseWebhookBlock } from "../../../plugin/stores/webhook/block.ts";
import { createWebhookStore } from "../../../plugin/stores/webhook/store.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { inShop } from "./opened.ts";

const cluster: StoreContext = { scope: "ClusterSecretStore", name: "api", namespace: "" };
const url = "https://api.example.com/secrets/{{ .remoteRef.key }}";
const authority = makeCertificate({ name: "ca", notBeforeMs: 0, notAfterMs: 4_102_444_800_000, isAuthority: true });

function configOf(block: object, context = inShop) {
  const parsed = parseWebhookBlock({ url, ...block }, context, false);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

const needOf = (block: object, context = inShop) =>
  createWebhookStore(configOf(block, context), {
    clock: new FakeClock(),
    http: () => () => assert.fail("nothing is sent"),
    countCall: () => undefined,
  }).proofNeed;

suite("a webhook block", () => {
  test("has ESO's defaults", () => {
    assert.deepEqual(configOf({}), {
      url,
      origin: "https://api.example.com",
      method: "GET",
      headers: {},
      body: "",
      jsonPath: "",
      ca: {},
      secrets: [],
    });
  });
  test("a store of every field is understood", () => {
    const config = configOf({
      method: "post",
      headers: { "X-Key": "{{ .a.b }}" },
      body: "{{ .remoteRef.key | quote }}",
      timeout: "1.5s",
      result: { jsonPath: " $.a\n" },
      caBundle: Buffer.from(authority.certificate).toString("base64"),
      secrets: [{ name: "a", secretRef: { name: "s", key: "ignored" } }],
      auth: { ntlm: null },
    });
    assert.deepEqual([config.method, config.timeoutMs, config.jsonPath], ["POST", 1_500, "$.a"]);
    assert.deepEqual(config.headers, { "x-key": "{{ .a.b }}" });
    assert.match(config.ca.pem ?? "", /^-----BEGIN CERTIFICATE-----/);
  });
  test("without Secrets nothing is needed", () => assert.deepEqual(needOf({}), { kind: "none" }));
  test("Secrets are wanted whole, with the label that says what they are for", () => {
    const field = "spec.provider.webhook.secrets[0].secretRef";
    const label = { key: "external-secrets.io/type", value: "webhook" };
    const secrets = [{ name: "auth", secretRef: { name: "api-token", key: "x" } }];
    assert.deepEqual(needOf({ secrets }), {
      kind: "static",
      method: "webhook",
      secrets: { "secrets[0]": { field, name: "api-token", label } },
    });
  });
  test("a CA alone says nothing of who reads, so a pod needs no more", () => {
    const caProvider = { type: "ConfigMap", name: "ca", key: "ca.crt" };
    assert.deepEqual(needOf({ caProvider }), {
      kind: "static",
      method: "webhook",
      anonymous: true,
      secrets: { ca: { field: "spec.provider.webhook.caProvider", name: "ca", key: "ca.crt", kind: "ConfigMap" } },
    });
  });
  test("a ClusterSecretStore may name namespaces", () => {
    const secrets = [{ name: "auth", secretRef: { name: "t", namespace: "vaults" } }];
    const need = needOf({ secrets, caProvider: { type: "Secret", name: "c", key: "k", namespace: "cas" } }, cluster);
    assert.ok(need.kind === "static");
    assert.equal(need.secrets["secrets[0]"]?.namespace, "vaults");
    assert.equal(need.secrets["ca"]?.namespace, "cas");
    assert.equal(need.anonymous, undefined);
  });
});

const refused: readonly [name: string, block: object, path: string, problem: RegExp][] = [
  ["an unknown field", { urll: "x" }, "urll", /did you mean url/],
  ["an unknown field below", { result: { jsonpath: "$" } }, "result.jsonpath", /did you mean jsonPath/],
  ["NTLM", { auth: { ntlm: { usernameSecret: { name: "u" } } } }, "auth.ntlm", /not supported/],
  ["a template that does not parse", { url: `${url}{{ if }}` }, "url", /^template: url:1: missing value for if/],
  ["the same in a header", { headers: { "X-A": "{{ .a" } }, "headers.X-A", /unclosed action/],
  ["the same in the body", { body: "{{ end }}" }, "body", /unexpected \{\{end\}\}/],
  ["the same in the path", { result: { jsonPath: "$.{{ " } }, "result.jsonPath", /template: result.jsonPath:1/],
  ["a header of the sender", { headers: { Host: "x" } }, "headers.Host", /set by the client/],
  ["a header's name with a line break", { headers: { "a\r\nb": "x" } }, "headers.a\r\nb", /not a name/],
  ["a header twice", { headers: { "X-A": "1", "x-a": "2" } }, "headers.x-a", /twice/],
  ["a method that reads nothing", { method: "CONNECT" }, "method", /not a method/],
  ["a method with a line break", { method: "GET\r\n" }, "method", /not a method/],
  ["a timeout that is none", { timeout: "soon" }, "timeout", /duration/],
  ["a timeout of zero", { timeout: "0s" }, "timeout", /above zero/],
  [
    "a Secret called remoteRef",
    { secrets: [{ name: "remoteRef", secretRef: { name: "s" } }] },
    "secrets[0].name",
    /another name/,
  ],
  [
    "a Secret of another namespace",
    { secrets: [{ name: "a", secretRef: { name: "s", namespace: "other" } }] },
    "secrets[0].secretRef.namespace",
    /only its own namespace/,
  ],
  [
    "a CA of another namespace",
    { caProvider: { type: "Secret", name: "a", key: "k", namespace: "b" } },
    "caProvider.namespace",
    /only its own/,
  ],
  ["two CAs", { caBundle: "QUJD", caProvider: { type: "Secret", name: "a", key: "k" } }, "caProvider", /keep one/],
  ["a CA that is none", { caBundle: "QUJD" }, "caBundle", /holds no certificate/],
  [
    "a CA of an unknown type",
    { caProvider: { type: "File", name: "a", key: "k" } },
    "caProvider.type",
    /Secret or ConfigMap/,
  ],
];

suite("a webhook block is refused for", () => {
  for (const [name, block, path, problem] of refused)
    test(name, () => {
      const parsed = parseWebhookBlock({ url, ...block }, inShop, false);
      assert.ok(!parsed.ok);
      assert.deepEqual(
        parsed.problems.map((found) => found.path),
        [path],
      );
      assert.match(parsed.problems[0].problem, problem);
    });
  test("no url", () => assert.ok(!parseWebhookBlock({}, inShop, false).ok));
  test("everything at once", () => {
    const parsed = parseWebhookBlock({ url: "{{", timeout: "x", method: "?" }, inShop, false);
    assert.ok(!parsed.ok);
    assert.deepEqual(parsed.problems.map(({ path }) => path).sort(), ["method", "timeout", "url", "url"]);
  });
});
