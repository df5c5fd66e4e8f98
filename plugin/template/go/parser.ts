/**
 * Go's text/template grammar: text, actions, control structures, definitions.
 *
 * Knows which functions exist (a template that names another does not parse) and nothing of values.
 */
import { Lexer } from "./lexer.ts";
import type { Delimiters } from "./lexer.ts";
import { isBlank } from "./nodes.ts";
import type { BranchNode, Node, ParsedTemplate, PipeNode, TemplateNode } from "./nodes.ts";
import { nested, parsePipeline, unquoted } from "./parse-pipeline.ts";
import type { Scope } from "./parse-pipeline.ts";
import { quote } from "./quote.ts";
import type { GoString } from "./text.ts";
import { ascii } from "./text.ts";
import { TokenStream } from "./token-stream.ts";
import type { Token } from "./tokens.ts";

export interface ParseOptions {
  readonly isFunction: (name: string) => boolean;
  /** `{{` and `}}` where absent or empty. */
  readonly delimiters?: Delimiters;
}

/** One text being parsed. */
interface Source {
  readonly name: GoString;
  readonly lexer: Lexer;
  readonly isFunction: (name: string) => boolean;
  readonly trees: Map<GoString, readonly Node[]>;
}

/** What ends a list. */
interface Ending {
  readonly kind: "end" | "else";
}

/** Throws TemplateError at stage "parse", or BudgetError for nesting. */
export function parseTemplate(name: GoString, text: GoString, options: ParseOptions): ParsedTemplate {
  const { left, right } = options.delimiters ?? { left: "", right: "" };
  const lexer = new Lexer(text, { left: left || "{{", right: right || "}}" });
  const source: Source = { name, lexer, isFunction: options.isFunction, trees: new Map() };
  const scope = newScope(source, 0);
  const nodes = parseText(source, scope);
  addTree(source, scope, name, nodes);
  return { name, text, trees: source.trees };
}

function newScope({ lexer, name, isFunction }: Source, depth: number): Scope {
  return { tokens: new TokenStream(lexer, name), isFunction, variables: ["$"], depth, rangeDepth: 0 };
}

function addTree(source: Source, { tokens }: Scope, name: GoString, nodes: readonly Node[]): void {
  const known = source.trees.get(name);
  if (!known || isBlank(known)) source.trees.set(name, nodes);
  else if (!isBlank(nodes)) tokens.fail(`template: multiple definition of template ${quote(name)}`);
}

/** The text's own template; definitions may stand at its top level alone. */
function parseText(source: Source, scope: Scope): Node[] {
  const { tokens } = scope;
  const nodes: Node[] = [];
  while (tokens.peek().type !== "eof") {
    if (tokens.peek().type === "leftDelim") {
      const opening = tokens.next();
      const word = tokens.nextWord();
      if (word.type === "define") {
        parseDefinition(source, scope.depth);
        continue;
      }
      tokens.giveBack(opening, word);
    }
    const node = parseNode(source, scope);
    if (isEnding(node)) return tokens.fail(`unexpected ${endingText(node)}`);
    nodes.push(node);
  }
  return nodes;
}

const isEnding = (node: Node | Ending): node is Ending => node.kind === "end" || node.kind === "else";
const endingText = ({ kind }: Ending): string => `{{${kind}}}`;

function parseDefinition(source: Source, depth: number): void {
  const context = "define clause";
  const scope = newScope(source, depth);
  const { tokens } = scope;
  const name = tokens.nextWord();
  if (name.type !== "string" && name.type !== "rawString") tokens.unexpected(name, context);
  const value = unquoted(tokens, name);
  tokens.expect("rightDelim", context);
  parseBody(source, scope, value, context);
}

/** A definition's list up to its end, which must be an end. */
function parseBody(source: Source, scope: Scope, name: GoString, context: string): void {
  const { nodes, ending } = parseList(source, scope);
  if (ending.kind !== "end") scope.tokens.fail(`unexpected ${endingText(ending)} in ${context}`);
  addTree(source, scope, name, nodes);
}

function parseList(source: Source, scope: Scope): { nodes: Node[]; ending: Ending } {
  return nested(scope, () => {
    const nodes: Node[] = [];
    while (scope.tokens.peekWord().type !== "eof") {
      const node = parseNode(source, scope);
      if (isEnding(node)) return { nodes, ending: node };
      nodes.push(node);
    }
    return scope.tokens.fail("unexpected EOF");
  });
}

