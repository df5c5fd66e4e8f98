/**
 * Cuts a template into tokens, on demand. Works on bytes (text.ts), so positions and lines are Go's.
 *
 * Trimming happens here alone: `{{- ` and ` -}}` need their space, and the parser never sees them.
 */
import { isPrint, quote } from "./quote.ts";
import { ascii, decodeRune, fromRune } from "./text.ts";
import { keywords } from "./tokens.ts";
import type { Token, TokenType } from "./tokens.ts";

export interface Delimiters {
  readonly left: string;
  readonly right: string;
}

const spaces = " \t\r\n";
const isSpace = (char: string): boolean => char !== "" && spaces.includes(char);
const isDigit = (char: string): boolean => char >= "0" && char <= "9";
const wordRune = /^[_\p{L}\p{Nd}]$/u;
const asciiWord = /^[A-Za-z0-9_]$/;
const asciiWords = /[A-Za-z0-9_]*/y;

const decimalDigits = "0123456789_";
const hexDigits = "0123456789abcdefABCDEF_";
const radixDigits: ReadonlyMap<string, string> = new Map([
  ["x", hexDigits],
  ["o", "01234567_"],
  ["b", "01_"],
]);

const singles: ReadonlyMap<string, TokenType> = new Map([
  ["=", "assign"],
  ["|", "pipe"],
]);

export class Lexer {
  readonly #input: string;
  readonly #delimiters: Delimiters;
  #pos = 0;
  #start = 0;
  /** Lines are counted up to here. */
  #counted = 0;
  #line = 1;
  #inAction = false;
  #parens = 0;
  /** After an error there is nothing but the end. */
  #failed = false;

  constructor(input: string, delimiters: Delimiters) {
    this.#input = input;
    this.#delimiters = delimiters;
  }

  next(): Token {
    if (this.#failed) return { type: "eof", pos: 0, text: "EOF", line: this.#line };
    return this.#inAction ? this.#action() : this.#text();
  }

  #at(text: string, pos = this.#pos): boolean {
    return this.#input.startsWith(text, pos);
  }

