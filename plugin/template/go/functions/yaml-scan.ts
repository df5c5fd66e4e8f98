/**
 * YAML's tokens, one after another, as libyaml finds them: a key shows only at its colon, so tokens wait until it is
 * sure that none of them starts one.
 */
import type { Meter } from "../functions.ts";
import { isBlankOrEnd } from "./yaml-source.ts";
import type { Mark, YamlSource } from "./yaml-source.ts";
import { scanBlock, scanPlain, scanQuoted } from "./yaml-scan-scalars.ts";
import { scanAnchor, scanDirective, scanTag } from "./yaml-scan-words.ts";
import type { TokenType, YamlToken } from "./yaml-tokens.ts";

interface SimpleKey {
  possible: boolean;
  /** The line makes no sense unless this is a key. */
  readonly required: boolean;
  /** Its number among all tokens. */
  readonly token: number;
  readonly mark: Mark;
}

/** A key without `?` ends on its line and within so many characters. */
const longestKey = 1_024;
const deepest = 10_000;

export class YamlScanner {
  readonly #meter: Meter;
  readonly #source: YamlSource;
  readonly #queue: YamlToken[] = [];
  readonly #keys: SimpleKey[];
  readonly #keyOfToken = new Map<number, SimpleKey>();
  readonly #indents: number[] = [];
  #indent = -1;
  #taken = 0;
  #keyAllowed = true;

  constructor(meter: Meter, source: YamlSource) {
    this.#meter = meter;
    this.#source = source;
    this.#keys = [{ possible: false, required: false, token: -1, mark: source.mark }];
  }

  /** The next token; it stays. */
  peek(): YamlToken {
    while (this.#needsMore()) this.#fetch();
    return this.#queue[0]!;
  }

  take(): YamlToken {
    const token = this.peek();
    this.#queue.shift();
    this.#taken++;
    return token;
  }

  #needsMore(): boolean {
    if (this.#queue.length === 0) return true;
    const key = this.#keyOfToken.get(this.#taken);
    return key !== undefined && this.#isStillPossible(key);
  }

  get #inFlow(): boolean {
    return this.#keys.length > 1;
  }