function parseNode(source: Source, scope: Scope): Node | Ending {
  const { tokens } = scope;
  const token = tokens.nextWord();
  if (token.type === "text") return { kind: "text", pos: token.pos, text: ascii(token.text) };
  if (token.type !== "leftDelim") tokens.unexpected(token, "input");
  tokens.actionLine = token.line;
  const node = parseAction(source, scope);
  tokens.actionLine = 0;
  return node;
}

function parseAction(source: Source, scope: Scope): Node | Ending {
  const { tokens } = scope;
  const token = tokens.nextWord();
  switch (token.type) {
    case "if":
    case "with":
    case "range":
      return parseBranch(source, scope, token.type);
    case "else":
      return parseElse(scope);
    case "end":
      tokens.expect("rightDelim", "end");
      return { kind: "end" };
    case "break":
    case "continue":
      return parseJump(scope, token, token.type);
    case "block":
      return parseBlock(source, scope);
    case "template":
      return parseTemplateCall(scope);
    default: {
      tokens.giveBack(token);
      return { kind: "action", pos: token.pos, pipe: parsePipeline(scope, "command", "rightDelim") };
    }
  }
}

function parseJump({ tokens, rangeDepth }: Scope, { pos }: Token, kind: "break" | "continue"): Node {
  const token = tokens.nextWord();
  if (token.type !== "rightDelim") tokens.unexpected(token, `{{${kind}}}`);
  if (rangeDepth === 0) tokens.fail(`{{${kind}}} outside {{range}}`);
  return { kind, pos };
}

/** `else`; of `else if` and `else with` the second word stays to be read. */
function parseElse({ tokens }: Scope): Ending {
  const next = tokens.peekWord();
  if (next.type !== "if" && next.type !== "with") tokens.expect("rightDelim", "else");
  return { kind: "else" };
}

function parseBranch(source: Source, scope: Scope, kind: "if" | "with" | "range"): BranchNode {
  const { variables } = scope;
  const known = variables.length;
  const pipe = parsePipeline(scope, kind, "rightDelim");
  if (kind === "range") scope.rangeDepth++;
  const { nodes, ending } = parseList(source, scope);
  if (kind === "range") scope.rangeDepth--;
  const branch = { kind, pos: pipe.pos, pipe, list: nodes };
  const result = ending.kind === "end" ? branch : { ...branch, otherwise: parseOtherwise(source, scope, kind) };
  variables.length = known;
  return result;
}

/** What follows an else. `else if` is an if inside the else that shares its end. */
function parseOtherwise(source: Source, scope: Scope, kind: "if" | "with" | "range"): readonly Node[] {
  const { tokens } = scope;
  if (kind !== "range" && tokens.peek().type === kind) {
    tokens.next();
    return [nested(scope, () => parseBranch(source, scope, kind))];
  }
  const { nodes, ending } = parseList(source, scope);
  if (ending.kind !== "end") tokens.fail(`expected end; found ${endingText(ending)}`);
  return nodes;
}

function parseName({ tokens }: Scope, context: string): { pos: number; name: GoString } {
  const token = tokens.nextWord();
  if (token.type !== "string" && token.type !== "rawString") tokens.unexpected(token, context);
  return { pos: token.pos, name: unquoted(tokens, token) };
}

function parseTemplateCall(scope: Scope): TemplateNode {
  const { tokens } = scope;
  const { pos, name } = parseName(scope, "template clause");
  const token = tokens.nextWord();
  if (token.type === "rightDelim") return { kind: "template", pos, name };
  tokens.giveBack(token);
  const pipe: PipeNode = parsePipeline(scope, "template clause", "rightDelim");
  return { kind: "template", pos, name, pipe };
}

/** A definition and its use in one. */
function parseBlock(source: Source, scope: Scope): TemplateNode {
  const { pos, name } = parseName(scope, "block clause");
  const pipe = parsePipeline(scope, "block clause", "rightDelim");
  const inner = newScope(source, scope.depth);
  parseBody(source, inner, name, "block clause");
  return { kind: "template", pos, name, pipe };
}
