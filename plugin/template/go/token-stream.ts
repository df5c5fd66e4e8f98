/** Tokens with look-ahead, and the parse errors that point at them. One per template; the lexer is shared. */
import { TemplateError } from "./errors.ts";
import type { Lexer } from "./lexer.ts";
import { tokenText } from "./tokens.ts";
import type { Token, TokenType } from "./tokens.ts";

export class TokenStream {
  readonly #lexer: Lexer;
  readonly #name: string;
  /** Tokens given back, the next one last. */
  readonly #back: Token[] = [];
  /** The token last cut by the lexer: errors name its line. */
  #newest: Token = { type: "eof", pos: 0, text: "", line: 0 };
  /** Line of the action being parsed; 0 outside. */
  actionLine = 0;

  constructor(lexer: Lexer, name: string) {
    this.#lexer = lexer;
    this.#name = name;
  }

  next(): Token {
    return this.#back.pop() ?? (this.#newest = this.#lexer.next());
  }

  /** Gives tokens back: the first named comes first again. */
  giveBack(...tokens: readonly Token[]): void {
    this.#back.push(...tokens.toReversed());
  }

  peek(): Token {
    const token = this.next();
    this.giveBack(token);
    return token;
  }

  nextWord(): Token {
    let token = this.next();
    while (token.type === "space") token = this.next();
    return token;
  }

  peekWord(): Token {
    const token = this.nextWord();
    this.giveBack(token);
    return token;
  }

  expect(type: TokenType, context: string): Token {
    const token = this.nextWord();
    if (token.type !== type) this.unexpected(token, context);
    return token;
  }

  unexpected(token: Token, context: string): never {
    if (token.type !== "error") this.fail(`unexpected ${tokenText(token)} in ${context}`);
    let where = "";
    if (this.actionLine !== 0 && this.actionLine !== token.line) {
      // "unclosed action" does not say action twice.
      const words = token.text.endsWith(" action") ? " started at" : " in action started at";
      where = `${words} ${this.#name}:${this.actionLine}`;
    }
    this.fail(token.text + where);
  }

  fail(message: string): never {
    throw new TemplateError("parse", `${this.#name}:${this.#newest.line}`, message);
  }
}
