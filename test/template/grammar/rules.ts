/**
 * The rules of Go's template grammar, and which of them a text uses.
 *
 * Told from its tokens, so a text that does not parse or does not execute shows its rules too.
 */
import { Lexer } from "../../../plugin/template/go/lexer.ts";
import { fromText } from "../../../plugin/template/go/text.ts";
import type { Token } from "../../../plugin/template/go/tokens.ts";

export const grammarRules = [
  "text",
  "comment",
  "trim left",
  "trim right",
  "custom delimiters",
  "string",
  "raw string",
  "character",
  "true or false",
  "nil",
  "decimal",
  "hexadecimal",
  "octal",
  "binary",
  "old octal",
  "digit separator",
  "sign",
  "float",
  "exponent",
  "hexadecimal float",
  "imaginary",
  "complex",
  "dot",
  "field",
  "chain of fields",
  "field of parentheses",
  "field of variable",
  "variable",
  "root variable",
  "declaration",
  "assignment",
  "function call",
  "parentheses",
  "pipeline",
  "if",
  "if with declaration",
  "else",
  "else if",
  "with",
  "else with",
  "range",
  "range with one variable",
  "range with two variables",
  "range with assignment",
  "range over integer",
  "range else",
  "break",
  "continue",
  "define",
  "template",
  "template with dot",
  "block",
  "end",
] as const;

export type GrammarRule = (typeof grammarRules)[number];

/** The rules that the text uses, up to its first character that is no token. */
export function rulesIn(text: string, delimiters: readonly [string, string] = ["", ""]): ReadonlySet<GrammarRule> {
  const [left, right] = [delimiters[0] || "{{", delimiters[1] || "}}"];
  const bytes = fromText(text);
  const rules = new Set<GrammarRule>();
  const lexer = new Lexer(bytes, { left: fromText(left), right: fromText(right) });
  const open: string[] = [];
  let action: Token[] = [];
  let lastEnd = 0;
  for (let token = lexer.next(); token.type !== "eof" && token.type !== "error"; token = lexer.next()) {
    if (/\/\*/.test(bytes.slice(lastEnd, token.pos))) rules.add("comment");
    lastEnd = token.pos + token.text.length;
    if (token.type === "text") rules.add("text");
    else if (token.type === "leftDelim") {
      action = [];
      if (/^-\s/.test(bytes.slice(lastEnd))) rules.add("trim left");
      if (left !== "{{" || right !== "}}") rules.add("custom delimiters");
    } else if (token.type === "rightDelim") {
      if (/\s-$/.test(bytes.slice(0, token.pos))) rules.add("trim right");
      for (const rule of rulesOfAction(action, open)) rules.add(rule);
    } else action.push(token);
  }
  if (/\/\*/.test(bytes.slice(lastEnd))) rules.add("comment");
  for (const rule of rulesOfAction(action, open)) rules.add(rule);
  return rules;
}

/** `open` are the control words that wait for their end. */
function rulesOfAction(tokens: readonly Token[], open: string[]): ReadonlySet<GrammarRule> {
  const rules = new Set<GrammarRule>();
  tokens.forEach((token, index) => {
    const rule = ruleOfOperand(token);
    if (rule) rules.add(rule);
    if (token.type === "number") for (const form of numberForms(token.text)) rules.add(form);
    const before = tokens[index - 1]?.type;
    if (token.type !== "field") return;
    if (before === "field") rules.add("chain of fields");
    if (before === "rightParen") rules.add("field of parentheses");
    if (before === "variable") rules.add("field of variable");
  });
  for (const rule of rulesOfWords(
    tokens.filter(({ type }) => type !== "space"),
    open,
  ))
    rules.add(rule);
  return rules;
}

function ruleOfOperand({ type, text }: Token): GrammarRule | undefined {
  switch (type) {
    case "string":
    case "nil":
    case "dot":
    case "field":
    case "complex":
      return type;
    case "rawString":
      return "raw string";
    case "charConstant":
      return "character";
    case "bool":
      return "true or false";
    case "variable":
      return text === "$" ? "root variable" : "variable";
    case "declare":
      return "declaration";
    case "assign":
      return "assignment";
    case "identifier":
      return "function call";
    case "leftParen":
      return "parentheses";
    case "pipe":
      return "pipeline";
    default:
      return undefined;
  }
}

const forms: readonly (readonly [GrammarRule, RegExp])[] = [
  ["hexadecimal float", /^[+-]?0x.*p/i],
  ["hexadecimal", /^[+-]?0x[^p.]*$/i],
  ["octal", /^[+-]?0o/i],
  ["binary", /^[+-]?0b/i],
  ["old octal", /^[+-]?0[0-9_]+$/],
  ["exponent", /^[+-]?[0-9_.]+e/i],
  ["float", /^[+-]?[0-9_]*\.[0-9_]*$/],
  ["decimal", /^[+-]?([1-9][0-9_]*|0)$/],
  ["imaginary", /i$/],
  ["digit separator", /_/],
  ["sign", /^[+-]/],
];

const numberForms = (text: string): GrammarRule[] => forms.filter(([, form]) => form.test(text)).map(([rule]) => rule);

function rulesOfWords(tokens: readonly Token[], open: string[]): GrammarRule[] {
  const [first, second] = tokens;
  const has = (type: Token["type"]): boolean => tokens.some((token) => token.type === type);
  switch (first?.type) {
    case "if":
    case "with":
      open.push(first.type);
      return [first.type, ...(first.type === "if" && has("declare") ? (["if with declaration"] as const) : [])];
    case "range":
      open.push("range");
      return ["range", ...rulesOfRange(tokens)];
    case "else":
      if (second?.type === "if") return ["else if"];
      if (second?.type === "with") return ["else with"];
      return open.at(-1) === "range" ? ["range else"] : ["else"];
    case "define":
    case "block":
      open.push(first.type);
      return [first.type];
    case "template":
      return [tokens.length > 2 ? "template with dot" : "template"];
    case "end":
      open.pop();
      return ["end"];
    case "break":
    case "continue":
      return [first.type];
    default:
      return [];
  }
}

function rulesOfRange(tokens: readonly Token[]): GrammarRule[] {
  const rules: GrammarRule[] = [];
  const sign = tokens.findIndex(({ type }) => type === "declare" || type === "assign");
  if (sign >= 0) {
    const names = tokens.slice(1, sign).filter(({ type }) => type === "variable").length;
    rules.push(names > 1 ? "range with two variables" : "range with one variable");
    if (tokens[sign]!.type === "assign") rules.push("range with assignment");
  }
  if (tokens[sign >= 0 ? sign + 1 : 1]?.type === "number") rules.push("range over integer");
  return rules;
}
