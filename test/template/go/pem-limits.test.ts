/** PEM texts and keys made to keep a node busy: the work grows with their length, not with its square. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { renderRow } from "../rows.ts";

const junk = /error filtering pem: found junk$/;

const texts: readonly (readonly [name: string, text: string])[] = [
  ["ENDs without BEGIN", "\n-----END ".repeat(400_000)],
  ["BEGINs without END", "-----BEGIN A-----\n".repeat(200_000)],
  ["blocks whose ENDs look like headers", "-----BEGIN a:-----\nx:y\n-----END a:-----\n".repeat(20_000)],
  ["a header of a million spaces", `-----BEGIN A-----\nx:${" ".repeat(1_000_000)}y\n-----END A-----\n`],
  ["BEGINs and ENDs that do not match", "-----BEGIN A-----\n-----END B-----\n".repeat(100_000)],
];

for (const [name, text] of texts)
  test(`filterPEM comes to the end of ${name}`, () => {
    const answer = renderRow({ template: '{{ filterPEM "A" .s }}', data: { s: text } });
    assert.match("err" in answer ? answer.err : "", junk);
  });

test("certificates without end are paid for", () => {
  const block = "-----BEGIN C-----\nMAA=\n-----END C-----\n";
  const answer = renderRow({ template: '{{ filterPEM "c" .s | len }}', data: { s: block.repeat(50_000) } });
  assert.deepEqual(answer, { out: Buffer.from(String(block.length * 50_000)) });
  const limits = { steps: 20_000, depth: 100, outputBytes: 4 * 1024 * 1024, timeMs: 2_000 };
  const few = renderRow({ template: '{{ filterPEM "c" .s | len }}', data: { s: block.repeat(50_000) } }, limits);
  assert.deepEqual(few, { err: "budget: steps" });
});

const endless: readonly (readonly [template: string, budget: string])[] = [
  ["{{ range until 200 }}{{ genPrivateKey `ed25519` }}{{ end }}", "steps"],
  ["{{ randAscii 9223372036854775807 }}", "output"],
  ["{{ randBytes 9223372036854775807 }}", "output"],
  ["{{ range until 1000 }}{{ sha512sum (repeat 1000000 `a`) }}{{ end }}", "steps"],
  ["{{ encryptAES `k` (repeat 4000000 `a`) }}", "output"],
];

for (const [template, budget] of endless)
  test(`a budget ends ${template}`, () => {
    assert.deepEqual(renderRow({ template }), { err: `budget: ${budget}` });
  });

test("numbers of an RSA key that no one uses are refused before they are multiplied", () => {
  const long = "_".repeat(20_000);
  const jwk = JSON.stringify({ kty: "RSA", n: long, e: "AQAB", d: long, p: long, q: long });
  const answer = renderRow({ template: "{{ jwkPrivateKeyPem .j }}", data: { j: jwk } });
  assert.match("err" in answer ? answer.err : "", /crypto\/rsa: modulus is too large$/);
});
