/** Number and character constants: every type that their digits fit, as Go's ideal constants. */
import type { NumberNode } from "./nodes.ts";
import { parseFloat, parseInteger, parseUnsigned } from "./parse-number.ts";
import type { NumberProblem } from "./parse-number.ts";
import { quote, unquoteChar } from "./quote.ts";
import { ascii } from "./text.ts";

/** The node of a constant, or Go's complaint about it. */
export function parseConstant(
  pos: number,
  text: string,
  type: "number" | "charConstant" | "complex",
): NumberNode | string {
  if (type === "charConstant") return character(pos, text);
  if (type === "complex") return complex(pos, text);
  if (text.endsWith("i")) {
    const im = parseFloat(text.slice(0, -1));
    if (typeof im === "number") return simplified(pos, text, 0, im);
  }
  return real(pos, text);
}

function character(pos: number, text: string): NumberNode | string {
  const part = unquoteChar(text, 1, "'");
  if (!part) return "invalid syntax";
  if (text.slice(1 + part.width) !== "'") return `malformed character constant: ${text}`;
  const int = BigInt(part.rune);
  return { kind: "number", pos, text, int, uint: int, float: part.rune };
}

function complex(pos: number, text: string): NumberNode | string {
  const split = [...text.matchAll(/(?<=[^eEpP])[+-]/g)].at(-1)!.index;
  const parts = [text.slice(0, split), text.slice(split, -1)];
  const [re, im] = parts.map((part) => parseFloat(part)) as [number | NumberProblem, number | NumberProblem];
  if (typeof re === "number" && typeof im === "number") return simplified(pos, text, re, im);
  if (re === "invalid syntax" || im === "invalid syntax") return "syntax error scanning complex number";
  const large = ascii(typeof re === "number" ? parts[1]! : parts[0]!);
  return `strconv.ParseFloat: parsing ${quote(large)}: value out of range`;
}

/** A complex constant without an imaginary part is any number that its real part is. */
function simplified(pos: number, text: string, re: number, im: number): NumberNode {
  const node = { kind: "number" as const, pos, text, complex: { re, im } };
  return im === 0 ? { ...node, float: re, ...integersOf(re) } : node;
}

/** The integers that a float equals. */
function integersOf(float: number): { int?: bigint; uint?: bigint } {
  if (!Number.isInteger(float)) return {};
  const value = BigInt(float);
  return {
    ...(BigInt.asIntN(64, value) === value && { int: value }),
    ...(BigInt.asUintN(64, value) === value && { uint: value }),
  };
}

function real(pos: number, text: string): NumberNode | string {
  const signed = parseInteger(text, 0);
  const unsigned = parseUnsigned(text, 0);
  const int = typeof signed === "bigint" ? signed : undefined;
  const uint = typeof unsigned === "bigint" ? unsigned : int === 0n ? 0n : undefined;
  const whole = int ?? uint;
  if (whole !== undefined)
    return {
      kind: "number",
      pos,
      text,
      float: Number(whole),
      ...(int !== undefined && { int }),
      ...(uint !== undefined && { uint }),
    };
  const float = parseFloat(text);
  if (typeof float !== "number") return `illegal number syntax: ${quote(ascii(text))}`;
  if (!/[.eEpP]/.test(text)) return `integer overflow: ${quote(ascii(text))}`;
  return { kind: "number", pos, text, float, ...integersOf(float) };
}
