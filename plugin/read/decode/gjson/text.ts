/** Byte text ↔ JSON strings and numbers, with the results that Go gives. */

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

const escape = /\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|(["\\/bfnrt]))/g;

/** The content of a JSON string. A lone surrogate becomes U+FFFD; what is no escape stays as it is. */
export function unescape(body: string): string {
  if (!body.includes("\\")) return body;
  return body.replace(escape, (_all, first?: string, second?: string, short?: string) => {
    if (short !== undefined) return shortEscapes[short]!;
    const high = parseInt(first!, 16);
    if (second === undefined) return utf8(high);
    if (high >= 0xd800 && high < 0xdc00) return utf8(high, parseInt(second, 16));
    return utf8(high) + utf8(parseInt(second, 16));
  });
}

/** UTF-16 units as byte text. */
function utf8(...units: number[]): string {
  return bytesOf(String.fromCharCode(...units));
}

/** A JavaScript string as byte text. */
export function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Byte text as a JavaScript string; invalid UTF-8 becomes U+FFFD. */
export function textOf(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

const mustEscape = /[\0-\x1f"\\<>&\u2028\u2029]/g;
const named: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A JSON string of `content`, with `<`, `>` and `&` escaped, as gjson writes the strings it makes. */
export function quote(content: string): string {
  const escaped = textOf(content).replace(
    mustEscape,
    (c) => named[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${bytesOf(escaped)}"`;
}

/** One whole JSON document. The error that V8 would quote the text in goes no further. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** The number that Go reads: 0 for what is none, ±Infinity beyond the range. */
export function numberOf(text: string): number {
  if (decimal.test(text)) return Number(text);
  const special = /^([+-]?)(inf(?:inity)?|nan)$/i.exec(text);
  if (!special) return 0;
  if (special[2]!.toLowerCase() === "nan") return NaN;
  return special[1] === "-" ? -Infinity : Infinity;
}

/** Shortest digits that give the same 64-bit float, never with an exponent (Go's FormatFloat 'f', -1). */
export function formatWithoutExponent(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
  if (!match) return String(value);
  const [, sign, whole, fraction = "", power] = match as unknown as [
    string,
    string,
    string,
    string | undefined,
    string,
  ];
  const digits = whole + fraction;
  const point = whole.length + Number(power);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, "0");
}
