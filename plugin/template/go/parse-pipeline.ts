/** Pipelines, commands and operands: what stands inside an action. */
import { parseConstant } from "./constants.ts";
import { BudgetError } from "./errors.ts";
import { nodeText } from "./nodes.ts";
import type { CommandNode, OperandNode, PipeNode, VariableNode } from "./nodes.ts";
import { quote, unquote } from "./quote.ts";
import type { GoString } from "./text.ts";
import { ascii } from "./text.ts";
import type { TokenStream } from "./token-stream.ts";
import type { Token, TokenType } from "./tokens.ts";

/** What parsing one template (the text itself, a define, a block) knows. */
export interface Scope {
  readonly tokens: TokenStream;
  readonly isFunction: (name: string) => boolean;
  /** Names in sight; a scope's end cuts the list back. */
  readonly variables: string[];
  /** Open parentheses and open lists; the deeper one counts. */
  depth: number;
  rangeDepth: number;
}

/** Parentheses and control structures nested deeper than this end the parse. */
export const maxNesting = 1_000;

export function nested<T>(scope: Scope, parse: () => T): T {
  if (++scope.depth > maxNesting) throw new BudgetError("depth");
  const result = parse();
  scope.depth--;
  return result;
}

const operandStarts: ReadonlySet<TokenType> = new Set<TokenType>([
  "bool",
  "charConstant",
  "complex",
  "dot",
  "field",
  "identifier",
  "number",
  "nil",
  "rawString",
  "string",
  "variable",
  "leftParen",
]);

type Context = "command" | "if" | "with" | "range" | "template clause" | "block clause" | "parenthesized pipeline";

export function parsePipeline(scope: Scope, context: Context, end: "rightDelim" | "rightParen"): PipeNode {
  const { tokens } = scope;
  const { pos } = tokens.peekWord();
  const { variables, assigns } = parseDeclarations(scope, context);
  const commands: CommandNode[] = [];
  for (;;) {
    const token = tokens.nextWord();
    if (token.type === end) break;
    if (!operandStarts.has(token.type)) tokens.unexpected(token, context);
    tokens.giveBack(token);
    commands.push(parseCommand(scope));
  }
  checkCommands(tokens, commands, context);
  return { kind: "pipe", pos, variables, assigns, commands };
}

function parseDeclarations(scope: Scope, context: Context): Pick<PipeNode, "variables" | "assigns"> {
  const { tokens } = scope;
  const variables: VariableNode[] = [];
  while (tokens.peekWord().type === "variable") {
    const name = tokens.nextWord();
    const after = tokens.peek();
    const next = tokens.peekWord();
    const comma = next.type === "char" && next.text === ",";
    if (next.type !== "assign" && next.type !== "declare" && !comma) {
      // An operand after all. The space behind it separates it from the next one.
      if (after.type === "space") tokens.giveBack(name, after);
      else tokens.giveBack(name);
      break;
    }
    tokens.nextWord();
    variables.push({ kind: "variable", pos: name.pos, names: [ascii(name.text)] });
    scope.variables.push(name.text);
    if (!comma) return { variables, assigns: next.type === "assign" };
    if (context !== "range" || variables.length > 1) tokens.fail(`too many declarations in ${context}`);
    const follower = tokens.peekWord().type;
    if (follower !== "variable" && follower !== "rightDelim" && follower !== "rightParen")
      tokens.fail("range can only initialize variables");
  }
  return { variables, assigns: false };
}

const inert: ReadonlySet<OperandNode["kind"]> = new Set(["bool", "dot", "nil", "number", "string"]);

function checkCommands(tokens: TokenStream, commands: readonly CommandNode[], context: string): void {
  if (commands.length === 0) tokens.fail(`missing value for ${context}`);
  const stage = commands.findIndex((command, index) => index > 0 && inert.has(command.args[0]!.kind));
  if (stage > 0) tokens.fail(`non executable command in pipeline stage ${stage + 1}`);
}

/** Operands up to a pipe sign, which is consumed, or the end of the pipeline, which is not. */
function parseCommand(scope: Scope): CommandNode {
  const { tokens } = scope;
  const { pos } = tokens.peekWord();
  const args: OperandNode[] = [];
  for (;;) {
    const operand = parseOperand(scope);
    if (operand) args.push(operand);
    const token = tokens.next();
    if (token.type === "space") continue;
    if (token.type === "rightDelim" || token.type === "rightParen") tokens.giveBack(token);
    else if (token.type !== "pipe") tokens.unexpected(token, "operand");
    break;
  }
  if (args.length === 0) tokens.fail("empty command");
  return { kind: "command", pos, args };
}

function parseOperand(scope: Scope): OperandNode | undefined {
  const base = parseTerm(scope);
  const { tokens } = scope;
  if (!base || tokens.peek().type !== "field") return base;
  const { pos } = tokens.peek();
  const names: GoString[] = [];
  while (tokens.peek().type === "field") names.push(ascii(tokens.next().text.slice(1)));
  if (base.kind === "field" || base.kind === "variable") return { ...base, pos, names: [...base.names, ...names] };
  if (inert.has(base.kind)) tokens.fail(`unexpected . after term ${quote(ascii(nodeText(base)))}`);
  return { kind: "chain", pos, base, names };
}

function parseTerm(scope: Scope): OperandNode | undefined {
  const { tokens } = scope;
  const token = tokens.nextWord();
  const { pos, text } = token;
  switch (token.type) {
    case "identifier":
      if (!scope.isFunction(text)) tokens.fail(`function ${quote(ascii(text))} not defined`);
      return { kind: "identifier", pos, name: text };
    case "dot":
      return { kind: "dot", pos };
    case "nil":
      return { kind: "nil", pos };
    case "variable":
      if (!scope.variables.includes(text)) tokens.fail(`undefined variable ${quote(ascii(text))}`);
      return { kind: "variable", pos, names: [ascii(text)] };
    case "field":
      return { kind: "field", pos, names: [ascii(text.slice(1))] };
    case "bool":
      return { kind: "bool", pos, value: text === "true" };
    case "charConstant":
    case "complex":
    case "number":
      return parseNumber(tokens, token, token.type);
    case "leftParen":
      return nested(scope, () => parsePipeline(scope, "parenthesized pipeline", "rightParen"));
    case "string":
    case "rawString":
      return { kind: "string", pos, quoted: text, value: unquoted(tokens, token) };
    default:
      tokens.giveBack(token);
      return undefined;
  }
}

function parseNumber(tokens: TokenStream, token: Token, type: "charConstant" | "complex" | "number"): OperandNode {
  const node = parseConstant(token.pos, token.text, type);
  return typeof node === "string" ? tokens.fail(node) : node;
}

/** A string token's value. */
export const unquoted = (tokens: TokenStream, token: Token): GoString =>
  unquote(token.text) ?? tokens.fail("invalid syntax");
