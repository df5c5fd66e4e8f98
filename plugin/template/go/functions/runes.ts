/**
 * Unicode as Go knows it: properties and one-to-one case mappings of single runes.
 *
 * Go's tables are Unicode 15; the running engine's are newer. What came later has no property here.
 */

type Range = readonly [from: number, to: number];

/** Letters, digits and punctuation that Unicode assigned after version 15. */
const assignedLater: readonly Range[] = [
  [0x88f, 0x88f],
  [0xc5c, 0xc5c],
  [0xcdc, 0xcdc],
  [0x1b4e, 0x1b4f],
  [0x1b7f, 0x1b7f],
  [0x1c89, 0x1c8a],
  [0xa7cb, 0xa7cf],
  [0xa7d2, 0xa7d2],
  [0xa7d4, 0xa7d4],
  [0xa7da, 0xa7dc],
  [0xa7f1, 0xa7f1],
  [0x105c0, 0x105f3],
  [0x10940, 0x10959],
  [0x10d40, 0x10d85],
  [0x10ec2, 0x10ec7],
  [0x10ed0, 0x10ed0],
  [0x11380, 0x113d8],
  [0x116d0, 0x116e3],
  [0x11bc0, 0x11bf9],
  [0x11db0, 0x11de9],
  [0x13460, 0x143fa],
  [0x16100, 0x16139],
  [0x16d40, 0x16d79],
  [0x16ea0, 0x16ed3],
  [0x16ff2, 0x16ff6],
  [0x187f8, 0x187ff],
  [0x18cff, 0x18cff],
  [0x18d09, 0x18df2],
  [0x1ccf0, 0x1ccf9],
  [0x1e5d0, 0x1e5ff],
  [0x1e6c0, 0x1e6ff],
  [0x2b73a, 0x2b73f],
  [0x2cea2, 0x2cead],
  [0x2ebf0, 0x2ee5d],
  [0x323b0, 0x33479],
];

const isLater = (rune: number): boolean =>
  rune >= 0x88f && assignedLater.some(([from, to]) => rune >= from && rune <= to);

const has = (form: RegExp, rune: number): boolean => form.test(String.fromCodePoint(rune)) && !isLater(rune);

const within = (rune: number, from: number, to: number): boolean => rune >= from && rune <= to;

/** unicode.IsSpace. */
export function isSpace(rune: number): boolean {
  if (rune <= 0xff) return within(rune, 9, 13) || rune === 0x20 || rune === 0x85 || rune === 0xa0;
  return rune !== 0xfeff && /\s/u.test(String.fromCodePoint(rune));
}

/** unicode.IsUpper. */
export const isUpper = (rune: number): boolean => (rune < 0x80 ? within(rune, 0x41, 0x5a) : has(/\p{Lu}/u, rune));
/** unicode.IsLower. */
export const isLower = (rune: number): boolean =>
  rune < 0x80 ? within(rune, 0x61, 0x7a) : rune === 0x295 || has(/\p{Ll}/u, rune);
/** unicode.IsTitle. */
export const isTitle = (rune: number): boolean => rune >= 0x80 && has(/\p{Lt}/u, rune);
/** unicode.IsLetter. */
export const isLetter = (rune: number): boolean =>
  rune < 0x80 ? within(rune | 0x20, 0x61, 0x7a) : has(/\p{L}/u, rune);
/** unicode.IsDigit: decimal digits. */
export const isDigit = (rune: number): boolean => (rune < 0x80 ? within(rune, 0x30, 0x39) : has(/\p{Nd}/u, rune));
/** unicode.IsNumber: digits, and what counts otherwise. */
export const isNumber = (rune: number): boolean => has(/\p{N}/u, rune);
/** unicode.IsPunct. */
export const isPunct = (rune: number): boolean => has(/\p{P}/u, rune);

/** A mapping of one rune to one rune; JavaScript's may give several, Go's then keeps the rune. */
function mapped(rune: number, text: string): number {
  const to = text.codePointAt(0)!;
  const single = text.length === (to > 0xffff ? 2 : 1);
  return single && !isLater(to) && !isLater(rune) ? to : rune;
}

/** Greek letters with iota below: JavaScript writes them as two. */
function withIota(rune: number): number | undefined {
  if (!within(rune, 0x1f80, 0x1fff)) return undefined;
  const row = rune & 0xfff8;
  if (row === 0x1f80 || row === 0x1f90 || row === 0x1fa0) return rune + 8;
  if (rune === 0x1fb3 || rune === 0x1fc3 || rune === 0x1ff3) return rune + 9;
  return undefined;
}

/** unicode.ToUpper. */
export function toUpper(rune: number): number {
  if (rune < 0x80) return isLower(rune) ? rune - 32 : rune;
  return withIota(rune) ?? mapped(rune, String.fromCodePoint(rune).toUpperCase());
}

/** unicode.ToLower. */
export function toLower(rune: number): number {
  if (rune < 0x80) return isUpper(rune) ? rune + 32 : rune;
  return rune === 0x130 ? 0x69 : mapped(rune, String.fromCodePoint(rune).toLowerCase());
}

/** The middle one of each three is the title case of all three (Dž, Lj, Nj, Dz). */
const titleOf: ReadonlyMap<number, number> = new Map(
  [0x1c5, 0x1c8, 0x1cb, 0x1f2].flatMap((title) => [title - 1, title, title + 1].map((rune) => [rune, title] as const)),
);

/** unicode.ToTitle. Georgian letters have an upper case but are their own title case. */
export function toTitle(rune: number): number {
  if (within(rune, 0x10d0, 0x10fa) || within(rune, 0x10fd, 0x10ff)) return rune;
  return titleOf.get(rune) ?? toUpper(rune);
}
