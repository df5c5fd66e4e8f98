/** What a template may use up, and that nothing gets round it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BudgetError } from "../../../plugin/template/go/errors.ts";
import type { Slice } from "../../../plugin/template/go/machine.ts";
import { Machine, OverrunError } from "../../../plugin/template/go/machine.ts";
import { prepare } from "../../../plugin/template/go/program.ts";
import { ascii, fromText } from "../../../plugin/template/go/text.ts";
import { anyMap } from "../../../plugin/template/go/values.ts";
import { defaultBudgets } from "../../../plugin/template/request.ts";
import { goMap, renderRow, stillWorld } from "../rows.ts";

const options = { missingKey: "error", limits: defaultBudgets, world: stillWorld } as const;

const repeat = (part: string, count: number): string => part.repeat(count);

const cases: readonly { readonly name: string; readonly template: string; readonly want: string }[] = [
  { name: "a loop without end", template: "{{ range 9223372036854775807 }}{{ end }}", want: "budget: steps" },
  {
    name: "loops in loops",
    template: `${repeat("{{ range 100 }}", 10)}${repeat("{{ end }}", 10)}`,
    want: "budget: steps",
  },
  {
    name: "a template that calls itself",
    template: '{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}',
    want: "budget: depth",
  },
  {
    name: "two templates that call each other",
    template:
      '{{ define "a" }}{{ template "b" }}{{ end }}{{ define "b" }}{{ template "a" }}{{ end }}{{ template "a" }}',
    want: "budget: depth",
  },
  {
    name: "a result that is too long",
    template: `{{ range 5000 }}${repeat("0123456789", 100)}{{ end }}`,
    want: "budget: output",
  },
  {
    name: "a value that doubles",
    template: '{{ $x := "0123456789abcdef" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}',
    want: "budget: output",
  },
  {
    name: "many long values that are thrown away",
    template: '{{ $x := printf "%1000000d" 1 }}{{ range 100 }}{{ $y := print $x $x }}{{ end }}',
    want: "budget: steps",
  },
  {
    name: "many wide fields in one format, before they are made",
    template: `{{ printf "${repeat("%1000000[1]d", 400)}" 1 }}`,
    want: "budget: steps",
  },
  { name: "a fifth more than the steps", template: "{{ range 600000 }}{{ end }}", want: "budget: steps" },
  { name: "a width", template: '{{ range 100 }}{{ $x := printf "%1000000d" 1 }}{{ end }}', want: "budget: steps" },
  {
    name: "parentheses",
    template: `{{ ${repeat("(", 1001)}1${repeat(")", 1001)} }}`,
    want: "budget: depth",
  },
  {
    name: "control structures",
    template: `${repeat("{{ if . }}", 1001)}${repeat("{{ end }}", 1001)}`,
    want: "budget: depth",
  },
  {
    name: "an else-if chain, which nests too",
    template: `{{ if . }}${repeat("{{ else if . }}", 1001)}{{ end }}`,
    want: "budget: depth",
  },
];

test("a value that contains itself ends at the depth budget, wherever it is printed", () => {
  const self = anyMap();
  self.entries.set(ascii("self"), self);
  for (const template of ["{{ . }}", "{{ print . }}", "{{ println . . }}", '{{ printf "%v" . }}', "{{ html . }}"]) {
    const machine = new Machine(prepare(ascii("t"), fromText(template)), self, options);
    assert.throws(
      () => machine.run(),
      (thrown) => thrown instanceof BudgetError && ["depth", "steps"].includes(thrown.budget),
    );
  }
});

test("a value that is doubled in itself is not printed twice two to the power of forty times", () => {
  let value = anyMap([[ascii("leaf"), ascii("x".repeat(100_000))]]);
  for (let i = 0; i < 40; i++) value = anyMap(["a", "b"].map((key) => [ascii(key), value] as const));
  for (const template of ["{{ . }}", "{{ println . }}", '{{ printf "%q" . }}']) {
    const machine = new Machine(prepare(ascii("t"), fromText(template)), value, options);
    assert.throws(
      () => machine.run(),
      (thrown) => thrown instanceof BudgetError && thrown.budget === "output",
    );
  }
});

for (const { name, template, want } of cases)
  test(`${name} ends at the budget`, () => {
    const result = renderRow({ template });
    assert.equal("err" in result ? result.err : `${result.out.length} bytes`, want);
  });

const within: readonly { readonly name: string; readonly template: string; readonly bytes: number }[] = [
  { name: "half the steps", template: "{{ range 450000 }}{{ end }}", bytes: 0 },
  { name: "2000 parentheses side by side", template: "{{ (1) }}".repeat(2_000), bytes: 2_000 },
  { name: "999 parentheses", template: `{{ ${repeat("(", 999)}1${repeat(")", 999)} }}`, bytes: 1 },
  { name: "999 ifs", template: `${repeat("{{ if 1 }}", 999)}x${repeat("{{ end }}", 999)}`, bytes: 1 },
  {
    name: "999 templates deep",
    template:
      '{{ define "r" }}{{ . }}{{ end }}' +
      Array.from({ length: 998 }, (_, i) => `{{ define "r${i}" }}{{ template "r${i ? i - 1 : ""}" . }}{{ end }}`).join(
        "",
      ) +
      '{{ template "r997" 1 }}',
    bytes: 1,
  },
  { name: "4 MiB", template: `{{ range 4096 }}${repeat("x", 1024)}{{ end }}`, bytes: 4 * 1024 * 1024 },
];

for (const { name, template, bytes } of within)
  test(`${name} is within the budget`, () => {
    const result = renderRow({ template });
    assert.equal("out" in result ? result.out.length : result.err, bytes);
  });

const slice: Slice = { ms: 5, overrunMs: 15, overrunBytes: 1_000 };

/** A clock that moves by `stepMs` whenever it is read. */
const walking = (stepMs: number): (() => number) => {
  let nowMs = 0;
  return () => (nowMs += stepMs);
};

