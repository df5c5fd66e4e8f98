/** The words of a template, as Go's grammar cuts them. */
import { quote } from "./quote.ts";
import { ascii, decodeRune } from "./text.ts";

export type TokenType =
  | "error"
  | "bool"
  | "char"
  | "charConstant"
  | "complex"
  | "assign"
  | "declare"
  | "eof"
  | "field"
  | "identifier"
  | "leftDelim"
  | "leftParen"
  | "number"
  | "pipe"
  | "rawString"
  | "rightDelim"
  | "rightParen"
  | "space"
  | "string"
  | "text"
  | "variable"
  | "dot"
  | Keyword;

export type Keyword =
  "block" | "break" | "continue" | "define" | "else" | "end" | "if" | "nil" | "range" | "template" | "with";

export interface Token {
  readonly type: TokenType;
  /** Byte offset in the template. */
  readonly pos: number;
  /** The token's own text; the message of an "error". */
  readonly text: string;
  /** Line where it starts, from 1. */
  readonly line: number;
}

export const keywords: ReadonlySet<string> = new Set<Keyword>([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "nil",
  "range",
  "template",
  "with",
]);

/** How Go names a token in an error. */
export function tokenText({ type, text }: Token): string {
  if (type === "eof") return "EOF";
  if (type === "error") return text;
  if (type === "dot" || keywords.has(type)) return `<${text}>`;
  if (text.length <= 10) return quote(ascii(text));
  let end = 0;
  for (let runes = 0; runes < 10 && end < text.length; runes++) end += decodeRune(text, end).width;
  return `${quote(ascii(text.slice(0, end)))}...`;
}