  #char(pos = this.#pos): string {
    return this.#input.charAt(pos);
  }

  #lineAt(pos: number): number {
    for (; this.#counted < pos; this.#counted++) if (this.#input.charCodeAt(this.#counted) === 10) this.#line++;
    return this.#line;
  }

  #emit(type: TokenType): Token {
    const token = {
      type,
      pos: this.#start,
      text: this.#input.slice(this.#start, this.#pos),
      line: this.#lineAt(this.#start),
    };
    this.#start = this.#pos;
    return token;
  }

  #error(message: string): Token {
    this.#failed = true;
    return { type: "error", pos: this.#start, text: message, line: this.#lineAt(this.#start) };
  }

  /** Drops what was read since the last token. */
  #ignore(): void {
    this.#start = this.#pos;
  }

  #skipSpaces(): void {
    while (isSpace(this.#char())) this.#pos++;
  }

  #text(): Token {
    for (;;) {
      const open = this.#input.indexOf(this.#delimiters.left, this.#pos);
      if (open < 0) {
        this.#pos = this.#input.length;
        return this.#emit(this.#pos > this.#start ? "text" : "eof");
      }
      const token = this.#textBefore(open);
      if (token) return token;
      const opened = this.#leftDelimiter();
      if (opened) return opened;
    }
  }

  /** The text in front of an action, without what a trim marker eats; undefined when nothing is left. */
  #textBefore(open: number): Token | undefined {
    if (open === this.#pos) return undefined;
    let end = open;
    if (this.#trimsLeft(open + this.#delimiters.left.length))
      while (end > this.#start && isSpace(this.#char(end - 1))) end--;
    this.#pos = end;
    const token = end > this.#start ? this.#emit("text") : undefined;
    this.#pos = open;
    this.#ignore();
    return token;
  }

  #trimsLeft(pos: number): boolean {
    return this.#char(pos) === "-" && isSpace(this.#char(pos + 1));
  }

  /** Opens an action, or skips a comment: then undefined. */
  #leftDelimiter(): Token | undefined {
    this.#pos += this.#delimiters.left.length;
    const marker = this.#trimsLeft(this.#pos) ? 2 : 0;
    if (this.#at("/*", this.#pos + marker)) {
      this.#pos += marker;
      this.#ignore();
      return this.#comment();
    }
    const token = this.#emit("leftDelim");
    this.#pos += marker;
    this.#ignore();
    this.#inAction = true;
    this.#parens = 0;
    return token;
  }

  #comment(): Token | undefined {
    const close = this.#input.indexOf("*/", this.#pos + 2);
    if (close < 0) return this.#error("unclosed comment");
    this.#pos = close + 2;
    const end = this.#rightDelimiter();
    if (!end) return this.#error("comment ends before closing delimiter");
    this.#pos += end.length;
    if (end.trims) this.#skipSpaces();
    this.#ignore();
    return undefined;
  }

  /** Whether a right delimiter stands here, trim marker included. */
  #rightDelimiter(pos = this.#pos): { length: number; trims: boolean } | undefined {
    const { right } = this.#delimiters;
    const marked = isSpace(this.#char(pos)) && this.#char(pos + 1) === "-" && this.#at(right, pos + 2);
    if (marked) return { length: right.length + 2, trims: true };
    return this.#at(right, pos) ? { length: right.length, trims: false } : undefined;
  }

  #close(): Token {
    const end = this.#rightDelimiter()!;
    if (end.trims) {
      this.#pos += 2;
      this.#ignore();
    }
    this.#pos += this.#delimiters.right.length;
    const token = this.#emit("rightDelim");
    if (end.trims) {
      this.#skipSpaces();
      this.#ignore();
    }
    this.#inAction = false;
    return token;
  }

  #action(): Token {
    if (this.#rightDelimiter()) return this.#parens === 0 ? this.#close() : this.#error("unclosed left paren");
    const char = this.#char();
    if (char === "") return this.#error("unclosed action");
    if (isSpace(char)) return this.#space();
    if (char === '"') return this.#quoted('"', "string", "unterminated quoted string");
    if (char === "'") return this.#quoted("'", "charConstant", "unterminated character constant");
    if (char === "`") return this.#raw();
    if (char === "$") return this.#name("variable");
    const next = this.#char(this.#pos + 1);
    if (char === "." && next !== "" && !isDigit(next)) return this.#name("field");
    if (char === "." || char === "+" || char === "-" || isDigit(char)) return this.#number();
    if (this.#wordWidth() > 0) return this.#word();
    return this.#punctuation(char);
  }

  #punctuation(char: string): Token {
    const { rune, width } = decodeRune(this.#input, this.#pos);
    this.#pos += width;
    const single = singles.get(char);
    if (single) return this.#emit(single);
    if (char === ":") {
      if (this.#char() !== "=") return this.#error("expected :=");
      this.#pos++;
      return this.#emit("declare");
    }
    if (char === "(") {
      this.#parens++;
      return this.#emit("leftParen");
    }
    if (char === ")") {
      if (--this.#parens < 0) return this.#error("unexpected right paren");
      return this.#emit("rightParen");
    }
    if (rune < 0x80 && isPrint(rune)) return this.#emit("char");
    return this.#error(`unrecognized character in action: ${runeName(rune)}`);
  }

  #space(): Token {
    this.#skipSpaces();
    // The last space may belong to a closing trim marker.
    if (this.#char() === "-" && this.#at(this.#delimiters.right, this.#pos + 1)) {
      this.#pos--;
      if (this.#pos === this.#start) return this.#close();
    }
    return this.#emit("space");
  }

  /** Width in bytes of a letter, digit or underscore at the cursor; 0 if there is none. */
  #wordWidth(): number {
    const char = this.#char();
    if (char < "\x80") return asciiWord.test(char) ? 1 : 0;
    const { rune, width } = decodeRune(this.#input, this.#pos);
    return wordRune.test(String.fromCodePoint(rune)) ? width : 0;
  }

  #skipWord(): void {
    asciiWords.lastIndex = this.#pos;
    this.#pos += asciiWords.exec(this.#input)![0].length;
    for (let width = this.#wordWidth(); width > 0; width = this.#wordWidth()) this.#pos += width;
  }

  #endsName(): boolean {
    const char = this.#char();
    return char === "" || isSpace(char) || ".,|:)(".includes(char) || this.#at(this.#delimiters.right);
  }

  #badCharacter(): Token {
    return this.#error(`bad character ${runeName(decodeRune(this.#input, this.#pos).rune)}`);
  }

  #word(): Token {
    this.#skipWord();
    const word = this.#input.slice(this.#start, this.#pos);
    if (!this.#endsName()) return this.#badCharacter();
    if (keywords.has(word)) return this.#emit(word as TokenType);
    return this.#emit(word === "true" || word === "false" ? "bool" : "identifier");
  }

  /** `.name` or `$name`; the bare sign alone is the dot or the root variable. */
  #name(type: "field" | "variable"): Token {
    this.#pos++;
    if (this.#endsName()) return this.#emit(type === "field" ? "dot" : "variable");
    this.#skipWord();
    return this.#endsName() ? this.#emit(type) : this.#badCharacter();
  }

  #quoted(mark: string, type: TokenType, problem: string): Token {
    for (this.#pos++; ; this.#pos++) {
      if (this.#char() === "\\") this.#pos++;
      else if (this.#char() === mark) break;
      if (this.#char() === "" || this.#char() === "\n") return this.#error(problem);
    }
    this.#pos++;
    return this.#emit(type);
  }

  #raw(): Token {
    const close = this.#input.indexOf("`", this.#pos + 1);
    if (close < 0) return this.#error("unterminated raw quoted string");
    this.#pos = close + 1;
    return this.#emit("rawString");
  }

  #number(): Token {
    const one = this.#scanNumber();
    if (!one) return this.#badNumber();
    if (this.#char() !== "+" && this.#char() !== "-") return this.#emit("number");
    return this.#scanNumber() && this.#char(this.#pos - 1) === "i" ? this.#emit("complex") : this.#badNumber();
  }

  #badNumber(): Token {
    return this.#error(`bad number syntax: ${quote(ascii(this.#input.slice(this.#start, this.#pos)))}`);
  }

  #accept(chars: string): boolean {
    const char = this.#char();
    if (char === "" || !chars.includes(char)) return false;
    this.#pos++;
    return true;
  }

  #acceptRun(chars: string): void {
    while (this.#accept(chars));
  }

  /** Roughly a number: what is wrong with it, the parser finds when it reads the value. */
  #scanNumber(): boolean {
    this.#accept("+-");
    let digits = decimalDigits;
    if (this.#accept("0")) {
      const radix = radixDigits.get(this.#char().toLowerCase());
      if (radix) {
        digits = radix;
        this.#pos++;
      }
    }
    this.#acceptRun(digits);
    if (this.#accept(".")) this.#acceptRun(digits);
    const exponent = digits === decimalDigits ? "eE" : digits === hexDigits ? "pP" : "";
    if (exponent !== "" && this.#accept(exponent)) {
      this.#accept("+-");
      this.#acceptRun(decimalDigits);
    }
    this.#accept("i");
    const width = this.#wordWidth();
    this.#pos += width;
    return width === 0;
  }
}

/** A character as `%#U` prints it: U+0023 '#'. */
function runeName(rune: number): string {
  const code = `U+${rune.toString(16).toUpperCase().padStart(4, "0")}`;
  return isPrint(rune) ? `${code} '${fromRune(rune)}'` : code;
}
