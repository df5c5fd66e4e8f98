/** Every template function, row by row as Go and sprig have it, and what attackers would ask of them. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { BudgetError, shownText, TemplateError } from "../../plugin/template/go/errors.ts";
import { functionNames } from "../../plugin/template/go/functions/table.ts";
import { Machine } from "../../plugin/template/go/machine.ts";
import { prepare } from "../../plugin/template/go/program.ts";
import { fromText } from "../../plugin/template/go/text.ts";
import { defaultBudgets } from "../../plugin/template/request.ts";
import { expected, goMap, loadRows, renderRow, stillWorld } from "./rows.ts";
import type { Row } from "./rows.ts";

/** A row says which function it is for; one that does not is for every function that its template names. */
type FunctionRow = Row & { readonly of?: string };

const files = readdirSync(new URL("./data/", import.meta.url))
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -".json".length));
const rowsOf = new Map(files.map((file) => [file, loadRows(file) as readonly FunctionRow[]]));

for (const [file, rows] of rowsOf)
  test(`${file}: every row of a function reads as in Go`, () => {
    for (const row of rows) assert.deepEqual(renderRow(row), expected(row), row.template);
  });

/** The functions that a row tells something about. */
function functionsOf({ of, template, delimiters }: FunctionRow): readonly string[] {
  if (of !== undefined) return [of];
  try {
    const pair = delimiters && { left: delimiters[0], right: delimiters[1] };
    return [...prepare(fromText("t"), fromText(template), pair).functions];
  } catch {
    return [];
  }
}

/** How many rows succeed and fail, by function. */
function tally(): Map<string, { good: number; bad: number }> {
  const counts = new Map(functionNames.map((name) => [name, { good: 0, bad: 0 }]));
  for (const row of [...rowsOf.values()].flat())
    for (const name of functionsOf(row)) {
      const count = counts.get(name);
      assert.ok(count, `no function is called ${name}: ${row.template}`);
      if (row.err === undefined) count.good++;
      else count.bad++;
    }
  return counts;
}

/** No value of a template is a function, so Go's `call` has nothing that it could call. */
const neverSucceeds = new Set(["call"]);

test("each function has three rows that succeed and one that fails", () => {
  const thin = [...tally()].filter(([name, { good, bad }]) => (good < 3 && !neverSucceeds.has(name)) || bad < 1);
  assert.deepEqual(thin, []);
});

test("what an error says of the data reads [secret]", () => {
  const canary = "Zw9-canary";
  const data = { s: canary, n: canary.length, l: [canary], m: { [canary]: canary, path: canary } };
  const templates = [...rowsOf.values()]
    .flat()
    .filter(({ err, template }) => err?.startsWith("exec") && template.includes(".s"))
    .map(({ template }) => template);
  const more = functionNames.flatMap((name) => [`{{ ${name} .s .s .s }}`, `{{ ${name} .s .s }}`, `{{ .s | ${name} }}`]);
  for (const template of [...templates, ...more]) {
    const shown = shownError(template, data);
    assert.ok(!shown?.includes(canary), `${template}: ${shown}`);
  }
});

const marked: readonly (readonly [template: string, shown: string])[] = [
  ["{{ substr -1 99 .s }}", "slice bounds out of range [:[secret]] with length [secret]"],
  ["{{ substr (len .s) 1 .s }}", "slice bounds out of range [[secret]:[secret]]"],
  ["{{ fail .s }}", "error calling fail: [secret]"],
  ["{{ mustFromJson .s }}", "invalid character [secret] looking for beginning of value"],
  ["{{ mustRegexFind (cat .s `[`) `a` }}", "error parsing regexp: missing closing ]: `[secret]`"],
  ["{{ semverCompare .s `1` }}", "improper constraint: [secret]"],
  ["{{ mustToDate `2006` .s }}", "parsing time [secret] as [secret]: cannot parse [secret] as [secret]"],
  [
    "{{ urlParse (cat .s `:`) }}",
    "unable to parse url: parse [secret]: first path segment in URL cannot contain colon",
  ],
  ["{{ mustDateModify .s now }}", "time: invalid duration [secret]"],
  [
    "{{ fail `constant words of the template's author` }}",
    "error calling fail: constant words of the template's author",
  ],
];

