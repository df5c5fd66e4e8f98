/** The texts of Go's encoding/asn1 for bytes that do not hold what is looked for. */
import { secret } from "../errors.ts";
import { elementAt, tags } from "./der-read.ts";

const noOptions =
  "{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}";

interface Header {
  readonly class: number;
  readonly tag: number;
  readonly length: number;
  readonly isCompound: boolean;
  readonly bytes: number;
}

/** Tag and length at the start, or Go's complaint about them. */
function headerOf(der: Buffer): Header | string {
  const first = der[0]!;
  let at = 1;
  let tag = first & 0x1f;
  if (tag === 0x1f) {
    tag = 0;
    for (let more = true; more; at++) {
      const byte = der[at];
      if (byte === undefined) return "asn1: syntax error: truncated base 128 integer";
      if (at === 1 && byte === 0x80) return "asn1: syntax error: integer is not minimally encoded";
      if (at === 5) return "asn1: structure error: base 128 integer too large";
      tag = tag * 128 + (byte & 0x7f);
      more = byte >= 0x80;
    }
    if (tag < 0x1f) return "asn1: syntax error: non-minimal tag";
  }
  const short = der[at++];
  if (short === undefined) return "asn1: syntax error: truncated tag or length";
  const header = { class: first >> 6, tag, isCompound: (first & 0x20) !== 0 };
  if (short < 0x80) return { ...header, length: short, bytes: at };
  const count = short & 0x7f;
  if (count === 0) return "asn1: syntax error: indefinite length found (not DER)";
  let length = 0;
  for (let index = 0; index < count; index++) {
    const byte = der[at++];
    if (byte === undefined) return "asn1: syntax error: truncated tag or length";
    if (length >= 1 << 23) return "asn1: structure error: length too large";
    length = length * 256 + byte;
    if (length === 0) return "asn1: structure error: superfluous leading zeros in length";
  }
  if (length < 0x80) return "asn1: structure error: non-minimal length";
  return { ...header, length, bytes: at };
}

/**
 * Why the bytes are not the SEQUENCE that Go's struct of this name is read from. Only its own header is explained:
 * a fault deeper inside is a structure error without details.
 */
export function asn1Problem(der: Buffer, struct: string): string {
  if (der.length === 0) return "asn1: syntax error: sequence truncated";
  const header = headerOf(der);
  if (typeof header === "string") return header;
  if (der[0] !== tags.sequence) {
    const seen = `{class:${header.class} tag:${header.tag} length:${header.length} isCompound:${header.isCompound}}`;
    return `asn1: structure error: tags don't match (16 vs ${secret(seen)}) ${noOptions} ${struct} @${header.bytes}`;
  }
  return elementAt(der, 0) ? "asn1: structure error" : "asn1: syntax error: data truncated";
}
