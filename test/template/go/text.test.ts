/** Go strings: bytes in JavaScript strings, and what is read from and written to them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatFloat } from "../../../plugin/template/go/decimal.ts";
import { parseFloat, parseInteger, parseUnsigned } from "../../../plugin/template/go/parse-number.ts";
import { canBackquote, quote, quoteRune, unquote } from "../../../plugin/template/go/quote.ts";
import {
  ascii,
  bytesOf,
  decodeRune,
  fromBytes,
  fromRune,
  fromText,
  isUtf8,
  runeCount,
  runesOf,
  textOf,
} from "../../../plugin/template/go/text.ts";

test("text goes into bytes and comes back, whatever it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const value = fromText(text);
      assert.equal(value.length, Buffer.byteLength(text));
      assert.equal(textOf(value), text.toWellFormed());
      assert.equal(runeCount(value), [...text].length);
      assert.ok(isUtf8(value));
    }),
  );
});

test("bytes go in and come back, UTF-8 or not", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const value = fromBytes(bytes);
      assert.deepEqual(bytesOf(value), Buffer.from(bytes));
      assert.equal(runesOf(value).length, runeCount(value));
      assert.equal(unquote(quote(value)), value);
      assert.equal(unquote(quote(value, true)), value);
      if (canBackquote(value)) assert.equal(unquote(`\`${value}\``), value);
    }),
  );
});

const runes: readonly (readonly [string, string, number, number])[] = [
  ["ASCII", "a", 0x61, 1],
  ["two bytes", "\xc3\xa9", 0xe9, 2],
  ["three bytes", "\xe2\x82\xac", 0x20ac, 3],
  ["four bytes", "\xf0\x9f\x98\x80", 0x1f600, 4],
  ["a lone continuation byte", "\x80", 0xfffd, 1],
  ["a cut sequence", "\xe2\x82", 0xfffd, 1],
  ["an overlong form", "\xc0\x80", 0xfffd, 1],
  ["an overlong form of three", "\xe0\x80\x80", 0xfffd, 1],
  ["a surrogate", "\xed\xa0\x80", 0xfffd, 1],
  ["beyond the last rune", "\xf4\x90\x80\x80", 0xfffd, 1],
  ["a byte that is never used", "\xff", 0xfffd, 1],
];

for (const [name, bytes, rune, width] of runes)
  test(`a rune: ${name}`, () => assert.deepEqual(decodeRune(bytes, 0), { rune, width }));

test("each byte that is no text becomes one replacement character", () => {
  assert.equal(textOf(ascii("a\xff\xfeb\xe2\x82")), "a\ufffd\ufffdb\ufffd\ufffd");
  assert.equal(fromRune(0xd800), "\xef\xbf\xbd");
  assert.equal(fromRune(-1), "\xef\xbf\xbd");
});

test("the shortest text of a number reads back as the number", () => {
  fc.assert(
    fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (value) => {
      for (const verb of ["e", "f", "g", "x"] as const)
        if (verb !== "f" || Math.abs(value) < 1e300)
          assert.equal(parseFloat(formatFloat(value, verb, -1)), value, verb);
    }),
  );
});

const floats: readonly (readonly [number, Parameters<typeof formatFloat>[1], number, string])[] = [
  [0.5, "f", 0, "0"],
  [1.5, "f", 0, "2"],
  [2.5, "f", 0, "2"],
  [0.125, "f", 2, "0.12"],
  [1e21, "g", -1, "1e+21"],
  [1e20, "g", -1, "1e+20"],
  [123456, "g", -1, "123456"],
  [0.0001, "g", -1, "0.0001"],
  [0.00001, "g", -1, "1e-05"],
  [-0, "g", -1, "-0"],
  [NaN, "g", -1, "NaN"],
  [-Infinity, "g", -1, "-Inf"],
  [5e-324, "e", 3, "4.941e-324"],
  [1, "x", 0, "0x1p+00"],
  [1, "b", -1, "4503599627370496p-52"],
];

for (const [value, verb, precision, text] of floats)
  test(`${value} as %${verb} with ${precision} digits is ${text}`, () =>
    assert.equal(formatFloat(value, verb, precision), text));

test("a float32 has its own shortest text", () => assert.equal(formatFloat(Math.fround(0.1), "g", -1, 32), "0.1"));

const integers: readonly (readonly [string, number, ReturnType<typeof parseInteger>])[] = [
  ["0x1F", 0, 31n],
  ["-0b101", 0, -5n],
  ["0o17", 0, 15n],
  ["017", 0, 15n],
  ["1_000", 0, 1000n],
  ["1_000", 10, "invalid syntax"],
  ["1__0", 0, "invalid syntax"],
  ["089", 0, "invalid syntax"],
  ["", 10, "invalid syntax"],
  ["+", 10, "invalid syntax"],
  ["ff", 16, 255n],
  ["9223372036854775807", 10, 9223372036854775807n],
  ["9223372036854775808", 10, "value out of range"],
  ["-9223372036854775808", 10, -9223372036854775808n],
  ["1".repeat(5000), 10, "value out of range"],
];

for (const [text, base, value] of integers)
  test(`${text.slice(0, 30)} in base ${base} is ${value}`, () => assert.equal(parseInteger(text, base), value));

test("an unsigned number has no sign and 64 bits", () => {
  assert.equal(parseUnsigned("18446744073709551615"), 18446744073709551615n);
  assert.equal(parseUnsigned("18446744073709551616"), "value out of range");
  assert.equal(parseUnsigned("-1"), "invalid syntax");
  assert.equal(parseInteger("128", 10, 8), "value out of range");
});

test("a rune in quotes", () => {
  assert.equal(quoteRune(0x27), "'\\''");
  assert.equal(quoteRune(0x22), "'\"'");
  assert.equal(quoteRune(0xe9, true), "'\\u00e9'");
  assert.equal(quoteRune(-1), "'\xef\xbf\xbd'");
});
