/** Every rule of the grammar has rows that show it, and rows in which it goes wrong; the generator meets them all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRows } from "../rows.ts";
import type { Row } from "../rows.ts";
import type { GrammarRule } from "./rules.ts";
import { grammarRules, rulesIn } from "./rules.ts";
import { randomTemplates } from "./templates.ts";

const rows = loadRows("grammar") as readonly (Row & { readonly rule: GrammarRule })[];

test("each rule has three rows that succeed and one that fails", () => {
  const thin = grammarRules.filter((rule) => {
    const own = rows.filter((row) => row.rule === rule);
    const good = own.filter(({ err }) => err === undefined).length;
    return good < 3 || own.length - good < 1;
  });
  assert.deepEqual(thin, []);
});

test("a row of a rule that succeeds shows that rule", () => {
  const strangers = rows.filter(
    ({ rule, template, delimiters, err }) => err === undefined && !rulesIn(template, delimiters).has(rule),
  );
  assert.deepEqual(
    strangers.map(({ rule, template }) => `${rule}: ${template}`),
    [],
  );
});

const cases: readonly { readonly template: string; readonly rules: readonly GrammarRule[] }[] = [
  { template: "", rules: [] },
  { template: "a {{- .x.y -}} b", rules: ["chain of fields", "field", "text", "trim left", "trim right"] },
  { template: "{{/* only */}}", rules: ["comment"] },
  { template: "{{range $i, $x = 3}}{{else}}{{end}}", rules: rangeRules() },
  { template: "{{if 1}}{{else}}{{end}}", rules: ["decimal", "else", "end", "if"] },
  {
    template: "{{(f).x 0x1p-2",
    rules: ["field", "field of parentheses", "function call", "hexadecimal float", "parentheses"],
  },
];

function rangeRules(): readonly GrammarRule[] {
  return [
    ...["assignment", "decimal", "end", "range", "range else", "range over integer"],
    ...["range with assignment", "range with two variables", "variable"],
  ] as GrammarRule[];
}

for (const { template, rules } of cases)
  test(`${template || "the empty text"} shows ${rules.join(", ") || "no rule"}`, () => {
    assert.deepEqual([...rulesIn(template)].sort(), rules);
  });

test("random templates meet every rule", () => {
  const met = new Set(
    randomTemplates(1, 3_000).flatMap(({ template, delimiters }) => [...rulesIn(template, delimiters)]),
  );
  assert.deepEqual(
    grammarRules.filter((rule) => !met.has(rule)),
    [],
  );
});
