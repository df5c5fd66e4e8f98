/** Refuses what the language has and we do not offer, before any code is made of the template. */
import Handlebars from "handlebars/dist/cjs/handlebars.js";
import { secret } from "../go/errors.ts";
import { fromText } from "../go/text.ts";
import { blockNames } from "./blocks.ts";
import { helperNames } from "./functions.ts";
import { HandlebarsProblem } from "./problem.ts";

const blocks: ReadonlySet<string> = new Set(blockNames);
const functions: ReadonlySet<string> = new Set(helperNames);

type Call = hbs.AST.MustacheStatement | hbs.AST.BlockStatement | hbs.AST.SubExpression;

function refuse({ loc }: hbs.AST.Node, message: string): never {
  throw new HandlebarsProblem("parse", loc.start, fromText(message));
}

class Checker extends Handlebars.Visitor {
  override PartialStatement(node: hbs.AST.Node): void {
    refuse(node, "there are no partials here");
  }
  override PartialBlockStatement(node: hbs.AST.Node): void {
    refuse(node, "there are no partials here");
  }
  override Decorator(node: hbs.AST.Node): void {
    refuse(node, "there are no decorators here");
  }
  override DecoratorBlock(node: hbs.AST.Node): void {
    refuse(node, "there are no decorators and no inline partials here");
  }
  override Hash(node: hbs.AST.Hash): void {
    refuse(node, "functions take no named arguments");
  }
  override MustacheStatement(node: hbs.AST.MustacheStatement): void {
    if (node.params.length > 0) checkFunction(node);
    super.MustacheStatement(node);
  }
  override SubExpression(node: hbs.AST.SubExpression): void {
    checkFunction(node);
    super.SubExpression(node);
  }
  override BlockStatement(node: hbs.AST.BlockStatement): void {
    const name = nameOf(node);
    if (!blocks.has(name) || name === "lookup")
      refuse(node, `there is no block ${name}: write {{#each ${name}}}, {{#with ${name}}} or {{#if ${name}}}`);
    super.BlockStatement(node);
  }
}

const nameOf = ({ path }: Call): string =>
  path.type === "PathExpression" ? (path as hbs.AST.PathExpression).original : "";

function checkFunction(node: Call): void {
  const name = nameOf(node);
  if (!functions.has(name) && name !== "lookup") refuse(node, `there is no function ${name || "of that name"}`);
}

/** Throws HandlebarsProblem at stage "parse". */
export function checkTemplate(text: string): void {
  let program: hbs.AST.Program;
  try {
    program = Handlebars.parse(text);
  } catch (thrown) {
    throw parseProblem(thrown, /\{\{-?\s*[.$]\w/.test(text) ? " (is it a Go template? set the engine to go)" : "");
  }
  new Checker().accept(program);
}

/** The parser's text without the piece of template that it draws. */
function parseProblem(thrown: unknown, hint: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof RangeError) return thrown;
  const { lineNumber, column } = thrown as { lineNumber?: number; column?: number };
  const line = lineNumber ?? Number(/^(?:Parse|Lexical) error on line (\d+)/.exec(thrown.message)?.[1] ?? 1);
  const found = /got '(\w+)'\s*$/.exec(thrown.message)?.[1];
  const what = thrown.message.startsWith("Lexical") ? "unrecognized text" : found && `unexpected ${found}`;
  const own = fromText(thrown.message.replace(/ - \d+:\d+$/, ""));
  const place = { line, ...(column !== undefined && { column }) };
  return new HandlebarsProblem("parse", place, (what ?? (lineNumber === undefined ? secret(own) : own)) + hint);
}
