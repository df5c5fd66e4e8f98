/** DER, written. */
import { tags } from "./der-read.ts";

/** An element of a tag around the given parts. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), ...parts]);
  const count = length < 0x100 ? 1 : length < 0x1_0000 ? 2 : length < 0x100_0000 ? 3 : 4;
  const header = Buffer.alloc(2 + count);
  header[0] = tag;
  header[1] = 0x80 | count;
  header.writeUIntBE(length, 2, count);
  return Buffer.concat([header, ...parts]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(tags.sequence, ...parts);
export const octets = (bytes: Uint8Array): Buffer => element(tags.octetString, bytes);
export const bits = (bytes: Uint8Array): Buffer => element(tags.bitString, Buffer.of(0), bytes);
export const nothing = (): Buffer => element(tags.null);

/** SET OF: in the order of the bytes. */
export const setOf = (...parts: readonly Uint8Array[]): Buffer =>
  element(tags.set, ...[...parts].sort((a, b) => Buffer.compare(a, b)));

/** A whole number that is not negative, from its bytes. */
export function unsigned(bytes: Uint8Array): Buffer {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const digits = bytes.subarray(from);
  if (digits.length === 0) return element(tags.integer, Buffer.of(0));
  return digits[0]! >= 0x80 ? element(tags.integer, Buffer.of(0), digits) : element(tags.integer, digits);
}

export function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return unsigned(bytes);
}

export function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split(".").map(Number) as [number, number, ...number[]];
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 0x80); left > 0; left = Math.floor(left / 0x80))
      groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return element(tags.oid, Buffer.from(bytes));
}
