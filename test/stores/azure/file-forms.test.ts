/** Keys, certificates and secrets of certificates as files: PEM, in the order that servers want it. */
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { after, before, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { Ref } from "../../../plugin/stores/contract.ts";
import { parsePrivateKey } from "../../../plugin/template/go/functions/keys-parse.ts";
import { writePkcs12 } from "../../../plugin/template/go/functions/pkcs12-write.ts";
import { parseCertificate } from "../../../plugin/template/go/functions/x509-read.ts";
import { ascii } from "../../../plugin/template/go/text.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import type { Certificate } from "../../fakes/certificate.ts";
import { facts } from "../facts.ts";
import { idOf, startFakeAzure } from "./fake-azure.ts";
import { byAccount, openAzure, tokenProof } from "./opened.ts";

const { signal } = new AbortController();
const span = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const root = makeCertificate({ name: "root", isAuthority: true, ...span });
const middle = makeCertificate({ name: "middle", issuer: root, isAuthority: true, ...span });
const lower = makeCertificate({ name: "lower", issuer: middle, isAuthority: true, ...span });
const leaf = makeCertificate({ name: "leaf", issuer: lower, ...span });
const stranger = makeCertificate({ name: "stranger", isAuthority: true, ...span });

/** A PFX with the leaf's key and these certificates, in this order. */
function pfxOf([first, ...others]: readonly Certificate[], password = ""): string {
  const context = {
    charge: () => undefined,
    produce: () => undefined,
    nowMs: () => Date.now(),
    randomBytes: (count: number) => Buffer.alloc(count, 7),
  };
  const der = ({ certificate }: Certificate) => parseCertificate(new X509Certificate(certificate).raw);
  const key = parsePrivateKey(leaf.privateKey.export({ type: "pkcs8", format: "der" }));
  return writePkcs12(context, key, { own: der(first!), others: others.map(der) }, ascii(password)).toString("base64");
}

const orders: readonly { name: string; certificates: readonly Certificate[]; file: readonly Certificate[] }[] = [
  { name: "one by itself", certificates: [leaf], file: [leaf] },
  { name: "in order", certificates: [leaf, lower, middle, root], file: [leaf, lower, middle, root] },
  { name: "the other way round", certificates: [root, middle, lower, leaf], file: [leaf, lower, middle, root] },
  { name: "mixed", certificates: [middle, leaf, root, lower], file: [leaf, lower, middle, root] },
  { name: "with a gap", certificates: [root, middle, leaf], file: [leaf, root, middle] },
  { name: "with a stranger", certificates: [stranger, lower, leaf], file: [leaf, lower, stranger] },
];

suite("a vault's objects as files", { timeout: 60_000 }, () => {
  let clients: HttpClients;
  let server: Awaited<ReturnType<typeof startFakeAzure>>;
  before(async () => {
    clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    server = await startFakeAzure();
  });
  after(async () => {
    await clients.close();
    await server.close();
  });

  /** What the file of an object with this content holds. */
  async function fileOf(key: string, content: object, form?: string): Promise<string> {
    const [type, name] = key.split("/") as [string, string];
    const collection = { secret: "secrets", key: "keys", cert: "certificates" }[type]!;
    server.objects.set(`${collection}/${name}`, [{ id: idOf("1"), content: { ...content } }]);
    const store = openAzure(byAccount, { url: server.url, clients });
    const session = await store.login(tokenProof("jwt", "client", "tenant"), signal, facts);
    const ref: Ref = { key, metadataPolicy: "None", ...(form === undefined ? {} : { form }) };
    const { value, version } = await store.fetch(store.locate(ref), session, signal);
    assert.equal(version, idOf("1"));
    return value.reveal().toString("latin1");
  }

  const kept = { contentType: "application/x-pkcs12", kid: "https://shop.vault.azure.net/keys/tls/1" };

  for (const { name, certificates, file } of orders)
    test(`a certificate's secret is its key and the chain from leaf to root: ${name}`, async () => {
      const text = await fileOf("secret/tls", { ...kept, value: pfxOf(certificates) }, "pem");
      assert.equal(text, leaf.key + file.map(({ certificate }) => certificate).join(""));
      assert.match(text, /^-----BEGIN PRIVATE KEY-----\n/);
    });

  const value = pfxOf([leaf, lower]);
  const asTheyAre: readonly { name: string; content: object; form?: string; file: string }[] = [
    { name: "its PFX, when that is asked for", content: { ...kept, value }, form: "pfx", file: value },
    { name: "its PFX, for whoever asks for no file", content: { ...kept, value }, file: value },
    {
      name: "a PFX that is no certificate of this vault",
      content: { contentType: "application/x-pkcs12", value },
      form: "pem",
      file: value,
    },
    {
      name: "a certificate that is kept as PEM",
      content: { kid: kept.kid, contentType: "application/x-pem-file", value: "as is" },
      form: "pem",
      file: "as is",
    },
    { name: "any other secret", content: { value: "word\n" }, form: "pem", file: "word\n" },
  ];
  for (const { name, content, form, file } of asTheyAre)
    test(`stays as it is: ${name}`, async () => assert.equal(await fileOf("secret/tls", content, form), file));

  const pairs = [
    { kty: "RSA", pair: generateKeyPairSync("rsa", { modulusLength: 2_048 }) },
    ...["P-256", "P-384", "P-521"].map((namedCurve) => ({
      kty: "EC",
      pair: generateKeyPairSync("ec", { namedCurve }),
    })),
  ];
  for (const { kty, pair } of pairs)
    for (const suffix of ["", "-HSM"])
      test(`a key ${kty}${suffix} (${pair.publicKey.asymmetricKeyDetails?.namedCurve ?? "2048"}) is its public key`, async () => {
        const key = { ...pair.publicKey.export({ format: "jwk" }), kty: `${kty}${suffix}`, key_ops: ["sign"] };
        const text = await fileOf("key/signing", { key }, "pem");
        assert.match(text, /^-----BEGIN PUBLIC KEY-----\n/);
        assert.ok(createPublicKey(text).equals(pair.publicKey));
        assert.match(await fileOf("key/signing", { key }), /^\{/);
      });

  test("a certificate is PEM, and DER for whoever asks for no file", async () => {
    const { raw } = new X509Certificate(leaf.certificate);
    const cer = raw.toString("base64");
    assert.equal(await fileOf("cert/tls", { cer }, "pem"), leaf.certificate);
    assert.equal(await fileOf("cert/tls", { cer }), raw.toString("latin1"));
  });

  const unfit: readonly { name: string; key: string; content: object }[] = [
    { name: "a cut PFX", key: "secret/tls", content: { ...kept, value: value.slice(0, 400) } },
    { name: "a PFX with a password", key: "secret/tls", content: { ...kept, value: pfxOf([leaf], "canary") } },
    { name: "a key without a public part", key: "key/signing", content: { key: { kty: "oct-HSM" } } },
    {
      name: "a key of another curve",
      key: "key/signing",
      content: { key: { kty: "EC", crv: "P-1", x: "canary", y: "b" } },
    },
    { name: "a key that lacks a part", key: "key/signing", content: { key: { kty: "RSA", n: "canary" } } },
    { name: "a certificate that is none", key: "cert/tls", content: { cer: Buffer.from("canary").toString("base64") } },
  ];
  for (const { name, key, content } of unfit)
    test(`has no file of ${name}`, async () => {
      const thrown: unknown = await fileOf(key, content, "pem").catch((reason: unknown) => reason);
      assert.ok(thrown instanceof Failure, String(thrown));
      assert.equal(thrown.code, "answer_invalid");
      assert.doesNotMatch(thrown.message, /canary/);
    });

  const forms: readonly { ref: Partial<Ref>; arguments: string | undefined }[] = [
    { ref: { key: "secret/a" }, arguments: "" },
    { ref: { key: "secret/a", form: "pem" }, arguments: "pem" },
    { ref: { key: "secret/a", form: "pfx" }, arguments: "" },
    { ref: { key: "key/a", form: "pem" }, arguments: "pem" },
    { ref: { key: "key/a", form: "pfx" }, arguments: undefined },
    { ref: { key: "cert/a", form: "der" }, arguments: undefined },
    { ref: { key: "cert/a", form: "pem", metadataPolicy: "Fetch" }, arguments: "metadata" },
  ];
  for (const { ref, arguments: wanted } of forms)
    test(`${JSON.stringify(ref)} is ${wanted === undefined ? "refused" : `asked for with ${JSON.stringify(wanted)}`}`, () => {
      const locate = () =>
        openAzure(byAccount, { url: server.url, clients }).locate({ key: "", metadataPolicy: "None", ...ref });
      if (wanted === undefined) assert.throws(locate, { code: "ref_invalid" });
      else assert.equal(locate().arguments, wanted);
    });
});
