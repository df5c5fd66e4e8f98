/** Random text, bytes and numbers. Every draw is uniform. */
import { fail } from "../errors.ts";
import type { CallContext, FunctionTable, GoFunction } from "../functions.ts";
import { fn, volatile } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, fromBytes } from "../text.ts";
import { intType } from "../types.ts";

const digits = "0123456789";
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 0x20 + index));

/** So many bytes are drawn at once. */
const drawBytes = 16_384;

/** Bytes that would favour the first characters are drawn again. */
function randomText(ctx: CallContext, count: bigint, alphabet: string): GoString {
  if (count <= 0n) return ascii("");
  ctx.produce(Number(count));
  const text = Buffer.alloc(Number(count));
  const limit = 256 - (256 % alphabet.length);
  for (let made = 0; made < text.length;) {
    const drawn = ctx.randomBytes(Math.min(text.length - made, drawBytes));
    for (const byte of drawn) if (byte < limit) text[made++] = alphabet.charCodeAt(byte % alphabet.length);
  }
  return fromBytes(text);
}

const textOfCount = (alphabet: string): GoFunction =>
  volatile(fn([intType], ([count], ctx) => randomText(ctx, count, alphabet)));

/** From `low` up to, but without, `high`. */
function randomInteger(ctx: CallContext, low: bigint, high: bigint): bigint {
  const span = BigInt.asIntN(64, high - low);
  if (span <= 0n) fail("invalid argument to Intn");
  const range = 1n << 64n;
  const limit = range - (range % span);
  for (;;) {
    const drawn = ctx.randomBytes(8).readBigUInt64BE();
    if (drawn < limit) return BigInt.asIntN(64, low + (drawn % span));
    ctx.charge(1);
  }
}

function uuid(ctx: CallContext): GoString {
  const bytes = ctx.randomBytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return ascii(bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"));
}

export const randomFunctions: FunctionTable = {
  randAlphaNum: textOfCount(digits + letters),
  randAlpha: textOfCount(letters),
  randNumeric: textOfCount(digits),
  randAscii: textOfCount(printable),
  randBytes: volatile(
    fn([intType], ([count], ctx) => {
      if (count < 0n) fail("runtime error: makeslice: len out of range");
      ctx.produce(Math.ceil((Number(count) * 4) / 3));
      return ascii(ctx.randomBytes(Number(count)).toString("base64"));
    }),
  ),
  randInt: volatile(fn([intType, intType], ([low, high], ctx) => randomInteger(ctx, low, high))),
  uuidv4: volatile(fn([], (_, ctx) => uuid(ctx))),
};
