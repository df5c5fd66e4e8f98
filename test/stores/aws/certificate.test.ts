/** Certificates out of Certificate Manager: what is asked, what is delivered, and when an export is paid for again. */
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { suite, test } from "node:test";
import type { TestContext } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { aws } from "../../../plugin/stores/aws/kind.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import type { Certificate } from "../../fakes/certificate.ts";
import { facts } from "../facts.ts";
import { openAsked, signal } from "./asked.ts";
import type { Answering, AskedStore, Body } from "./asked.ts";
import { json } from "./fake-aws.ts";
import { byKeys, clock, inShop, keysProof, ref, textOf } from "./opened.ts";

const arn = "arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-4234-8234-123456789012";
const life = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2027, 0, 1) };
const authority = makeCertificate({ name: "authority", isAuthority: true, ...life });
const shop = makeCertificate({ name: "shop", issuer: authority, ...life });
const renewed = makeCertificate({ name: "shop", issuer: authority, ...life });

const passphraseIn = (body: Body): string => Buffer.from(String(body["Passphrase"]), "base64").toString("utf8");
const locked = ({ privateKey }: Certificate, passphrase: string): string =>
  privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase }).toString();

/** As AWS does for `held`, which a test may replace. */
function serving(held: { current: Certificate }): Answering {
  return (call, body) => {
    const shown = { Certificate: held.current.certificate, CertificateChain: authority.certificate };
    return call === "GetCertificate"
      ? json(200, shown)
      : json(200, { ...shown, PrivateKey: locked(held.current, passphraseIn(body)) });
  };
}

async function opened(t: TestContext, answering: Answering): Promise<AskedStore> {
  const open = await openAsked({ service: "CertificateManager", prefix: "ignored/" }, answering);
  t.after(open.close);
  return open;
}

const read = ({ store, session }: AskedStore) => store.fetch(store.locate(ref(arn)), session, signal);
const askAgain = ({ store, session }: AskedStore, validator: string) =>
  store.refetch!(store.locate(ref(arn)), validator, session, signal);

suite("a certificate", { timeout: 30_000 }, () => {
  test("comes with its chain and its key, open", async (t) => {
    const open = await opened(t, serving({ current: shop }));
    const answer = await read(open);
    assert.equal(textOf(answer), shop.certificate + authority.certificate + shop.key);
    const key = createPrivateKey(textOf(answer).slice(textOf(answer).indexOf("-----BEGIN PRIVATE KEY")));
    assert.ok(new X509Certificate(shop.certificate).checkPrivateKey(key));
    assert.deepEqual([answer.version, answer.requestId], ["", "0c1d2e3f-1111"]);
    const [[call, body]] = open.asked as [AskedStore["asked"][number]];
    assert.deepEqual([call, body["CertificateArn"], open.asked.length], ["ExportCertificate", arn, 1]);
    assert.match(passphraseIn(body), /^[a-z0-9]{64}$/);
    assert.deepEqual(open.counted, ["AWS/CertificateManager ExportCertificate success"]);
  });
  test("is exported with another passphrase each time", async (t) => {
    const open = await opened(t, serving({ current: shop }));
    await read(open);
    await read(open);
    assert.equal(new Set(open.asked.map(([, body]) => passphraseIn(body))).size, 2);
  });
  test("may come without a chain", async (t) => {
    const open = await opened(t, (_, body) =>
      json(200, { Certificate: shop.certificate, PrivateKey: locked(shop, passphraseIn(body)) }),
    );
    assert.equal(textOf(await read(open)), shop.certificate + shop.key);
  });
  test("is exported again when it is another one, and only then", async (t) => {
    const held = { current: shop };
    const open = await opened(t, serving(held));
    const { validator } = await read(open);
    assert.equal(await askAgain(open, validator!), "unchanged");
    held.current = renewed;
    const answer = await askAgain(open, validator!);
    assert.ok(answer !== "unchanged");
    assert.equal(textOf(answer), renewed.certificate + authority.certificate + renewed.key);
    assert.deepEqual(
      open.asked.map(([call]) => call),
      ["ExportCertificate", "GetCertificate", "GetCertificate", "ExportCertificate"],
    );
    assert.equal(open.counted[1], "AWS/CertificateManager GetCertificate success");
  });

  const refusal = (type: string) => json(400, { __type: type, message: "canary" });
  const rows: readonly (readonly [name: string, answering: Answering, code: string, says: RegExp])[] = [
    ["that is not there", () => refusal("ResourceNotFoundException"), "ref_not_found", /in Certificate Manager/],
    ["that is not exportable", () => refusal("ValidationException"), "ref_invalid", /requested with export enabled/],
    ["with an odd ARN", () => refusal("InvalidArnException"), "ref_invalid", /check its ARN/],
    ["that is not issued yet", () => refusal("RequestInProgressException"), "store_error", /failed the read/],
    ["that is denied", () => refusal("AccessDeniedException"), "store_denied", /lack acm:ExportCertificate on it$/],
    ["of a throttled account", () => refusal("ThrottlingException"), "store_throttled", /throttling/],
    ["without a key", () => json(200, { Certificate: shop.certificate }), "answer_invalid", /no whole certificate/],
    [
      "with another's key",
      (_, body) => json(200, { Certificate: shop.certificate, PrivateKey: locked(renewed, passphraseIn(body)) }),
      "answer_invalid",
      /a key of another certificate/,
    ],
    [
      "whose key has another passphrase",
      () => json(200, { Certificate: shop.certificate, PrivateKey: locked(shop, "another") }),
      "answer_invalid",
      /passphrase does not open/,
    ],
    [
      "that is none",
      (_, body) => json(200, { Certificate: "canary", PrivateKey: locked(shop, passphraseIn(body)) }),
      "answer_invalid",
      /cannot be read/,
    ],
    ["from something else", () => ({ status: 200, body: "canary" }), "answer_invalid", /cannot read/],
    ["in a list", () => json(200, []), "answer_invalid", /no JSON object/],
  ];
  for (const [name, answering, code, says] of rows)
    test(`${name} is ${code}`, async (t) => {
      await assert.rejects(read(await opened(t, answering)), (thrown) => {
        assert.ok(thrown instanceof Failure);
        assert.equal(thrown.code, code, thrown.message);
        assert.match(thrown.message, says);
        assert.doesNotMatch(thrown.message, /canary|BEGIN/);
        return true;
      });
    });
});

for (const [region, host] of [
  ["eu-central-1", "acm.eu-central-1.amazonaws.com"],
  ["cn-north-1", "acm.cn-north-1.amazonaws.com.cn"],
] as const)
  test(`certificates of ${region} are asked for at ${host}`, async () => {
    const hosts: string[] = [];
    const opened = aws.open({ ...byKeys, service: "CertificateManager", region }, inShop, {
      clock,
      http: () => (request) => {
        hosts.push(request.url.host);
        return Promise.resolve({ status: 500, headers: {}, body: SecretValue.fromText("") });
      },
      watchPath: () => () => undefined,
      plainHttp: false,
      countCall: () => undefined,
    });
    assert.ok(opened.ok);
    const { store } = opened.value;
    const session = await store.login(keysProof("AKIA1"), signal, facts);
    await assert.rejects(store.fetch(store.locate(ref(arn)), session, signal), { code: "store_error" });
    assert.deepEqual(hosts, [host]);
  });