const machineOf = (template: string, monotonicMs: () => number): Machine =>
  new Machine(prepare(fromText("t"), fromText(template)), goMap({}), {
    missingKey: "error",
    limits: defaultBudgets,
    world: { ...stillWorld, monotonicMs },
  });

test("an execution stops after a slice and goes on where it was", () => {
  const machine = machineOf("{{ range $i := 3000 }}{{ $i }},{{ end }}", walking(3));
  let slices = 1;
  while (!machine.run(slice)) slices++;
  assert.ok(slices > 5, `${slices} slices`);
  assert.equal(machine.output, Array.from({ length: 3000 }, (_, i) => `${i},`).join(""));
});

test("executing time is counted, pauses are not", () => {
  let nowMs = 0;
  const machine = machineOf("{{ range 100000 }}{{ end }}", () => (nowMs += 3));
  assert.throws(
    () => {
      while (!machine.run(slice)) nowMs += 1_000_000;
    },
    (thrown) => thrown instanceof BudgetError && thrown.budget === "time",
  );
  assert.ok(machine.spentMs > 1_900 && machine.spentMs < 2_100, `${machine.spentMs} ms`);
});

test("one long step overruns its slice; many short ones do not", () => {
  const costly = `{{ ${repeat('printf "%0900d" 1 | len | ', 1500)}print }}`;
  const long = machineOf(costly, walking(20));
  assert.throws(() => long.run(slice), OverrunError);
  const short = machineOf("{{ range 4000 }}{{ end }}", walking(20));
  while (!short.run(slice));
});

test("a large value overruns a slice, whatever the time", () => {
  assert.throws(() => machineOf('{{ printf "%1001d" 1 | len }}', walking(0)).run(slice), OverrunError);
  assert.ok(machineOf('{{ printf "%1000d" 1 | len }}', walking(0)).run(slice));
});
