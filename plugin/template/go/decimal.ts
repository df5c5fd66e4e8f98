/** Go's texts of floating-point numbers (strconv.FormatFloat): shortest or exact digits, ties to even. */

export type FloatVerb = "e" | "E" | "f" | "g" | "G" | "b" | "x" | "X";

interface Digits {
  readonly digits: string;
  /** Where the decimal point stands: value = 0.digits × 10^point. */
  readonly point: number;
}

const zeroDigits: Digits = { digits: "", point: 0 };

const scratch = new DataView(new ArrayBuffer(8));

/** |value| = mantissa × 2^exponent, as stored in 64 or 32 bits. */
function parts(value: number, bits: 32 | 64): { mantissa: bigint; exponent: number } {
  if (bits === 32) {
    scratch.setFloat32(0, value);
    const raw = scratch.getUint32(0);
    const power = (raw >>> 23) & 0xff;
    const fraction = raw & 0x7fffff;
    return power === 0
      ? { mantissa: BigInt(fraction), exponent: -149 }
      : { mantissa: BigInt(fraction + 0x800000), exponent: power - 150 };
  }
  scratch.setFloat64(0, value);
  const raw = scratch.getBigUint64(0);
  const power = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & 0xfffffffffffffn;
  return power === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction + (1n << 52n), exponent: power - 1075 };
}

const trimZeros = (digits: string): string => digits.replace(/0+$/, "");

function shortest(value: number, bits: 32 | 64): Digits {
  if (value === 0) return zeroDigits;
  let text = value.toExponential();
  if (bits === 32)
    for (let precision = 0; precision < 9; precision++) {
      text = value.toExponential(precision);
      if (Math.fround(Number(text)) === value) break;
    }
  const [mantissa, exponent] = text.split("e") as [string, string];
  return { digits: trimZeros(mantissa.replace(".", "")), point: Number(exponent) + 1 };
}

/** Every digit of the stored value. */
function exact(value: number, bits: 32 | 64): Digits {
  if (value === 0) return zeroDigits;
  const { mantissa, exponent } = parts(value, bits);
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString();
    return { digits: trimZeros(digits), point: digits.length };
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString();
  return { digits: trimZeros(digits), point: digits.length + exponent };
}

/** The first `count` digits, ties to even. */
function rounded(all: Digits, count: number): Digits {
  if (count >= all.digits.length) return all;
  if (count < 0) return zeroDigits;
  const kept = all.digits.slice(0, count);
  const rest = all.digits.slice(count);
  const odd = count > 0 && Number(kept.at(-1)) % 2 === 1;
  const up = rest > "5" || (rest === "5" && odd);
  if (!up) return { digits: trimZeros(kept), point: all.point };
  const next = (BigInt(kept || "0") + 1n).toString().padStart(count, "0");
  return { digits: trimZeros(next), point: all.point + next.length - Math.max(count, 0) };
}

function scientific({ digits, point }: Digits, precision: number, letter: string): string {
  const exponent = digits === "" ? 0 : point - 1;
  const tail = precision > 0 ? `.${digits.slice(1, precision + 1).padEnd(precision, "0")}` : "";
  const power = Math.abs(exponent).toString().padStart(2, "0");
  return `${digits.charAt(0) || "0"}${tail}${letter}${exponent < 0 ? "-" : "+"}${power}`;
}

function fixed({ digits, point }: Digits, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  if (precision <= 0) return whole;
  const fraction = point > 0 ? digits.slice(point) : "0".repeat(Math.min(-point, precision)) + digits;
  return `${whole}.${fraction.slice(0, precision).padEnd(precision, "0")}`;
}

function general(value: number, precision: number, bits: 32 | 64, letter: string): string {
  const short = precision < 0;
  const wanted = precision === 0 ? 1 : precision;
  const all = short ? shortest(value, bits) : rounded(exact(value, bits), wanted);
  const count = all.digits.length;
  let limit = short ? 6 : wanted;
  if (!short && limit > count && count >= all.point) limit = count;
  const exponent = all.point - 1;
  if (exponent < -4 || exponent >= limit) return scientific(all, Math.max(count - 1, 0), letter);
  return fixed(all, Math.max(count - all.point, 0));
}

function binaryExponent(value: number, bits: 32 | 64): string {
  const { mantissa, exponent } = parts(value, bits);
  return `${mantissa}p${exponent < 0 ? "" : "+"}${exponent}`;
}

/** Go's `%x` of a float: 0x1.8p+01, with `precision` hexadecimal digits after the point, ties to even. */
function hexadecimal(value: number, precision: number, bits: 32 | 64): string {
  let { mantissa, exponent } = parts(value, bits);
  if (mantissa === 0n) return `0x0${precision > 0 ? `.${"0".repeat(precision)}` : ""}p+00`;
  const width = mantissa.toString(2).length;
  exponent += width - 1;
  mantissa <<= BigInt(53 - width);
  if (precision >= 0 && precision < 13) {
    const drop = BigInt(52 - precision * 4);
    const half = 1n << (drop - 1n);
    const rest = mantissa & ((1n << drop) - 1n);
    let kept = mantissa >> drop;
    if (rest > half || (rest === half && (kept & 1n) === 1n)) kept++;
    mantissa = kept << drop;
    if (mantissa >> 53n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const all = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, "0");
  const fraction = precision < 0 ? trimZeros(all) : all.slice(0, precision).padEnd(precision, "0");
  const power = Math.abs(exponent).toString().padStart(2, "0");
  return `0x1${fraction === "" ? "" : `.${fraction}`}p${exponent < 0 ? "-" : "+"}${power}`;
}

/**
 * strconv.FormatFloat. `precision` -1 is the shortest text that reads back as the same number; `bits` is 32 for a
 * float32. Special values read NaN, +Inf, -Inf.
 */
export function formatFloat(value: number, verb: FloatVerb, precision: number, bits: 32 | 64 = 64): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  return sign + formatMagnitude(Math.abs(value), verb, precision, bits);
}

function formatMagnitude(value: number, verb: FloatVerb, precision: number, bits: 32 | 64): string {
  switch (verb) {
    case "b":
      return binaryExponent(value, bits);
    case "x":
      return hexadecimal(value, precision, bits);
    case "X":
      return hexadecimal(value, precision, bits).toUpperCase();
    case "g":
    case "G":
      return general(value, precision, bits, verb === "g" ? "e" : "E");
    case "f": {
      const all = precision < 0 ? shortest(value, bits) : exact(value, bits);
      if (precision < 0) return fixed(all, Math.max(all.digits.length - all.point, 0));
      return fixed(rounded(all, all.point + precision), precision);
    }
    case "e":
    case "E": {
      if (precision >= 0) return scientific(rounded(exact(value, bits), precision + 1), precision, verb);
      const all = shortest(value, bits);
      return scientific(all, Math.max(all.digits.length - 1, 0), verb);
    }
  }
}
