/** The architecture test is only as good as what it sees. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "./source.ts";

const seen: readonly { code: string; use: string }[] = [
  { code: "const home = process.env.HOME;", use: "process.env" },
  { code: "const env = process.env;", use: "process.env" },
  { code: "const t = Date.now();", use: "Date.now" },
  { code: "const d = new Date();", use: "new Date()" },
  { code: "const d = new Date;", use: "new Date()" },
  { code: "setTimeout(() => {}, 1);", use: "setTimeout" },
  { code: "const later = setTimeout;", use: "setTimeout" },
  { code: "globalThis.setInterval(tick, 1);", use: "setInterval" },
  { code: "await fetch(url);", use: "fetch" },
  { code: "const deps = { fetch };", use: "fetch" },
  { code: "token.reveal().toString();", use: ".reveal(" },
  { code: "this.#proof.token?.reveal();", use: ".reveal(" },
];

for (const { code, use } of seen) {
  test(`sees ${use} in: ${code}`, () => assert.ok(inspect("a.ts", code).uses.has(use)));
}

const unseen: readonly { code: string; use: string }[] = [
  { code: "// process.env", use: "process.env" },
  { code: 'const text = "process.env";', use: "process.env" },
  { code: "const d = new Date(0);", use: "new Date()" },
  { code: "await store.fetch(located);", use: "fetch" },
  { code: "const store = { fetch(located) {} };", use: "fetch" },
  { code: "clock.setTimeout(1);", use: "setTimeout" },
  { code: "interface Value { reveal(): Buffer }", use: ".reveal(" },
];

for (const { code, use } of unseen) {
  test(`sees no ${use} in: ${code}`, () => assert.ok(!inspect("a.ts", code).uses.has(use)));
}

test("counts the lines of a file and of its functions", () => {
  const { lines, functions } = inspect("a.ts", "\nfunction f() {\n  return 1;\n}\nconst g = () => 1;\n");
  assert.equal(lines, 5);
  assert.deepEqual(
    [...functions],
    [
      ["a.ts:2", 3],
      ["a.ts:5", 1],
    ],
  );
});
