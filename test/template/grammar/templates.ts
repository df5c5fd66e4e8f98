/**
 * Random templates of the whole grammar: most of them parse, many of them run, some are broken on purpose.
 *
 * The numbers are small: what Go would loop over for minutes ends at our budgets, which are tested on their own.
 */
import fc from "fast-check";
import type { Row } from "../rows.ts";

/** What the templates may name. */
export const data: NonNullable<Row["data"]> = {
  s: "héllo wörld",
  e: "",
  n: 3,
  f: 2.5,
  t: true,
  nil: null,
  l: ["c", "a", "b"],
  mixed: [1, "two", null, [3], { k: 4 }],
  m: { k: "v", z: 1, in: { leaf: "L" } },
};

const any = fc.constantFrom;

const literal = any(
  ...['"a"', '"b\\n\\x41é"', "`raw\\n`", '""', "'x'", "'\\n'", "'世'", "true", "false", "nil"],
  ...["0", "1", "7", "-5", "+2", "0x1F", "0o17", "0b101", "017", "1_000", "1.5", ".5", "-0.0", "1e3", "0x1p4"],
  ...["2i", "1+2i", "100000000000000000000.0", "2e-3", "0X7", "1_0.5"],
);
/** Wrong in one way each. */
const wrong = any("08", "0x", "1__0", "'ab'", '"\\q"', "$none", "nofunction", "()", "..", "1a", '"open', "$x :=", "#");
const path = any(
  ...[".s", ".e", ".n", ".f", ".t", ".nil", ".l", ".mixed", ".m", ".m.k", ".m.in", ".m.in.leaf"],
  ...[".missing", ".m.none", ".s.x", ".nil.x", "$", ".m.z", ".mixed", ".l", "$.s", "$.m.k", "$x", "$y", "$x.k", "."],
);
const predicate = any("eq", "ne", "lt", "le", "gt", "ge", "and", "or");
const simple = any("print", "println", "len", "not", "html", "js", "urlquery", "upper", "toString", "kindOf", "quote");
const many = any("print", "println", 'printf "%v|%v"', 'printf "%d %s"', "list", "index .mixed", "index .m", "index");
const space = any(" ", " ", " ", "  ", "\t", "\n", "");

interface Forms {
  operand: string;
  command: string;
  pipe: string;
  action: string;
  control: string;
  loop: string;
  body: string;
  loopBody: string;
}

