/** Base64, base32 and hexadecimal. What cannot be decoded gives the text of Go's error as the result, as sprig does. */
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import { hex, isPrint } from "../quote.ts";
import type { GoString } from "../text.ts";
import { ascii, bytesOf, concat, fromBytes, fromRune } from "../text.ts";
import { stringType } from "../types.ts";
import { scan } from "./costs.ts";

const alphabet64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const alphabet32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const corrupt64 = (at: number): GoString => ascii(`illegal base64 data at input byte ${at}`);
const corrupt32 = (at: number): GoString => ascii(`illegal base32 data at input byte ${at}`);

const isNewline = (char: string): boolean => char === "\n" || char === "\r";

/** Where the base64 text breaks the form, or undefined. Newlines may stand anywhere. */
export function base64Fault(text: GoString): number | undefined {
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  let inGroup = 0;
  let at = 0;
  const skipNewlines = (): void => {
    while (isNewline(text.charAt(at))) at++;
  };
  for (; at < text.length; at++) {
    const char = text.charAt(at);
    if (isNewline(char)) continue;
    if (alphabet64.includes(char)) {
      inGroup = (inGroup + 1) % 4;
      continue;
    }
    if (char !== "=" || inGroup < 2) return at;
    at++;
    if (inGroup === 2) {
      skipNewlines();
      if (at >= text.length) return text.length;
      if (text.charAt(at) !== "=") return at - 1;
      at++;
    }
    skipNewlines();
    return at < text.length ? at : undefined;
  }
  return inGroup === 0 ? undefined : text.length - inGroup;
}

function decode64(text: GoString, ctx: CallContext): GoString {
  scan(ctx, text);
  ctx.produce(text.length);
  const fault = base64Fault(text);
  return fault === undefined ? fromBytes(Buffer.from(text, "base64")) : corrupt64(fault);
}

/** The padding's fault when `at` is its first character after `inGroup` others, or undefined. */
function paddingFault(text: string, at: number, inGroup: number): number | undefined {
  const rest = text.length - at - 1;
  if (rest + inGroup < 7) return text.length;
  for (let next = 0; next < 7 - inGroup; next++)
    if (next < rest && text.charAt(at + 1 + next) !== "=") return at + next;
  return inGroup === 3 || inGroup === 6 ? at : undefined;
}

/** Digits of the base32 text in groups of eight, or where it breaks the form. */
function base32Digits(text: string): number[] | { readonly fault: number } {
  const digits: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    const inGroup = digits.length % 8;
    if (char === "=" && inGroup >= 2 && text.length - at - 1 < 8) {
      const fault = paddingFault(text, at, inGroup);
      return fault === undefined ? digits : { fault };
    }
    const digit = alphabet32.indexOf(char);
    if (digit < 0) return { fault: at };
    digits.push(digit);
  }
  const inGroup = digits.length % 8;
  return inGroup === 0 ? digits : { fault: text.length - inGroup };
}

function decode32(source: GoString, ctx: CallContext): GoString {
  scan(ctx, source);
  const text = source.replace(/[\r\n]/g, "");
  ctx.charge(text.length >> 3);
  ctx.produce(text.length);
  const digits = base32Digits(text);
  if (!Array.isArray(digits)) return corrupt32(digits.fault);
  const bytes = Buffer.alloc(Math.floor((digits.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const digit of digits) {
    held = ((held << 5) | digit) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (held >> bits) & 0xff;
  }
  return fromBytes(bytes);
}

function encode32(text: GoString, ctx: CallContext): GoString {
  scan(ctx, text);
  ctx.charge(text.length >> 3);
  ctx.produce(Math.ceil(text.length / 5) * 8);
  let out = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytesOf(text)) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) out += alphabet32.charAt((held >> (bits - 5)) & 31);
  }
  if (bits > 0) out += alphabet32.charAt((held << (5 - bits)) & 31);
  return ascii(out.padEnd(Math.ceil(out.length / 8) * 8, "="));
}

/** `%#U` of a byte. */
const runeName = (byte: number): GoString =>
  concat(
    ascii(`U+${hex(byte, 4).toUpperCase()}`),
    isPrint(byte) ? concat(ascii(" '"), fromRune(byte), ascii("'")) : ascii(""),
  );

function decodeHex(text: GoString, ctx: CallContext): GoString {
  scan(ctx, text);
  ctx.produce(text.length);
  const bad = /[^0-9a-fA-F]/.exec(text);
  if (bad) return concat(ascii("encoding/hex: invalid byte: "), runeName(bad[0].charCodeAt(0)));
  if (text.length % 2 !== 0) return ascii("encoding/hex: odd length hex string");
  return fromBytes(Buffer.from(text, "hex"));
}

export const encodingFunctions: FunctionTable = {
  b64enc: fn([stringType], ([text], ctx) => {
    ctx.produce(Math.ceil(text.length / 3) * 4);
    return ascii(bytesOf(text).toString("base64"));
  }),
  b64dec: fn([stringType], ([text], ctx) => decode64(text, ctx)),
  b32enc: fn([stringType], ([text], ctx) => encode32(text, ctx)),
  b32dec: fn([stringType], ([text], ctx) => decode32(text, ctx)),
  hexdec: fn([stringType], ([text], ctx) => decodeHex(text, ctx)),
};