  get #nextNumber(): number {
    return this.#taken + this.#queue.length;
  }

  #add(type: Exclude<TokenType, "alias" | "anchor" | "tag" | "scalar" | "version" | "tag directive">): void {
    this.#queue.push({ type, line: this.#source.line });
  }

  #isStillPossible(key: SimpleKey): boolean {
    if (!key.possible) return false;
    const { mark } = key;
    if (mark.line >= this.#source.line && mark.index + longestKey >= this.#source.index) return true;
    if (key.required) this.#source.problem("could not find expected ':'");
    key.possible = false;
    return false;
  }

  #saveKey(): void {
    if (!this.#keyAllowed) return;
    const { mark } = this.#source;
    const required = !this.#inFlow && this.#indent === mark.column;
    const key: SimpleKey = { possible: true, required, token: this.#nextNumber, mark };
    this.#removeKey();
    this.#keys[this.#keys.length - 1] = key;
    this.#keyOfToken.set(key.token, key);
  }

  #removeKey(): void {
    const key = this.#keys.at(-1)!;
    if (!key.possible) return;
    if (key.required) this.#source.problem("could not find expected ':'");
    key.possible = false;
    this.#keyOfToken.delete(key.token);
  }

  /** Opens a block collection when the column lies deeper than the one that is open. */
  #rollIndent(column: number, type: "block sequence" | "block mapping", line: number, position?: number): void {
    if (this.#inFlow || this.#indent >= column) return;
    this.#indents.push(this.#indent);
    this.#indent = column;
    if (this.#indents.length > deepest) this.#source.problem(`exceeded max depth of ${deepest}`);
    this.#queue.splice(position ?? this.#queue.length, 0, { type, line });
  }

  #unrollIndent(column: number): void {
    if (this.#inFlow) return;
    while (this.#indent > column) {
      this.#add("block end");
      this.#indent = this.#indents.pop()!;
    }
  }

  #skipToToken(): void {
    const source = this.#source;
    for (;;) {
      while (source.peek() === " " || (source.peek() === "\t" && (this.#inFlow || !this.#keyAllowed))) source.read();
      source.skipComment();
      if (source.readBreak() === "") return;
      if (!this.#inFlow) this.#keyAllowed = true;
    }
  }

  #fetch(): void {
    this.#meter.charge(1);
    const source = this.#source;
    this.#skipToToken();
    this.#unrollIndent(source.column);
    const char = source.peek();
    if (char === "") return this.#end();
    if (source.column === 0 && char === "%") return this.#atMargin(() => this.#queue.push(scanDirective(source)));
    if (source.atDocumentMark("-")) return this.#documentMark("document start");
    if (source.atDocumentMark(".")) return this.#documentMark("document end");
    const next = source.peek(1);
    switch (char) {
      case "[":
      case "{":
        return this.#openFlow(char);
      case "]":
      case "}":
        return this.#closeFlow(char);
      case ",":
        return this.#flowEntry();
      case "-":
        if (isBlankOrEnd(next)) return this.#blockEntry();
        break;
      case "?":
        if (this.#inFlow || isBlankOrEnd(next)) return this.#key();
        break;
      case ":":
        if (this.#inFlow || isBlankOrEnd(next)) return this.#value();
        break;
      case "*":
        return this.#word(() => scanAnchor(source, "alias"));
      case "&":
        return this.#word(() => scanAnchor(source, "anchor"));
      case "!":
        return this.#word(() => scanTag(source));
      case "'":
      case '"':
        return this.#word(() => ({ type: "scalar", line: source.line, isPlain: false, text: scanQuoted(source) }));
      case "|":
      case ">":
        if (!this.#inFlow) return this.#block();
        break;
    }
    if (/^[|>%@`#\t]$/.test(char)) source.problem("found character that cannot start any token");
    this.#plain();
  }

  #end(): void {
    this.#source.endLine();
    this.#atMargin(() => this.#add("stream end"));
  }

  /** What ends all open block collections. */
  #atMargin(add: () => void): void {
    this.#unrollIndent(-1);
    this.#removeKey();
    this.#keyAllowed = false;
    add();
  }

  #documentMark(type: "document start" | "document end"): void {
    this.#atMargin(() => this.#add(type));
    this.#source.read(3);
  }

  #openFlow(type: "[" | "{"): void {
    this.#saveKey();
    this.#keys.push({ possible: false, required: false, token: this.#nextNumber, mark: this.#source.mark });
    if (this.#keys.length > deepest + 1) this.#source.problem(`exceeded max depth of ${deepest}`);
    this.#keyAllowed = true;
    this.#indicator(type);
  }

  #closeFlow(type: "]" | "}"): void {
    this.#removeKey();
    if (this.#inFlow) this.#keyOfToken.delete(this.#keys.pop()!.token);
    this.#keyAllowed = false;
    this.#indicator(type);
  }

  #flowEntry(): void {
    this.#removeKey();
    this.#keyAllowed = true;
    this.#indicator(",");
  }

  #indicator(type: "[" | "]" | "{" | "}" | "," | "-" | "key" | "value"): void {
    this.#add(type);
    this.#source.read();
  }

  #blockEntry(): void {
    if (!this.#inFlow) this.#openBlock("block sequence", "block sequence entries");
    this.#removeKey();
    this.#keyAllowed = true;
    this.#indicator("-");
  }

  #openBlock(type: "block sequence" | "block mapping", what: string): void {
    if (!this.#keyAllowed) this.#source.problem(`${what} are not allowed in this context`);
    this.#rollIndent(this.#source.column, type, this.#source.line);
  }

  #key(): void {
    if (!this.#inFlow) this.#openBlock("block mapping", "mapping keys");
    this.#removeKey();
    this.#keyAllowed = !this.#inFlow;
    this.#indicator("key");
  }

  #value(): void {
    const key = this.#keys.at(-1)!;
    if (this.#isStillPossible(key)) {
      const position = key.token - this.#taken;
      this.#queue.splice(position, 0, { type: "key", line: key.mark.line });
      this.#rollIndent(key.mark.column, "block mapping", key.mark.line, position);
      key.possible = false;
      this.#keyOfToken.delete(key.token);
      this.#keyAllowed = false;
    } else {
      if (!this.#inFlow) this.#openBlock("block mapping", "mapping values");
      this.#keyAllowed = !this.#inFlow;
    }
    this.#indicator("value");
  }

  /** What may start a key, and after which none may start. */
  #word(scan: () => YamlToken): void {
    this.#saveKey();
    this.#keyAllowed = false;
    this.#queue.push(scan());
  }

  #block(): void {
    this.#removeKey();
    this.#keyAllowed = true;
    const { line } = this.#source;
    this.#queue.push({ type: "scalar", line, isPlain: false, text: scanBlock(this.#source, this.#indent) });
  }

  #plain(): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const { line } = this.#source;
    const { text, endedLine } = scanPlain(this.#source, { indent: this.#indent + 1, inFlow: this.#inFlow });
    this.#queue.push({ type: "scalar", line, isPlain: true, text });
    if (endedLine) this.#keyAllowed = true;
  }
}
