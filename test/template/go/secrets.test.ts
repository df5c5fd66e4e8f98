/** What leaves in an error: Go's words, without anything that a value shaped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BudgetError,
  TemplateError,
  exactText,
  secret,
  shownText,
  unmarked,
} from "../../../plugin/template/go/errors.ts";
import { Machine } from "../../../plugin/template/go/machine.ts";
import { prepare } from "../../../plugin/template/go/program.ts";
import { fromText } from "../../../plugin/template/go/text.ts";
import { defaultBudgets } from "../../../plugin/template/request.ts";
import { goMap, loadRows, stillWorld } from "../rows.ts";
import type { Row } from "../rows.ts";

function errorOf({ template, data = {}, missingKey = "error", delimiters }: Row): TemplateError | undefined {
  try {
    const pair = delimiters && { left: delimiters[0], right: delimiters[1] };
    const program = prepare(fromText("t"), fromText(template), pair);
    new Machine(program, goMap(data), { missingKey, limits: defaultBudgets, world: stillWorld }).run();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof BudgetError) return undefined;
    assert.ok(thrown instanceof TemplateError, String(thrown));
    return thrown;
  }
}

const shown: readonly { readonly name: string; readonly row: Row; readonly text: string }[] = [
  {
    name: "a missing key is named",
    row: { template: "{{ .passwd }}", data: { password: "hunter2" } },
    text: 'template: t:1:3: executing "t" at <.passwd>: map has no entry for key "passwd"',
  },
  {
    name: "types are named",
    row: { template: "{{ if eq .password 1 }}{{ end }}", data: { password: "hunter2" } },
    text: 'template: t:1:6: executing "t" at <eq .password 1>: error calling eq: incompatible types for comparison: string and int',
  },
  {
    name: "a value is not: the callee of call",
    row: { template: "{{ .password | call }}", data: { password: "hunter2" } },
    text: 'template: t:1:15: executing "t" at <call>: error calling call: non-function [secret] of type string',
  },
  {
    name: "a value is not: what range was given",
    row: { template: "{{ range .password }}{{ end }}", data: { password: "hunter2" } },
    text: 'template: t:1:9: executing "t" at <.password>: range can\'t iterate over [secret]',
  },
  {
    name: "a value is not: an index that came from data",
    row: { template: "{{ index .list .pin }}", data: { list: ["a"], pin: 7 } },
    text: 'template: t:1:3: executing "t" at <index .list .pin>: error calling index: cannot index slice/array with type float64',
  },
  {
    name: "a length says something of the value it belongs to",
    row: { template: "{{ index .list (len .password) }}", data: { list: ["a"], password: "hunter2" } },
    text: 'template: t:1:3: executing "t" at <index .list (len .password)>: error calling index: index out of range: [secret]',
  },
  {
    name: "constants of the template are its author's own",
    row: { template: '{{ index "abc" 7 }}' },
    text: 'template: t:1:3: executing "t" at <index "abc" 7>: error calling index: index out of range: 7',
  },
  {
    name: "one value beside constants hides all operands",
    row: { template: "{{ index .password 99 }}", data: { password: "hunter2" } },
    text: 'template: t:1:3: executing "t" at <index .password 99>: error calling index: index out of range: [secret]',
  },
];

for (const { name, row, text } of shown)
  test(name, () => {
    const error = errorOf(row);
    assert.equal(error && shownText(error.message), text);
  });

test("no error of any row lets a value out, whatever the value is", () => {
  let errors = 0;
  for (const row of ["language", "builtins", "printf"].flatMap(loadRows)) {
    const data = JSON.parse(
      JSON.stringify(row.data ?? {}, (_, value: unknown) => (typeof value === "string" ? "canary-7f" : value)),
    ) as Row["data"];
    const error = errorOf({ ...row, data: data! });
    if (!error) continue;
    errors++;
    assert.doesNotMatch(shownText(error.message), /canary/, row.template);
  }
  assert.ok(errors > 60, `${errors} rows failed`);
});

test("Go's exact text is kept for comparison alone", () => {
  const message = `error calling x: ${secret("caf\xc3\xa9")} and ${secret("b")}`;
  assert.equal(exactText(message), "error calling x: café and b");
  assert.equal(shownText(message), "error calling x: [secret] and [secret]");
  assert.equal(shownText(unmarked(message)), "error calling x: café and b");
});

test("a marked part inside a marked part is one part", () => {
  assert.equal(shownText(secret(`a ${secret("b")} c`)), "[secret]");
});
