/** Keys, certificates and hashes that differ at each call: what Node's own crypto says of them. */
import assert from "node:assert/strict";
import { createDecipheriv, createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import bcrypt from "bcryptjs";
import { goMap, renderRow } from "../rows.ts";
import { Machine } from "../../../plugin/template/go/machine.ts";
import { prepare } from "../../../plugin/template/go/program.ts";
import { fromText, textOf } from "../../../plugin/template/go/text.ts";
import { defaultBudgets } from "../../../plugin/template/request.ts";
import { randomBytes } from "node:crypto";

/** The text that a template gives with real random bytes, at the start of 2026. */
function render(template: string, data: Record<string, string> = {}): string {
  const world = { nowMs: () => Date.UTC(2026, 0, 1), monotonicMs: () => 0, randomBytes };
  const program = prepare(fromText("t"), fromText(template));
  const machine = new Machine(program, goMap(data), { missingKey: "error", limits: defaultBudgets, world });
  machine.run();
  return textOf(machine.output);
}

const kinds = [
  { kind: "rsa", pem: "RSA PRIVATE KEY", type: "rsa", details: { modulusLength: 4096, publicExponent: 65537n } },
  { kind: "", pem: "RSA PRIVATE KEY", type: "rsa", details: { modulusLength: 4096, publicExponent: 65537n } },
  { kind: "dsa", pem: "DSA PRIVATE KEY", type: "dsa", details: { modulusLength: 2048, divisorLength: 256 } },
  { kind: "ecdsa", pem: "EC PRIVATE KEY", type: "ec", details: { namedCurve: "prime256v1" } },
  { kind: "ed25519", pem: "PRIVATE KEY", type: "ed25519", details: {} },
];

for (const { kind, pem, type, details } of kinds)
  test(`genPrivateKey "${kind}" makes a new ${type} key of sprig's size`, () => {
    const text = render(`{{ genPrivateKey "${kind}" }}`);
    assert.ok(text.startsWith(`-----BEGIN ${pem}-----\n`), text.slice(0, 40));
    const key = createPrivateKey(text);
    assert.equal(key.asymmetricKeyType, type);
    assert.deepEqual({ ...key.asymmetricKeyDetails }, details);
  });

const parts = (text: string): string[] => text.split("~");

test("genCA makes a certificate authority that signed itself", () => {
  const [cert = "", key = ""] = parts(render('{{ $c := genCA "Example CA" 365 }}{{ $c.Cert }}~{{ $c.Key }}'));
  const certificate = new X509Certificate(cert);
  assert.equal(certificate.subject, "CN=Example CA");
  assert.equal(certificate.issuer, "CN=Example CA");
  assert.ok(certificate.ca);
  assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(certificate.validFromDate.getTime(), Date.UTC(2026, 0, 1));
  assert.equal(certificate.validToDate.getTime(), Date.UTC(2027, 0, 1));
  assert.match(certificate.serialNumber, /^[0-9A-F]{2,32}$/);
});

test("dates from 2050 on, and before 1950, keep their century", () => {
  const yearOf = (days: number): number => {
    const template = `{{ (genCAWithKey "ca" ${days} (genPrivateKey "ed25519")).Cert }}`;
    return new X509Certificate(render(template)).validToDate.getUTCFullYear();
  };
  assert.equal(yearOf(365 * 24), 2049);
  assert.equal(yearOf(365 * 25), 2050);
  assert.equal(yearOf(365 * 200), 2225);
  assert.equal(yearOf(-365 * 80), 1946);
});

test("genSignedCert makes a server and client certificate that the authority signed", () => {
  const template =
    '{{ $ca := genCA "ca" 10 }}{{ $c := genSignedCert "leaf" (list "10.0.0.1" "::1") (list "a.example" "*.b.example") 5 $ca }}' +
    "{{ $ca.Cert }}~{{ $c.Cert }}~{{ $c.Key }}";
  const [caPem = "", leafPem = "", key = ""] = parts(render(template));
  const [ca, leaf] = [new X509Certificate(caPem), new X509Certificate(leafPem)];
  assert.ok(leaf.checkIssued(ca));
  assert.ok(leaf.verify(ca.publicKey));
  assert.ok(!leaf.ca);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(key)));
  assert.equal(leaf.subjectAltName, "DNS:a.example, DNS:*.b.example, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1");
  assert.deepEqual(leaf.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  assert.equal(leaf.checkHost("x.b.example"), "*.b.example");
});

test("each key that sprig knows can sign, with the digest of its size", () => {
  for (const [kind, algorithm] of [
    ["ecdsa", "1.2.840.10045.4.3.2"],
    ["ed25519", "1.3.101.112"],
  ] as const) {
    const template = `{{ $k := genPrivateKey "${kind}" }}{{ (genSelfSignedCertWithKey "cn" nil nil 1 $k).Cert }}`;
    const certificate = new X509Certificate(render(template));
    assert.ok(certificate.verify(certificate.publicKey));
    assert.equal(certificate.signatureAlgorithmOid, algorithm);
  }
});

test("two certificates have two serial numbers and keys", () => {
  const template = '{{ range until 2 }}{{ (genSelfSignedCert "cn" nil nil 1).Cert }}~{{ end }}';
  const [one, two] = parts(render(template)).map((pem) => (pem === "" ? undefined : new X509Certificate(pem)));
  assert.notEqual(one!.serialNumber, two!.serialNumber);
  assert.ok(!one!.publicKey.equals(two!.publicKey));
});

test("bcrypt and htpasswd make hashes that a password checker accepts", () => {
  const [hash = "", line = ""] = parts(render('{{ bcrypt .p }}~{{ htpasswd "user" .p "bcrypt" }}', { p: "pässwörd" }));
  assert.ok(bcrypt.compareSync("pässwörd", hash));
  assert.ok(!bcrypt.compareSync("passwörd", hash));
  assert.ok(bcrypt.compareSync("pässwörd", line.slice("user:".length)));
  assert.notEqual(hash, line.slice("user:".length));
});

test("a password that bcrypt could not take byte for byte is refused, not changed", () => {
  const answer = renderRow({ template: '{{ bcrypt "a\\xff" }}' });
  assert.ok("err" in answer && answer.err.endsWith("bcrypt: the password is not UTF-8 text"), JSON.stringify(answer));
});

test("encryptAES is AES-256-CBC under the password's bytes, with a new IV each time", () => {
  const [one = "", two = ""] = parts(render('{{ encryptAES "key" "hello" }}~{{ encryptAES "key" "hello" }}'));
  assert.notEqual(one, two);
  const bytes = Buffer.from(one, "base64");
  const key = Buffer.concat([Buffer.from("key"), Buffer.alloc(29)]);
  const decipher = createDecipheriv("aes-256-cbc", key, bytes.subarray(0, 16));
  assert.equal(Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]).toString(), "hello");
});

test("random text uses its whole alphabet, and each character about as often as the others", () => {
  const counts = new Map<string, number>();
  for (const char of render("{{ randAlphaNum 62000 }}")) counts.set(char, (counts.get(char) ?? 0) + 1);
  assert.equal(counts.size, 62);
  for (const [char, count] of counts) assert.ok(count > 800 && count < 1200, `${char}: ${count}`);
});
