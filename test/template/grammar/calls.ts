/** Random calls of every function whose result depends on its arguments alone, by the types of its parameters. */
import fc from "fast-check";
import { findFunction, functionNames } from "../../../plugin/template/go/functions/table.ts";
import type { GoFunction, GoType } from "../../../plugin/template/go/model.ts";
import type { Row } from "../rows.ts";
import { data } from "./templates.ts";

const strings = [
  ...[
    '""',
    '"a"',
    ".s",
    ".m.k",
    '"a b\\nc\\t d"',
    '"ÀÉ ß ﬁ"',
    '"\\xff\\x00"',
    '"a,b,,c"',
    '"foo_bar-bazQux 9"',
    "`$1 ${x}`",
  ],
  ...['"[a-z]+"', '"(a)(b)?"', '"("', '"1.2.3-rc.1"', '"^1.2 || >3"', '"10"', '"-1.5"', '"0x1F"', '"1e3"', '"true"'],
  ...[
    '"aGVsbG8="',
    '"JBSWY3DP"',
    '"68656c6c6f"',
    '"%zz"',
    '"https://u:p@h:8/p/a?q=1#f"',
    '"/a/../b.tar.gz"',
    '"90m30s"',
  ],
  ...['"2021-03-04"', '"2006-01-02"', '"Mon Jan 2 15:04:05 MST 2006"', '"Europe/Berlin"', '"{\\"a\\":[1,2.5,null]}"'],
  ...['"a: 1\\nb: [x, y]"', '"string"', '"a"', '"k"', '"rsa"', '"x/y"'],
];
const ints = ["0", "1", "2", "3", "5", "-1", "10", "(len .s)", "(int .f)", "'a'"];
const bools = ["true", "false", "(not .e)"];
const lists = [
  ...[".l", ".mixed", "(list)", "(list 1 2 3)", '(list "b" "a" "b" "")', "(list nil 1.5 true)", "(until 3)"],
  ...['(splitList "," "x,y,x")', "(list (list 1) (list 1))"],
];
/** Made anew at each call: some functions change them. */
const maps = ['(dict "a" 1 "b" (dict "c" 2))', '(dict "k" "v" "e" "")', "(dict)", '(dict "b" (dict "d" 3) "z" nil)'];
const others = ["nil", "1.5", "-0.5", ".n", ".f", "(int64 7)", "(float64 2)", "2i", '(semver "1.2.3")', "(b64dec .e)"];
const times = ["0", "1234567890", "(int64 -5)", '(toDate "2006-01-02" "2021-03-04")'];
const everything = [...strings, ...ints, ...bools, ...lists, ...maps, ...others];

/** Arguments by the name of a parameter's type. */
const pools: Readonly<Record<string, readonly string[]>> = {
  string: strings,
  int: ints,
  bool: bools,
  uint32: ints,
  "[]interface {}": lists,
  "map[string]interface {}": maps,
  "time.Time": times,
};

/** Of these an argument that is no time means the present. */
const ofTimes = /date|durationRound/i;
/** Go's order of the result is random; keys alone can be sorted. */
const unordered = new Set(["keys", "values"]);

function argument(name: string, type: GoType): fc.Arbitrary<string> {
  if (type.name === "interface {}" && name === "durationRound") return fc.constantFrom(...strings, "(int64 7)");
  if (type.name === "interface {}" && ofTimes.test(name)) return fc.constantFrom(...times);
  const fitting = pools[type.name] ?? everything;
  const right = fc.constantFrom(...fitting);
  return ofTimes.test(name)
    ? right
    : fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: fc.constantFrom(...everything) });
}

function call(name: string, { params, rest }: GoFunction): fc.Arbitrary<string> {
  const fixed = params.map((type) => argument(name, type));
  const more = rest ? fc.array(argument(name, rest), { maxLength: 4 }) : fc.constant([]);
  const args = fc.tuple(fc.tuple(...fixed), more, fc.nat(29)).map(([first, others, odd]) => {
    const all = [...first, ...others];
    if (odd === 0) all.pop();
    if (odd === 1) all.push("1");
    return all;
  });
  return fc.tuple(args, fc.nat(9)).map(([all, form]) => {
    const direct = [name, ...all].join(" ");
    if (unordered.has(name)) return `{{ ${direct} | sortAlpha }}`;
    if (form < 2 && all.length > 0) return `{{ ${all.at(-1)} | ${[name, ...all.slice(0, -1)].join(" ")} }}`;
    if (form === 2) return `{{ printf "%T" (${direct}) }}`;
    return form === 3 ? `{{ with ${direct} }}[{{ . }}]{{ else }}none{{ end }}` : `{{ ${direct} }}`;
  });
}

/** `perFunction` rows of each function; the same for the same seed. */
export function functionCalls(seed: number, perFunction: number): readonly Row[] {
  return functionNames.flatMap((name) => {
    const known = findFunction(name)!;
    if (known.deterministic === false) return [];
    return fc.sample(call(name, known), { seed, numRuns: perFunction }).map((template) => ({ template, data }));
  });
}