const delimited = (inner: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(any("{{", "{{", "{{ ", "{{- "), inner, any("}}", "}}", " }}", " -}}"))
    .map(([left, text, right]) => `${left}${text}${right}`);

const joined = (...parts: readonly (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
  fc.tuple(...parts.map((part) => (typeof part === "string" ? fc.constant(part) : part))).map((all) => all.join(""));

const text = any("text", " ", "\n", "a\n b ", "}} { ", "é ", "{ { ", "-", "");

type Weighted = readonly [weight: number, arbitrary: fc.Arbitrary<string>];
const weighted = (all: readonly Weighted[]) => all.map(([weight, arbitrary]) => ({ weight, arbitrary }));

const choice = (...all: readonly Weighted[]): fc.Arbitrary<string> => fc.oneof(...weighted(all));

/** A choice that comes back to itself: from `maxDepth` levels on it is always the first. */
const recursive = (depthIdentifier: string, maxDepth: number, ...all: readonly Weighted[]): fc.Arbitrary<string> =>
  fc.oneof({ depthIdentifier, maxDepth }, ...weighted(all));

const leaf = choice([40, literal], [50, path], [1, wrong]);

const { body } = fc.letrec<Forms>((tie: fc.LetrecTypedTie<Forms>) => {
  const [operand, pipe, body] = [tie("operand"), tie("pipe"), tie("body")];
  return {
    operand: recursive(
      "parentheses",
      3,
      [90, leaf],
      [20, joined("(", pipe, ")")],
      [10, joined("(", pipe, ")", any(".k", ".in.leaf", ".none"))],
    ),
    command: choice(
      [5, operand],
      [3, joined(predicate, " ", operand, " ", operand)],
      [3, joined(simple, " ", operand)],
      [3, joined(many, " ", operand, " ", operand)],
      [1, joined(any("index", "len", "call"), " ", operand)],
    ),
    pipe: choice(
      [6, tie("command")],
      [2, joined(tie("command"), space, "|", space, simple)],
      [1, joined(tie("command"), " | ", many, " ", operand, " | ", simple)],
    ),
    action: delimited(
      choice(
        [8, pipe],
        [2, joined(any("$x", "$y"), any(" := ", " = "), pipe)],
        [1, joined("$z := ", pipe)],
        [1, any("/* note */", "template `d`", 'template "none"')],
        [1, joined('template "d" ', operand)],
      ),
    ),
    control: fc.oneof(
      joined(delimited(joined("if ", pipe)), body, "{{end}}"),
      joined(delimited(joined("if ", pipe)), body, any("{{else}}", "{{- else -}}"), body, "{{end}}"),
      joined("{{if ", pipe, "}}", body, "{{else if ", pipe, "}}", body, "{{else}}", body, "{{end}}"),
      joined("{{if $v := ", pipe, "}}", body, "{{$v}}{{end}}"),
      joined(delimited(joined("with ", pipe)), body, "{{end}}"),
      joined("{{with $x := ", pipe, "}}", body, "{{else with ", pipe, "}}", body, "{{else}}", body, "{{end}}"),
      joined("{{block ", any('"b"', '"b1"', '"b2"', '"b3"', '"b4"', '"d"', "`c`"), " ", pipe, "}}", body, "{{end}}"),
      joined('{{define "', any("d ", "e", "f", "g", "h", "d"), '"}}', body, "{{end}}"),
    ),
    loop: fc.oneof(
      joined(delimited(joined("range ", pipe)), tie("loopBody"), "{{end}}"),
      joined("{{range ", any(".l", ".m", ".mixed", "3", ".nil", ".s"), "}}", tie("loopBody"), "{{else}}e{{end}}"),
      joined("{{range $v := ", pipe, "}}", tie("loopBody"), "{{$v}}{{end}}"),
      joined("{{range $i, $v := ", any(".l", ".m", ".mixed", "2"), "}}", tie("loopBody"), "{{$i}}{{$v}}{{end}}"),
      joined("{{range $x", any("", ", $y"), " = ", any(".l", ".m", ".mixed"), "}}", tie("loopBody"), "{{end}}"),
    ),
    loopBody: choice(
      [3, body],
      [1, joined(body, any("{{break}}", "{{continue}}"), body)],
      [1, joined("{{if ", pipe, "}}", any("{{break}}", "{{continue}}"), "{{end}}", body)],
    ),
    body: recursive(
      "blocks",
      4,
      [4, joined(text, tie("action"), text)],
      [1, text],
      [2, tie("action")],
      [2, joined(tie("body"), tie("body"))],
      [2, tie("control")],
      [2, tie("loop")],
    ),
  };
});

/** A text with one place cut out, doubled, or filled with a piece of grammar. */
const broken = (whole: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      whole,
      fc.nat(10_000),
      fc.integer({ min: 0, max: 4 }),
      any("", "{{", "}}", "(", ")", ".", "$", '"', "|", "`"),
    )
    .map(([template, place, length, piece]) => {
      const at = place % (template.length + 1);
      const rest = place % 3 === 0 ? template.slice(at) : template.slice(at + length);
      return template.slice(0, at) + piece + rest;
    });

const prelude = '{{$x := .m}}{{$y := 1}}{{define "d"}}<{{.}}>{{end}}';
const template = choice(
  [4, joined(prelude, body)],
  [4, joined(prelude, text, body, text, body)],
  [1, broken(joined(prelude, body))],
);

const row: fc.Arbitrary<Row> = fc
  .tuple(template, fc.oneof({ weight: 3, arbitrary: any("error" as const) }, any("default" as const)), fc.nat(19))
  .map(([whole, missingKey, choice]) => {
    if (choice > 0) return { template: whole, data, missingKey };
    const delimiters = ["<%", "%>"] as const;
    return { template: whole.replaceAll("{{", "<%").replaceAll("}}", "%>"), data, missingKey, delimiters };
  });

/** The same templates for the same seed. */
export const randomTemplates = (seed: number, count: number): readonly Row[] =>
  fc.sample(row, { seed, numRuns: count });
