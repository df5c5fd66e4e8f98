/** The names in certificates: their text as Go's pkix.Name prints it, and the one name that new certificates get. */
import { fail } from "../errors.ts";
import type { GoString } from "../text.ts";
import { ascii, bytesOf, fromBytes, fromRune, fromText, isUtf8, join } from "../text.ts";
import type { Element } from "./der-read.ts";
import { DerReader, tags } from "./der-read.ts";
import { element, oid, sequence, setOf } from "./der-write.ts";

export interface Attribute {
  readonly type: string;
  readonly value: GoString;
}

const t61 = 0x14;
const numeric = 0x12;

const printable = /^[A-Za-z0-9 '()+,\-./:=?*&]*$/;

/** UCS-2 without surrogates and characters that are none. */
function bmpText(bytes: Buffer): GoString | undefined {
  if (bytes.length % 2 !== 0) return undefined;
  const ended = bytes.length >= 2 && bytes.readUInt16BE(bytes.length - 2) === 0;
  const runes: number[] = [];
  for (let at = 0; at < bytes.length - (ended ? 2 : 0); at += 2) runes.push(bytes.readUInt16BE(at));
  const wrong = (rune: number): boolean =>
    rune >= 0xfffe || (rune >= 0xfdd0 && rune <= 0xfdef) || (rune >= 0xd800 && rune <= 0xdfff);
  return runes.some(wrong) ? undefined : join(runes.map(fromRune), ascii(""));
}

/** A string of any of the types that names are made of, or Go's complaint. */
function stringOf({ tag, content }: Element): { readonly text: GoString } | string {
  const text = fromBytes(content);
  switch (tag) {
    case t61:
      return { text: fromText(text) };
    case tags.printable:
      return printable.test(text) ? { text } : "invalid PrintableString";
    case tags.utf8:
      return isUtf8(text) ? { text } : "invalid UTF-8 string";
    case tags.bmp: {
      const decoded = bmpText(content);
      return decoded === undefined ? "invalid BMPString" : { text: decoded };
    }
    case tags.ia5:
      return content.every((byte) => byte < 0x80) ? { text } : "invalid IA5String";
    case numeric:
      return /^[0-9 ]*$/.test(text) ? { text } : "invalid NumericString";
    default:
      return `unsupported string type: ${tag}`;
  }
}

const invalid = (what = ""): never => fail(`x509: invalid RDNSequence${what}`);

function attribute(reader: DerReader): Attribute {
  const inside = reader.inside() ?? invalid(": invalid attribute");
  const type = inside.oid() ?? invalid(": invalid attribute type");
  const value = inside.element() ?? invalid(": invalid attribute value");
  const text = stringOf(value);
  return typeof text === "string" ? invalid(`: invalid attribute value: ${text}`) : { type, value: text.text };
}

/** The attributes of a Name, in their order. */
export function parseName(der: Buffer): Attribute[] {
  const reader = new DerReader(der).inside() ?? invalid();
  const attributes: Attribute[] = [];
  while (!reader.done) {
    const set = reader.inside(tags.set) ?? invalid();
    while (!set.done) attributes.push(attribute(set));
  }
  return attributes;
}

/** The attributes that Go keeps in fields of their own, in the order in which it makes a name of them. */
const fields: readonly (readonly [type: string, name: string])[] = [
  ["2.5.4.6", "C"],
  ["2.5.4.8", "ST"],
  ["2.5.4.7", "L"],
  ["2.5.4.9", "STREET"],
  ["2.5.4.17", "POSTALCODE"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["2.5.4.3", "CN"],
  ["2.5.4.5", "SERIALNUMBER"],
];
/** Of these only the last one counts. */
const single: ReadonlySet<string> = new Set(["CN", "SERIALNUMBER"]);

const escaped = (text: GoString): string => text.replace(/^[ #]| $|[,+"\\<>;]/g, "\\$&");

const asn1Text = (value: GoString): Buffer =>
  element(printable.test(value) && !/[*&]/.test(value) ? tags.printable : tags.utf8, bytesOf(value));

/** pkix.Name.String(): RFC 2253, the last part first; attributes without a field of their own are shown in DER. */
export function nameText(attributes: readonly Attribute[]): GoString {
  const known = new Set(fields.map(([type]) => type));
  const parts = attributes
    .filter(({ type }) => !known.has(type))
    .map(({ type, value }) => `${type}=#${asn1Text(value).toString("hex")}`);
  for (const [type, name] of fields) {
    const values = attributes.filter((one) => one.type === type).map(({ value }) => value);
    const shown = single.has(name) ? values.slice(-1).filter((value) => value !== "") : values;
    if (shown.length > 0) parts.push(shown.map((value) => `${name}=${escaped(value)}`).join("+"));
  }
  return ascii(parts.reverse().join(","));
}

/** A Name of this common name alone; empty where it is. */
export function commonName(name: GoString): Buffer {
  if (name === "") return sequence();
  if (!isUtf8(name)) fail("asn1: string not valid UTF-8");
  return sequence(setOf(sequence(oid("2.5.4.3"), asn1Text(name))));
}
