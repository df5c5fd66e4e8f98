/** DER, read strictly as Go reads it: definite lengths in their shortest form, nothing beyond the end. */

/** The tags that keys, certificates and PKCS#12 files are made of. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  printable: 0x13,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmp: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[number]`, holding other elements. */
export const context = (number: number): number => 0xa0 | number;
/** `[number]`, holding bytes. */
export const contextBytes = (number: number): number => 0x80 | number;

export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag and length too. */
  readonly whole: Buffer;
}

/** The element at an offset, or undefined when there is none. Tags above 30 are unknown to it. */
export function elementAt(bytes: Buffer, at: number): Element | undefined {
  const tag = bytes[at];
  let length = bytes[at + 1];
  if (tag === undefined || length === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let from = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 4 || from + count > bytes.length) return undefined;
    length = bytes.readUIntBE(from, count);
    if (length < 0x80 || length >>> ((count - 1) * 8) === 0) return undefined;
    from += count;
  }
  const to = from + length;
  if (to > bytes.length) return undefined;
  return { tag, content: bytes.subarray(from, to), whole: bytes.subarray(at, to) };
}

/** Reads elements one after another. */
export class DerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next element of that tag (any tag where none is given); undefined, and nothing is passed, when it is another. */
  element(tag?: number): Element | undefined {
    const found = elementAt(this.#bytes, this.#at);
    if (!found || (tag !== undefined && found.tag !== tag)) return undefined;
    this.#at += found.whole.length;
    return found;
  }

  content(tag?: number): Buffer | undefined {
    return this.element(tag)?.content;
  }

  /** Into the next element of that tag. */
  inside(tag: number = tags.sequence): DerReader | undefined {
    const content = this.content(tag);
    return content && new DerReader(content);
  }

  oid(): string | undefined {
    const content = this.content(tags.oid);
    return content && oidText(content);
  }

  /** A whole number that JavaScript can hold exactly. */
  integer(): number | undefined {
    const content = this.content(tags.integer);
    return content && content.length > 0 && content.length <= 6 ? content.readIntBE(0, content.length) : undefined;
  }
}

/** 1.2.840.113549 …; undefined for what is none. */
export function oidText(content: Buffer): string | undefined {
  if (content.length === 0 || content.length > 64 || content.at(-1)! >= 0x80) return undefined;
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of content) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const first = arcs[0]! < 80n ? arcs[0]! / 40n : 2n;
  return [first, arcs[0]! - first * 40n, ...arcs.slice(1)].join(".");
}

/** The bytes of a BIT STRING that ends at a byte. */
export const bitsOf = (content: Buffer | undefined): Buffer | undefined =>
  content?.[0] === 0 ? content.subarray(1) : undefined;
