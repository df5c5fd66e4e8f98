/** The order in which go-yaml writes keys: letters after other characters, numbers inside by their value. */
import type { Meter } from "../functions.ts";

const isLetter = (char: string | undefined): boolean => char !== undefined && /^\p{L}$/u.test(char);
const isDigit = (char: string | undefined): boolean => char !== undefined && /^\p{Nd}$/u.test(char);
const codeOf = (char: string): number => char.codePointAt(0)!;

/** The number at a place, in 64 bits as Go counts, and where it ends. */
function numberAt(chars: readonly string[], from: number, start: bigint): readonly [value: bigint, end: number] {
  let value = start;
  let at = from;
  for (; isDigit(chars[at]); at++) value = BigInt.asIntN(64, value * 10n + BigInt(codeOf(chars[at]!) - 0x30));
  return [value, at];
}

/** A zero in the middle of a number does not start one: whether a digit other than zero stands before it. */
function isInsideNumber(chars: readonly string[], at: number): boolean {
  for (let before = at - 1; before >= 0 && isDigit(chars[before]); before--) if (chars[before] !== "0") return true;
  return false;
}

function lessAt(a: readonly string[], b: readonly string[], at: number): boolean {
  const [charA, charB] = [a[at]!, b[at]!];
  const [letterA, letterB] = [isLetter(charA), isLetter(charB)];
  if (letterA && letterB) return codeOf(charA) < codeOf(charB);
  if (letterA || letterB) return letterB;
  const start = (charA === "0" || charB === "0") && isInsideNumber(a, at) ? 1n : 0n;
  const [numberA, endA] = numberAt(a, at, start);
  const [numberB, endB] = numberAt(b, at, start);
  if (numberA !== numberB) return numberA < numberB;
  return endA === endB ? codeOf(charA) < codeOf(charB) : endA < endB;
}

function less(a: readonly string[], b: readonly string[]): boolean {
  for (let at = 0; at < a.length && at < b.length; at++) if (a[at] !== b[at]) return lessAt(a, b, at);
  return a.length < b.length;
}

/** The keys in that order. */
export function sortedKeys(meter: Meter, keys: Iterable<string>): string[] {
  const split = [...keys].map((key) => ({ key, chars: [...key] }));
  meter.charge(split.length);
  return split.sort((a, b) => (less(a.chars, b.chars) ? -1 : less(b.chars, a.chars) ? 1 : 0)).map(({ key }) => key);
}
