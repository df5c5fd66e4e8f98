/**
 * YAML in the block style of go-yaml v2: sorted keys, lists at their key's own indent, lines folded after 80 characters.
 *
 * Works as the emitter of libyaml does, whose state (column, what the last character was) decides about each space and
 * line break. Text is JavaScript's, in characters.
 */
import { formatFloat } from "../decimal.ts";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { fromText } from "../text.ts";
import { GrowingText } from "./growing-text.ts";
import { sortedKeys } from "./yaml-keys.ts";
import { chooseStyle, doubleQuotable, isMultiline } from "./yaml-styles.ts";

export type YamlNode = null | boolean | bigint | number | string | readonly YamlNode[] | ReadonlyMap<string, YamlNode>;

/** Keys longer than this many bytes are written with `?`. */
const longestSimpleKey = 128;

const indentStep = 2;

/** At the first space after so many characters a line is folded, except in keys and literal texts. */
const bestWidth = 80;

const spacesOrText = / +|[^ ]+/g;

/** Runs of breaks that are kept as they are, and the text between them. */
const breaksOrText = /[\n\u2028\u2029]+|[^\n\u2028\u2029]+/g;
const isBreaks = (part: string): boolean => /^[\n\u2028\u2029]/.test(part);

interface Indicator {
  /** A space goes before it unless there is one. */
  readonly apart?: boolean;
  /** It counts as indentation: what follows may stay on its line. */
  readonly indents?: boolean;
  /** What follows needs no space. */
  readonly spaced?: boolean;
}

class Emitter {
  readonly #ctx: CallContext;
  readonly #out: GrowingText;
  #indent = -1;
  #column = 0;
  #whitespace = true;
  #indention = true;

  constructor(ctx: CallContext) {
    this.#ctx = ctx;
    this.#out = new GrowingText(ctx);
  }

  document(node: YamlNode): GoString {
    this.#node(node, false);
    this.#newLine();
    return this.#out.text();
  }

  #put(text: string): void {
    this.#out.add(fromText(text));
    this.#column += text.length;
  }

  #break(): void {
    this.#out.add("\n");
    this.#column = 0;
  }

  /** To the indent, on a new line unless this one is still empty. */
  #newLine(): void {
    this.#ctx.charge(1);
    const indent = Math.max(this.#indent, 0);
    if (!this.#indention || this.#column > indent || (this.#column === indent && !this.#whitespace)) this.#break();
    if (this.#column < indent) this.#put(" ".repeat(indent - this.#column));
    this.#whitespace = true;
    this.#indention = true;
  }

  #indicator(text: string, { apart = false, indents = false, spaced = false }: Indicator): void {
    if (apart && !this.#whitespace) this.#put(" ");
    this.#put(text);
    this.#whitespace = spaced;
    this.#indention &&= indents;
  }

  #indented(write: () => void, step = indentStep, first = 0): void {
    const outer = this.#indent;
    this.#indent = outer < 0 ? first : outer + step;
    write();
    this.#indent = outer;
  }

  #node(node: YamlNode, inMap: boolean): void {
    if (node instanceof Map) this.#map(node as ReadonlyMap<string, YamlNode>);
    else if (Array.isArray(node)) this.#list(node as readonly YamlNode[], inMap);
    else this.#indented(() => this.#scalar(node as string, false), indentStep, indentStep);
  }

  #map(map: ReadonlyMap<string, YamlNode>): void {
    if (map.size === 0) return this.#indicator("{}", { apart: true });
    this.#indented(() => {
      for (const key of sortedKeys(this.#ctx, map.keys())) {
        this.#newLine();
        this.#key(key);
        this.#node(map.get(key)!, true);
      }
    });
  }

  #key(key: string): void {
    if (!isMultiline(key) && fromText(key).length <= longestSimpleKey) {
      this.#indented(() => this.#scalar(key, true), indentStep, indentStep);
      return this.#indicator(":", {});
    }
    this.#indicator("?", { apart: true, indents: true });
    this.#node(key, true);
    this.#newLine();
    this.#indicator(":", { apart: true, indents: true });
  }

  /** Under a key a list is not indented. */
  #list(list: readonly YamlNode[], inMap: boolean): void {
    if (list.length === 0) return this.#indicator("[]", { apart: true });
    const write = (): void => {
      for (const item of list) {
        this.#newLine();
        this.#indicator("-", { apart: true, indents: true });
        this.#node(item, false);
      }
    };
    this.#indented(write, inMap && !this.#indention ? 0 : indentStep);
  }

  #scalar(value: null | boolean | bigint | number | string, isKey: boolean): void {
    if (typeof value === "number") return this.#indicator(formatFloat(value, "g", -1), { apart: true });
    if (typeof value !== "string") return this.#indicator(String(value), { apart: true });
    switch (chooseStyle(this.#ctx, value, isKey)) {
      case "plain":
        this.#indicator("", { apart: true });
        return this.#folded(value, isKey);
      case "single":
        this.#indicator("'", { apart: true });
        this.#lines(value.replaceAll("'", "''"), (part) => this.#folded(part, isKey));
        return this.#indicator("'", {});
      case "double":
        this.#indicator('"', { apart: true });
        this.#folded(doubleQuotable(value), isKey, true);
        return this.#indicator('"', {});
      case "literal":
        return this.#literal(value);
    }
  }

  /** Text without breaks. Between double quotes a backslash keeps the spaces after a fold. */
  #folded(text: string, isKey: boolean, isDouble = false): void {
    if (isKey || this.#column + text.length <= bestWidth) return this.#put(text);
    for (const { 0: part, index } of text.matchAll(spacesOrText)) {
      const inside = index > 0 && index < text.length - 1;
      const folds = part.startsWith(" ") && inside && this.#column > bestWidth;
      if (!folds || (part.length > 1 && !isDouble)) {
        this.#put(part);
        this.#indention = false;
        continue;
      }
      this.#newLine();
      if (part.length > 1) this.#put(`\\${part.slice(1)}`);
    }
  }

  /** `2` where the text starts with what would be taken for indentation; `-` without a break at the end, `+` for more. */
  #literal(text: string): void {
    const chomping = !isBreaks(text.slice(-1)) ? "-" : text.length === 1 || isBreaks(text.slice(-2)) ? "+" : "";
    this.#indicator(`|${/^[ \n\u2028\u2029]/.test(text) ? indentStep : ""}${chomping}`, { apart: true });
    this.#break();
    this.#indention = true;
    this.#whitespace = true;
    this.#lines(text, (part) => this.#put(part), true);
  }

  /** Text with its own breaks; each line but the first (or each, after a break) starts at the indent. */
  #lines(text: string, write: (part: string) => void, afterBreak = false): void {
    let broken = afterBreak;
    for (const [part] of text.matchAll(breaksOrText)) {
      if (isBreaks(part)) {
        this.#out.add(fromText(part));
        this.#column = 0;
        this.#indention = true;
      } else {
        if (broken) this.#newLine();
        write(part);
        this.#indention = false;
      }
      broken = isBreaks(part);
    }
  }
}

/** The document, with the newline at its end. */
export const emitYaml = (ctx: CallContext, node: YamlNode): GoString => new Emitter(ctx).document(node);
