/**
 * Go strings: bytes, not characters.
 *
 * A GoString is a JavaScript string in which every character is one byte (0–255). So `length`, `slice`, `<`, `===`,
 * `indexOf`, `+` and Map keys are Go's own byte semantics at the engine's full speed, and ASCII text reads the same in
 * both worlds. Text with other letters must go through `textOf`/`fromText` before JavaScript's idea of a character
 * matters: case, RegExp, JSON, Intl, padding by runes.
 */

declare const bytesOnly: unique symbol;

/** One character per byte. Made by `fromText`, `fromBytes` and `ascii`; see the header. */
export type GoString = string & { readonly [bytesOnly]: true };

const nonAscii = /[^\x00-\x7f]/;

export const isAscii = (text: string): boolean => !nonAscii.test(text);

/** Text that is known to be ASCII (a constant of ours, digits, base64) as a Go string. Free. */
export const ascii = (text: string): GoString => text as GoString;

/** JavaScript text as the UTF-8 bytes that Go would hold. */
export function fromText(text: string): GoString {
  return (nonAscii.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text) as GoString;
}

export function fromBytes(bytes: Uint8Array): GoString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1") as GoString;
}

/** A Go string's bytes: the caller's own copy. */
export function bytesOf(value: GoString): Buffer {
  return Buffer.from(value, "latin1");
}

/** A Go string as JavaScript text. Bytes that are not UTF-8 become U+FFFD, one for each byte as in Go. */
export function textOf(value: GoString): string {
  if (!nonAscii.test(value)) return value;
  if (isUtf8(value)) return bytesOf(value).toString("utf8");
  return runesOf(value)
    .map((rune) => String.fromCodePoint(rune))
    .join("");
}

/** Joins parts, keeping the brand. */
export const concat = (...parts: readonly GoString[]): GoString => parts.join("") as GoString;
export const join = (parts: readonly GoString[], separator: GoString): GoString => parts.join(separator) as GoString;
export const sliceBytes = (value: GoString, from: number, to?: number): GoString => value.slice(from, to) as GoString;

export const runeError = 0xfffd;

/** The rune at a byte offset and its width in bytes; a byte that starts no valid UTF-8 sequence is (U+FFFD, 1). */
export function decodeRune(value: string, at: number): { readonly rune: number; readonly width: number } {
  const first = value.charCodeAt(at);
  if (first < 0x80) return { rune: first, width: 1 };
  const width = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + width > value.length) return { rune: runeError, width: 1 };
  let rune = first & (0xff >> (width + 1));
  for (let i = 1; i < width; i++) {
    const next = value.charCodeAt(at + i);
    if ((next & 0xc0) !== 0x80) return { rune: runeError, width: 1 };
    rune = (rune << 6) | (next & 0x3f);
  }
  const shortest = width === 2 ? 0x80 : width === 3 ? 0x800 : 0x10000;
  const surrogate = rune >= 0xd800 && rune <= 0xdfff;
  if (rune < shortest || rune > 0x10ffff || surrogate) return { rune: runeError, width: 1 };
  return { rune, width };
}

/** The runes of a string, as `range` over a Go string gives them. */
export function runesOf(value: GoString): number[] {
  const runes: number[] = [];
  for (let at = 0; at < value.length;) {
    const { rune, width } = decodeRune(value, at);
    runes.push(rune);
    at += width;
  }
  return runes;
}

/** How many runes (utf8.RuneCountInString). */
export function runeCount(value: GoString): number {
  return nonAscii.test(value) ? runesOf(value).length : value.length;
}

/** The UTF-8 bytes of one rune; what is no rune becomes U+FFFD, as string(rune) in Go. */
export function fromRune(rune: number): GoString {
  const valid = rune >= 0 && rune <= 0x10ffff && !(rune >= 0xd800 && rune <= 0xdfff);
  return fromText(String.fromCodePoint(valid ? rune : runeError));
}

export function fromRunes(runes: readonly number[]): GoString {
  return runes.map(fromRune).join("") as GoString;
}

/** utf8.ValidString. */
export function isUtf8(value: GoString): boolean {
  for (let at = 0; at < value.length;) {
    const { rune, width } = decodeRune(value, at);
    if (rune === runeError && width === 1) return false;
    at += width;
  }
  return true;
}
