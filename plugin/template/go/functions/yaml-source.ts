/** The text that a YAML reader goes through, and where it is. Lines and columns count from 0, in characters. */
import { fail } from "../errors.ts";

export interface Mark {
  readonly index: number;
  readonly line: number;
  readonly column: number;
}

const breaks = "\n\r\x85\u2028\u2029";

/** Whether the character ends a line; the end of the text is none. */
export const isBreak = (char: string): boolean => char !== "" && breaks.includes(char);
export const isBlank = (char: string): boolean => char === " " || char === "\t";
/** Blank, a line's end, or the text's. */
export const isBlankOrEnd = (char: string): boolean => char === "" || isBlank(char) || isBreak(char);
const isBreakOrEnd = (char: string): boolean => char === "" || isBreak(char);

/** Go's error for what stands on a line; the first line is not named. */
export function yamlProblem(line: number, message: string): never {
  return fail(line === 0 ? `yaml: ${message}` : `yaml: line ${line}: ${message}`);
}

export class YamlSource {
  readonly #text: string;
  #at = 0;
  #index = 0;
  line = 0;
  column = 0;

  constructor(text: string) {
    this.#text = text.startsWith("\ufeff") ? text.slice(1) : text;
  }

  get mark(): Mark {
    return { index: this.#index, line: this.line, column: this.column };
  }

  get index(): number {
    return this.#index;
  }

  /** A character ahead, "" past the end. Right for what ASCII decides: a surrogate pair counts as two. */
  peek(ahead = 0): string {
    return this.#text.charAt(this.#at + ahead);
  }

  /** Ends the reading with what is wrong here. */
  problem(message: string): never {
    return yamlProblem(this.line === 0 ? 0 : this.line + 1, message);
  }

  /** Passes characters of a line and gives them. */
  read(count = 1): string {
    const from = this.#at;
    for (let passed = 0; passed < count; passed++) {
      const code = this.#text.charCodeAt(this.#at);
      this.#at += code >= 0xd800 && code < 0xdc00 ? 2 : 1;
      this.#index++;
      this.column++;
    }
    return this.#text.slice(from, this.#at);
  }

  /** Passes a line's end and gives it: all are one newline but the two separators of Unicode. */
  readBreak(): string {
    const char = this.peek();
    if (!isBreak(char)) return "";
    const width = char === "\r" && this.peek(1) === "\n" ? 2 : 1;
    this.#at += width;
    this.#index += width;
    this.column = 0;
    this.line++;
    return char === "\u2028" || char === "\u2029" ? char : "\n";
  }

  skipBlanks(): void {
    while (isBlank(this.peek())) this.read();
  }

  /** Passes everything up to the line's end. */
  restOfLine(): string {
    let count = 0;
    let pairs = 0;
    for (let at = this.#at; !isBreakOrEnd(this.#text.charAt(at)); at++) {
      const code = this.#text.charCodeAt(at);
      if (code >= 0xd800 && code < 0xdc00) pairs++;
      count++;
    }
    return this.read(count - pairs);
  }

  skipComment(): void {
    if (this.peek() === "#") this.restOfLine();
  }

  /** `---` or `...` at a line's start. */
  atDocumentMark(char?: "-" | "."): boolean {
    if (this.column !== 0 || !isBlankOrEnd(this.peek(3))) return false;
    const found = this.#text.slice(this.#at, this.#at + 3);
    return (char !== "." && found === "---") || (char !== "-" && found === "...");
  }

  /** Ends the stream's last line. */
  endLine(): void {
    if (this.column === 0) return;
    this.column = 0;
    this.line++;
  }
}