for (const [template, shown] of marked)
  test(`an error reads: ${shown}`, () => {
    const error = shownError(template, { s: "Zw9-canary" });
    assert.ok(error?.endsWith(shown), error);
  });

/** The error as it may leave, or undefined when there is none. */
function shownError(template: string, data: NonNullable<Row["data"]>): string | undefined {
  const program = prepare(fromText("t"), fromText(template), undefined);
  if ([...program.functions].some((name) => slow.has(name))) return undefined;
  const machine = new Machine(program, goMap(data), { missingKey: "error", limits: defaultBudgets, world: stillWorld });
  try {
    machine.run();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof TemplateError) return shownText(thrown.message);
    throw thrown;
  }
}

/** Key generation and password hashing: their texts are tested with them. */
const slow = new Set(["bcrypt", "htpasswd", "derivePassword", "genPrivateKey", "genCA", "genSelfSignedCert"]);

const doubled = "{{ $l := list 1 2 }}{{ range until 40 }}{{ $l = list $l $l }}{{ end }}";
const doubledDict = '{{ $d := dict "k" 1 }}{{ range until 40 }}{{ $d = dict "a" $d "b" $d }}{{ end }}';
const endless = '{{ $d := dict }}{{ $_ := set $d "d" $d }}';
const deep = "{{ $l := list }}{{ range until 5000 }}{{ $l = list $l }}{{ end }}";
const long = '{{ $s := repeat 4000000 "a" }}';
const many = '{{ $s := repeat 200000 "a," }}';

