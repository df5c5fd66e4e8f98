import assert from "node:assert/strict";
import { test } from "node:test";
import { scrub } from "../../plugin/observe/scrub.ts";

const base64url = (text: string): string => Buffer.from(text).toString("base64url");
const jwt = (header: string): string => [header, '{"sub":"x"}', "signature"].map(base64url).join(".");
// Put together here, so that no scanner takes this file for a leak.
const pem = (kind: string, body: string): string =>
  [`-----BEGIN ${kind}PRIVATE ${"KEY"}-----`, body, `-----END ${kind}PRIVATE ${"KEY"}-----`].join("\n");

const scrubbed: readonly (readonly [what: string, text: string])[] = [
  ["a JWT", jwt('{"alg":"RS256"}')],
  ["a JWT with a spaced header", jwt('{ "alg":"RS256"}')],
  ["a JWT with a header on lines of its own", jwt('{\n"alg":"RS256"}')],
  ["a JWE of five parts", `${jwt('{"alg":"dir"}')}.aaaa.bbbb`],
  ["a JWT that was cut off", jwt('{"alg":"RS256","kid":"0123456789"}').slice(0, 40)],
  ["a Vault service token", "hvs.CAESIH-0123456789_abc"],
  ["a Vault batch token", "hvb.AAAAAQ0123456789"],
  ["an old Vault token", "s.0123456789abcdefABCDEF01"],
  ["an old Vault token of a namespace", "s.0123456789abcdefABCDEF01.aB3dE"],
  ["a private key", pem("", "MIIB")],
  ["a key of another kind", pem("RSA ", "MIIB\nMIIB")],
  ["a key that was cut off", pem("EC ", "MIIB").slice(0, 50)],
];
for (const [what, secret] of scrubbed)
  test(`scrubs ${what}`, () => assert.equal(scrub(`before ${secret}`), "before [scrubbed]"));

const kept = [
  "payments-db.payments.svc.cluster.local",
  "eyewitness-service-6d4f7c9b8d-x2x4z",
  "https://vault.internal.example.com:8200/v1/secret/data/payments/db",
  "/var/lib/kubelet/pods/0b1c2d3e/volumes",
  "v1.30.2",
  "secret/data/s.short",
  "-----BEGIN CERTIFICATE-----",
];
for (const text of kept) test(`keeps ${text}`, () => assert.equal(scrub(text), text));

test("cuts what is longer than any field needs, and stays fast on it", () => {
  assert.equal(scrub("x".repeat(10_000)).length, 4_097);
  assert.ok(scrub("ey".repeat(500_000)).length < 5_000);
});
