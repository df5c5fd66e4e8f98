/** PKCS#12 files there and back, and files made to keep a node busy. */
import assert from "node:assert/strict";
import { createPrivateKey, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { context, contextBytes } from "../../../plugin/template/go/functions/der-read.ts";
import { element, octets, oid, sequence, unsigned, integer } from "../../../plugin/template/go/functions/der-write.ts";
import { Machine } from "../../../plugin/template/go/machine.ts";
import { prepare } from "../../../plugin/template/go/program.ts";
import { fromText, textOf } from "../../../plugin/template/go/text.ts";
import { defaultBudgets } from "../../../plugin/template/request.ts";
import { goMap, loadRows, renderRow } from "../rows.ts";

function render(template: string, data: Record<string, string>): string {
  const world = { nowMs: () => 0, monotonicMs: () => 0, randomBytes };
  const program = prepare(fromText("t"), fromText(template));
  const machine = new Machine(program, goMap(data), { missingKey: "error", limits: defaultBudgets, world });
  machine.run();
  return textOf(machine.output);
}

const given = loadRows("pkcs12")[0]!.data as Readonly<Record<string, string>>;
const keyOf = (pem: string) => createPrivateKey(pem);

/** Whatever UCS-2 can say. */
const password = fc
  .string({ unit: "binary", maxLength: 12 })
  .map((text) => text.replace(/[\u{10000}-\u{10ffff}]/gu, "€"));
const pair = fc.constantFrom(["ec", "eckey"], ["ed25519", "edkey"]) as fc.Arbitrary<["ec" | "ed25519", string]>;
const others = fc.subarray(["inter", "root"], { minLength: 0 });

test("a file gives back the key and the certificates that went in, under its password alone", () => {
  const template =
    "{{ $f := fullPemToPkcs12Pass .chain .key .p | b64dec }}{{ pkcs12keyPass .p $f }}~{{ pkcs12certPass .p $f }}";
  fc.assert(
    fc.property(password, pair, others, (p, [cert, key], rest) => {
      const chain = [cert, ...rest].map((name) => given[name]!).join("");
      const [keyPem = "", certPems = ""] = render(template, { chain, key: given[key]!, p }).split("~");
      assert.ok(keyOf(keyPem).equals(keyOf(given[key]!)));
      assert.deepEqual(
        certPems.split(/(?<=-----END CERTIFICATE-----\n)/).sort(),
        chain.split(/(?<=-----END CERTIFICATE-----\n)/).sort(),
      );
      const wrong = `{{ fullPemToPkcs12Pass .chain .key .p | b64dec | pkcs12keyPass (print .p "x") }}`;
      assert.throws(() => render(wrong, { chain, key: given[key]!, p }), /decryption password incorrect/);
    }),
    { numRuns: 40 },
  );
});

test("two files of the same content differ: salts are new", () => {
  const [one, two] = render("{{ pemToPkcs12 .ec .eckey }}~{{ pemToPkcs12 .ec .eckey }}", given).split("~");
  assert.notEqual(one, two);
});

test("a file is of the modern kind: AES-256 under PBKDF2, no SHA-1, no RC2, no 3DES", () => {
  const file = Buffer.from(render('{{ pemToPkcs12Pass .ec .eckey "p" }}', given), "base64");
  const count = (id: string): number => file.toString("latin1").split(oid(id).toString("latin1")).length - 1;
  assert.equal(count("2.16.840.1.101.3.4.1.42"), 2, "AES-256-CBC for the certificates and for the key");
  assert.equal(count("1.2.840.113549.2.9"), 2, "both keys from PBKDF2 with HMAC-SHA-256");
  assert.equal(count("2.16.840.1.101.3.4.2.1"), 1, "a SHA-256 code");
  for (const old of ["1.3.14.3.2.26", "1.2.840.113549.1.12.1.3", "1.2.840.113549.1.12.1.6"])
    assert.equal(count(old), 0);
});

test("a changed byte anywhere in the content is noticed", () => {
  const file = Buffer.from(render('{{ pemToPkcs12Pass .ec .eckey "p" }}', given), "base64");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Buffer.from(file);
      damaged[at] = damaged[at]! ^ flip;
      const answer = renderRow({
        template: '{{ .f | b64dec | pkcs12keyPass "p" }}',
        data: { f: damaged.toString("base64") },
      });
      if ("out" in answer) assert.ok(keyOf(answer.out.toString()).equals(keyOf(given.eckey!)));
      else assert.match(answer.err, /unable to decode pkcs12 with password|^budget: /);
    }),
    { numRuns: 60 },
  );
});

const data = "1.2.840.113549.1.7.1";

const fileOf = (authSafe: Buffer, ...mac: Buffer[]): Buffer =>
  sequence(integer(3), sequence(oid(data), element(context(0), octets(authSafe))), ...mac);

/** A file whose code asks for so many rounds. */
function withMacRounds(rounds: Buffer): Buffer {
  const digest = sequence(sequence(oid("2.16.840.1.101.3.4.2.1")), octets(Buffer.alloc(32)));
  return fileOf(sequence(), sequence(digest, octets(Buffer.alloc(8)), unsigned(rounds)));
}

/** A file without a code whose cipher asks for so many rounds. */
function withCipherRounds(rounds: Buffer): Buffer {
  const kdf = sequence(octets(Buffer.alloc(8)), unsigned(rounds), sequence(oid("1.2.840.113549.2.9")));
  const scheme = sequence(oid("2.16.840.1.101.3.4.1.42"), octets(Buffer.alloc(16)));
  const algorithm = sequence(
    oid("1.2.840.113549.1.5.13"),
    sequence(sequence(oid("1.2.840.113549.1.5.12"), kdf), scheme),
  );
  const info = sequence(oid(data), algorithm, element(contextBytes(0), Buffer.alloc(32)));
  const part = sequence(oid("1.2.840.113549.1.7.6"), element(context(0), sequence(integer(0), info)));
  return fileOf(sequence(part));
}

/** An old cipher, whose derivation is ours. */
function withOldRounds(rounds: Buffer): Buffer {
  const algorithm = sequence(oid("1.2.840.113549.1.12.1.6"), sequence(octets(Buffer.alloc(8)), unsigned(rounds)));
  const info = sequence(oid(data), algorithm, element(contextBytes(0), Buffer.alloc(32)));
  return fileOf(sequence(sequence(oid("1.2.840.113549.1.7.6"), element(context(0), sequence(integer(0), info)))));
}

const rounds = (count: number): Buffer => Buffer.from(count.toString(16).padStart(8, "0"), "hex");

for (const [name, make] of [
  ["message code", withMacRounds],
  ["modern cipher", withCipherRounds],
  ["old cipher", withOldRounds],
] as const) {
  test(`a file whose ${name} asks for two thousand million rounds ends with the budget`, () => {
    const answer = renderRow({
      template: "{{ .f | b64dec | pkcs12key }}",
      data: { f: make(rounds(0x7fffffff)).toString("base64") },
    });
    assert.deepEqual(answer, { err: "budget: steps" });
  });
  test(`a file whose ${name} asks for ten thousand rounds is read on`, () => {
    const answer = renderRow({
      template: "{{ .f | b64dec | pkcs12key }}",
      data: { f: make(rounds(10_000)).toString("base64") },
    });
    assert.match("err" in answer ? answer.err : "", /unable to decode pkcs12 with password/);
  });
}