/** Templates that must end with a budget, and not by Go's own limits: Go would run out of memory or time. */
const attacks: readonly (readonly [template: string, budget: "steps" | "depth" | "output" | "time"])[] = [
  ['{{ repeat 1000000000 "x" }}', "output"],
  ['{{ repeat 9223372036854775807 "xy" }}', "output"],
  [`${long}{{ repeat 3 $s }}`, "output"],
  [`${long}{{ cat $s $s }}`, "output"],
  [`${long}{{ list $s $s | join "" }}`, "output"],
  [`${long}{{ quote $s $s }}`, "output"],
  [`${long}{{ squote $s $s }}`, "output"],
  ["{{ indent 1000000000 `x` }}", "output"],
  ["{{ nindent 9223372036854775807 `x` }}", "output"],
  [`${many}{{ $s | replace "," "\\n" | indent 1000 }}`, "output"],
  [`${many}{{ $s | replace "," (repeat 1000 "b") }}`, "output"],
  [`${long}{{ replace "" "bbbb" $s }}`, "steps"],
  [`${long}{{ wrapWith 1 "bbbb" $s }}`, "steps"],
  [`${long}{{ wrapWith 1000 (repeat 5000 "b") $s }}`, "output"],
  [`${long}{{ splitList "" $s }}`, "steps"],
  [`${long}{{ split "" $s }}`, "steps"],
  [`${long}{{ b64enc $s }}`, "output"],
  [`${long}{{ b32enc $s }}`, "output"],
  [`${long}{{ toJson (list $s $s) }}`, "output"],
  ["{{ until 1000000000 }}", "steps"],
  ["{{ until -9223372036854775808 }}", "steps"],
  ["{{ untilStep 0 9223372036854775807 1 }}", "steps"],
  ["{{ untilStep 9223372036854775806 9223372036854775807 2 }}", "steps"],
  ["{{ seq 1000000000 }}", "steps"],
  ["{{ seq 9223372036854775807 -1 0 }}", "steps"],
  [`${doubled}{{ $l }}`, "steps"],
  [`${doubled}{{ toString $l }}`, "steps"],
  [`${doubled}{{ join "" $l }}`, "steps"],
  [`${doubled}{{ sortAlpha $l }}`, "steps"],
  [`${doubled}{{ toJson $l }}`, "steps"],
  [`${doubled}{{ toPrettyJson $l }}`, "steps"],
  [`${doubled}{{ deepCopy $l }}`, "steps"],
  [`${doubled}{{ deepEqual $l (deepCopy (list $l)) }}`, "steps"],
  [`${doubled}{{ uniq (list $l $l) }}`, "steps"],
  [`${doubled}{{ has 1 (list $l) }}`, "steps"],
  [`${doubled}{{ without (list $l) 1 }}`, "steps"],
  [`${doubled}{{ toDecimal $l }}`, "steps"],
  [`${doubled}{{ dict $l 1 }}`, "steps"],
  [`${doubledDict}{{ toRawJson $d }}`, "steps"],
  [`${doubledDict}{{ merge (deepCopy (dict "a" 1)) (dict "x" $d) | toJson }}`, "steps"],
  [`${endless}{{ deepCopy $d }}`, "depth"],
  [`${endless}{{ toString $d }}`, "depth"],
  [`${endless}{{ cat $d }}`, "depth"],
  [`${endless}{{ merge $d (dict "d" $d) }}`, "depth"],
  [`${endless}{{ deepEqual $d (dict "d" $d) }}`, "depth"],
  [`${deep}{{ toJson $l }}`, "depth"],
  [`${deep}{{ deepCopy $l }}`, "depth"],
  ['{{ fromJson (printf "%s1%s" (repeat 100000 "[") (repeat 100000 "]")) }}', "depth"],
  ['{{ mustFromJson (repeat 100000 "{\\"a\\":") }}', "depth"],
  ['{{ fromJson (printf "[%s1]" (repeat 1500000 "1,")) }}', "steps"],
  [`${long}{{ regexReplaceAll "" $s "bbbb" }}`, "steps"],
  [`${many}{{ regexReplaceAll "a" $s (repeat 1000 "b") }}`, "output"],
  [`${many}{{ regexReplaceAll "(a)" $s (repeat 100 "$1") }}`, "steps"],
  [`${many}{{ regexReplaceAllLiteral "," $s (repeat 1000 "b") }}`, "output"],
  ['{{ regexMatch "(?i)[a-z]{1,1000}$z" (repeat 250000 "a") }}', "steps"],
  ['{{ regexMatch "((((a{1,10}){1,10}){1,10})z)$" (repeat 4000000 "a") }}', "steps"],
  [`${long}{{ regexMatch $s "a" }}`, "steps"],
  ['{{ semverCompare (repeat 100000 "1 ") "1.0" }}', "steps"],
  ['{{ semverCompare (repeat 4000000 " ") "1.0" }}', "steps"],
  ["{{ $l := until 3000 }}{{ $m := list }}{{ range $l }}{{ $m = append $m (list .) }}{{ end }}{{ uniq $m }}", "steps"],
  ['{{ date (repeat 1000000 "January ") 0 }}', "output"],
  ["{{ $l := list 1 }}{{ range until 30 }}{{ $l = concat $l $l }}{{ end }}", "steps"],
  ["{{ $l := list 1 }}{{ range until 6000 }}{{ $l = append $l 1 }}{{ end }}{{ len $l }}", "steps"],
];

for (const [template, budget] of attacks)
  test(`a budget ends ${template.length > 70 ? `${template.slice(0, 30)}…${template.slice(-38)}` : template}`, () => {
    assert.deepEqual(renderRow({ template }), { err: `budget: ${budget}` });
  });

test("the clock is looked at between matches that each look ahead to the end", () => {
  let now = 0;
  const world = { ...stillWorld, monotonicMs: () => (now += 400) };
  const template = '{{ regexFindAll "a(?:.*z)?" (repeat 4000 "a") -1 | len }}';
  const program = prepare(fromText("t"), fromText(template), undefined);
  const machine = new Machine(program, goMap({}), { missingKey: "error", limits: defaultBudgets, world });
  assert.throws(
    () => machine.run(),
    (thrown) => thrown instanceof BudgetError && thrown.budget === "time",
  );
});
