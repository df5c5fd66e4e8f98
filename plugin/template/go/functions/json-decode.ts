/**
 * JSON as Go's encoding/json reads it into an interface{}: objects are dicts, numbers float64, errors have Go's texts.
 *
 * A number that does not fit is an error only at the end: what could be read is there, with nil in its place.
 */
import { BudgetError, fail, secret } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import { quoteRune } from "../quote.ts";
import type { GoString } from "../text.ts";
import { fromText, sliceBytes, textOf } from "../text.ts";
import type { GoValue } from "../values.ts";
import { anyMap, anySlice } from "../values.ts";
import { deepestValue, scan } from "./costs.ts";

export interface Decoded {
  readonly value: Exclude<GoValue, undefined>;
  /** Go's text of what did not fit, operands marked. */
  readonly error?: string;
}

const endOfInput = "unexpected end of JSON input";

const literals: readonly (readonly [text: string, value: boolean | null])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

const isDigit = (char: string): boolean => char >= "0" && char <= "9";

class Reader {
  readonly #text: GoString;
  readonly #ctx: CallContext;
  #at = 0;
  /** More may come: what breaks off is not wrong, but not there yet. */
  #mayContinue = false;
  error: string | undefined;

  constructor(text: GoString, ctx: CallContext) {
    this.#text = text;
    this.#ctx = ctx;
  }

  /** One value; what follows it is not looked at. */
  readFirst(): Exclude<GoValue, undefined> {
    this.#mayContinue = true;
    return this.#value(0);
  }

  read(): Exclude<GoValue, undefined> {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#unexpected("after top-level value");
    return value;
  }

  /** The character here. Past the end it is a space, as Go's scanner is fed one there. */
  #here(): string {
    return this.#text.charAt(this.#at) || " ";
  }

  #unexpected(where: string): never {
    if (this.#mayContinue && this.#at >= this.#text.length) fail(endOfInput);
    const byte = this.#here().charCodeAt(0);
    return fail(`invalid character ${secret(quoteRune(byte))} ${where}`);
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text.charAt(this.#at))) this.#at++;
  }

  /** The next character that is no space; the text must not end before it. */
  #next(): string {
    this.#space();
    if (this.#at >= this.#text.length) fail(endOfInput);
    return this.#here();
  }

  #value(depth: number): Exclude<GoValue, undefined> {
    if (depth > deepestValue) throw new BudgetError("depth");
    this.#ctx.charge(1);
    const first = this.#next();
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    if (first === "-" || isDigit(first)) return this.#number();
    for (const [text, value] of literals) if (text.startsWith(first)) return this.#literal(text, value);
    return this.#unexpected("looking for beginning of value");
  }

  #literal(text: string, value: boolean | null): boolean | null {
    for (let at = 0; at < text.length; at++, this.#at++)
      if (this.#here() !== text.charAt(at)) this.#unexpected(`in literal ${text} (expecting '${text.charAt(at)}')`);
    return value;
  }

  #object(depth: number): Exclude<GoValue, undefined> {
    const map = anyMap();
    this.#at++;
    if (this.#next() === "}") {
      this.#at++;
      return map;
    }
    for (;;) {
      if (this.#next() !== '"') this.#unexpected("looking for beginning of object key string");
      const key = this.#string();
      if (this.#next() !== ":") this.#unexpected("after object key");
      this.#at++;
      map.entries.set(key, this.#value(depth + 1));
      if (this.#ends("}", "after object key:value pair")) return map;
    }
  }

  #array(depth: number): Exclude<GoValue, undefined> {
    const items: GoValue[] = [];
    this.#at++;
    if (this.#next() === "]") {
      this.#at++;
      return anySlice(items);
    }
    for (;;) {
      items.push(this.#value(depth + 1));
      if (this.#ends("]", "after array element")) return anySlice(items);
    }
  }

  /** Passes a comma, or the closing bracket: then true. */
  #ends(bracket: string, where: string): boolean {
    const found = this.#next();
    if (found !== bracket && found !== ",") this.#unexpected(where);
    this.#at++;
    return found === bracket;
  }

  #digits(where: string): void {
    if (!isDigit(this.#here())) this.#unexpected(where);
    while (isDigit(this.#here())) this.#at++;
  }

  #number(): number | null {
    const from = this.#at;
    if (this.#here() === "-") this.#at++;
    if (this.#here() === "0") this.#at++;
    else this.#digits("in numeric literal");
    if (this.#here() === ".") {
      this.#at++;
      this.#digits("after decimal point in numeric literal");
    }
    if (/[eE]/.test(this.#here())) {
      this.#at++;
      if (/[+-]/.test(this.#here())) this.#at++;
      this.#digits("in exponent of numeric literal");
    }
    const text = this.#text.slice(from, this.#at);
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    this.error ??= `json: cannot unmarshal number ${secret(text)} into Go value of type float64`;
    return null;
  }

  #string(): GoString {
    const from = ++this.#at;
    for (;;) {
      const char = this.#text.charAt(this.#at);
      if (char === "") fail(endOfInput);
      if (char < " ") this.#unexpected("in string literal");
      if (char === '"') break;
      if (char === "\\") this.#escape();
      else this.#at++;
    }
    return unescaped(sliceBytes(this.#text, from, this.#at++));
  }

  #escape(): void {
    this.#at++;
    if (this.#here() === "u") {
      for (let digit = 0; digit < 4; digit++) {
        this.#at++;
        if (!/[0-9a-fA-F]/.test(this.#here())) this.#unexpected("in \\u hexadecimal character escape");
      }
    } else if (!escapes.has(this.#here())) this.#unexpected("in string escape code");
    this.#at++;
  }
}

const pairOrHalf = /[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g;
const escape = /\\(?:u([0-9a-fA-F]{4})|(.))/g;

/** A string's content without its escapes; halves of surrogate pairs and bytes that are no UTF-8 become U+FFFD. */
function unescaped(raw: GoString): GoString {
  const text = textOf(raw);
  if (!text.includes("\\")) return fromText(text);
  const plain = text.replace(escape, (_all, hex: string | undefined, char: string) =>
    hex === undefined ? escapes.get(char)! : String.fromCharCode(parseInt(hex, 16)),
  );
  return fromText(plain.replace(pairOrHalf, (found) => (found.length === 2 ? found : "\ufffd")));
}

/** The first JSON value of the text, as Go's json.Decoder reads it. Fails with Go's text when there is none. */
export function decodeFirstJson(ctx: CallContext, text: GoString): Decoded["value"] {
  scan(ctx, text);
  return new Reader(text, ctx).readFirst();
}

/** json.Unmarshal into an interface{}. Fails with Go's text when the text is not JSON. */
export function decodeJson(ctx: CallContext, text: GoString): Decoded {
  scan(ctx, text);
  const reader = new Reader(text, ctx);
  const value = reader.read();
  return reader.error === undefined ? { value } : { value, error: reader.error };
}
