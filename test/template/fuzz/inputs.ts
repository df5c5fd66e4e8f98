/** Inputs to try: random bytes, templates of the grammar, calls, and what becomes of earlier inputs. */
import { findFunction, functionNames } from "../../../plugin/template/go/functions/table.ts";
import { fromText } from "../../../plugin/template/go/text.ts";
import { functionCalls } from "../grammar/calls.ts";
import { randomTemplates } from "../grammar/templates.ts";
import type { Input } from "./attempt.ts";

/** Numbers from 0 up to 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pieces = [
  ...[
    "{{",
    "}}",
    "{{-",
    "-}}",
    " - ",
    "(",
    ")",
    "|",
    ":=",
    "=",
    ",",
    ".",
    "$",
    '"',
    "`",
    "'",
    "/*",
    "*/",
    "\\",
    "\n",
    " ",
  ],
  ...["if ", "else", "end", "range ", "with ", "define ", "template ", "block ", "break", "continue", "nil", "true"],
  ...[".s", ".m.k", ".l", ".mixed", ".big", ".none", "$x", "$x := ", "$i, $v := ", '"d"', "{{end}}", "{{else}}"],
  ...["0", "1", "-1", "9223372036854775807", "-9223372036854775808", "1e308", "1e400", "0x1p-1074", "2i", "1000000"],
  ...[
    "'\\u00e9'",
    '"\\xff"',
    '"%v %d %s"',
    '"%99999999d"',
    '"%*[1]d"',
    '"(a*)*"',
    '"Europe/Berlin"',
    "\xff",
    "\x00",
    "é",
  ],
  ...["__proto__", ".constructor", '"__proto__"', "{{range 3}}", "(dict .s .m)", "(list . .)", "(repeat 99999 .s)"],
].map(fromText);

const words = functionNames.filter((name) => findFunction(name)?.deterministic !== false);

export interface Inputs {
  /** `count` inputs, made also of the corpus as it is now. */
  next(count: number, corpus: readonly Input[]): Input[];
}

export function createInputs(random: () => number): Inputs {
  const below = (count: number): number => Math.floor(random() * count);
  const oneOf = <T>(all: readonly T[]): T => all[below(all.length)]!;
  const seed = (): number => below(2 ** 31);

  const bytes = (): Input => ({
    template: String.fromCharCode(...Array.from({ length: below(60) }, () => below(256))),
  });

  const piecework = (): Input => ({
    template: `{{${Array.from({ length: 1 + below(12) }, () => oneOf(random() < 0.2 ? words : pieces)).join(oneOf(["", " "]))}}}`,
  });

  const changed = (template: string, other: string): string => {
    const at = below(template.length + 1);
    const [before, after] = [template.slice(0, at), template.slice(at)];
    const length = 1 + below(8);
    switch (below(8)) {
      case 0:
        return before + after.slice(length);
      case 1:
        return before + after.slice(0, length) + after;
      case 2:
        return before + String.fromCharCode(below(256)) + after.slice(1);
      case 3:
        return before + other.slice(below(other.length + 1));
      case 4:
        return template.replace(/[a-zA-Z0-9]+/, () => ` ${oneOf(words)} `);
      case 5:
        return before + oneOf(words) + " " + after;
      default:
        return before + oneOf(pieces) + after.slice(below(2) * length);
    }
  };

  const mutated = (corpus: readonly Input[]): Input => {
    const start = oneOf(corpus);
    let { template } = start;
    for (let changes = 1 + below(4); changes > 0; changes--) template = changed(template, oneOf(corpus).template);
    return { ...start, template: template.slice(0, 4_000) };
  };

  /** A tenth runs with Go's default for missing keys. */
  const varied = (input: Input): Input => (random() < 0.1 ? { ...input, missingKey: "default" } : input);

  return {
    next(count, corpus) {
      const fifth = Math.ceil(count / 5);
      const grown = randomTemplates(seed(), fifth);
      const called = functionCalls(seed(), 1);
      const written = [...grown, ...Array.from({ length: fifth }, () => oneOf(called))].map(
        ({ template, delimiters }): Input => ({ template: fromText(template), ...(delimiters && { delimiters }) }),
      );
      const rest = Array.from({ length: count - 2 * fifth }, () => {
        const choice = below(6);
        if (choice === 0) return bytes();
        return choice === 1 || corpus.length === 0 ? piecework() : mutated(corpus);
      });
      return [...written, ...rest].map(varied);
    },
  };
}
