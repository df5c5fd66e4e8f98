import assert from "node:assert/strict";
import { test } from "node:test";
import { format, inspect } from "node:util";
import { SecretValue } from "../../plugin/core/secret-value.ts";

const canary = "canary-7c1e";
const value = SecretValue.fromText(canary);

const waysToPrint: ReadonlyArray<{ name: string; print: () => string }> = [
  { name: "String()", print: () => String(value) },
  { name: "string concatenation", print: () => ["", value].join("") },
  { name: "JSON", print: () => JSON.stringify({ value }) },
  { name: "inspect", print: () => inspect({ deep: { value } }, { depth: 9, showHidden: true }) },
  { name: "util.format", print: () => format("%s %o %j %O", value, value, value, value) },
  { name: "an Error's message", print: () => inspect(new Error(["no:", value].join(" "))) },
  { name: "Object.entries", print: () => JSON.stringify(Object.entries(value)) },
];
for (const way of waysToPrint)
  test(`${way.name} never shows the bytes`, () => assert.doesNotMatch(way.print(), /canary/));

test("reveal gives a copy, so the caller cannot change the value", () => {
  value.reveal().fill(0);
  assert.equal(value.reveal().toString(), canary);
});

test("keeps its own copy of the bytes it was made from", () => {
  const bytes = Buffer.from("abc");
  const kept = new SecretValue(bytes);
  bytes.fill(0);
  assert.equal(kept.reveal().toString(), "abc");
});

const comparisons: ReadonlyArray<{ name: string; other: Uint8Array; equal: boolean }> = [
  { name: "the same bytes", other: Buffer.from(canary), equal: true },
  { name: "other bytes of one length", other: Buffer.from("canary-7c1f"), equal: false },
  { name: "a longer value", other: Buffer.from("canary-7c1e!"), equal: false },
  { name: "nothing", other: Buffer.alloc(0), equal: false },
];
for (const c of comparisons)
  test(`equals ${c.name}: ${c.equal}`, () => assert.equal(value.equals(new SecretValue(c.other)), c.equal));
