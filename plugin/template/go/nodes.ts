/** A parsed template: its nodes, and their text as Go prints it in errors. */
import { quote } from "./quote.ts";
import type { GoString } from "./text.ts";
import { textOf } from "./text.ts";

interface At {
  /** Byte offset in the template's text. */
  readonly pos: number;
}

export interface FieldNode extends At {
  readonly kind: "field";
  readonly names: readonly GoString[];
}

export interface VariableNode extends At {
  readonly kind: "variable";
  /** `$name`, then fields. */
  readonly names: readonly GoString[];
}

export interface ChainNode extends At {
  readonly kind: "chain";
  readonly base: OperandNode;
  readonly names: readonly GoString[];
}

export interface IdentifierNode extends At {
  readonly kind: "identifier";
  readonly name: string;
}

export interface BoolNode extends At {
  readonly kind: "bool";
  readonly value: boolean;
}

/** A constant holds every reading that its digits allow, as Go's ideal constants do. */
export interface NumberNode extends At {
  readonly kind: "number";
  readonly text: string;
  readonly int?: bigint;
  readonly uint?: bigint;
  readonly float?: number;
  readonly complex?: { readonly re: number; readonly im: number };
}

export interface StringNode extends At {
  readonly kind: "string";
  readonly quoted: string;
  readonly value: GoString;
}

export interface DotNode extends At {
  readonly kind: "dot";
}

export interface NilNode extends At {
  readonly kind: "nil";
}

export interface CommandNode extends At {
  readonly kind: "command";
  readonly args: readonly OperandNode[];
}

export interface PipeNode extends At {
  readonly kind: "pipe";
  readonly variables: readonly VariableNode[];
  readonly assigns: boolean;
  readonly commands: readonly CommandNode[];
}

export type OperandNode =
  | FieldNode
  | VariableNode
  | ChainNode
  | IdentifierNode
  | BoolNode
  | NumberNode
  | StringNode
  | DotNode
  | NilNode
  | PipeNode;

export interface TextNode extends At {
  readonly kind: "text";
  readonly text: GoString;
}

export interface ActionNode extends At {
  readonly kind: "action";
  readonly pipe: PipeNode;
}

export interface BranchNode extends At {
  readonly kind: "if" | "with" | "range";
  readonly pipe: PipeNode;
  readonly list: readonly Node[];
  readonly otherwise?: readonly Node[];
}

export interface JumpNode extends At {
  readonly kind: "break" | "continue";
}

export interface TemplateNode extends At {
  readonly kind: "template";
  readonly name: GoString;
  readonly pipe?: PipeNode;
}

export type Node = TextNode | ActionNode | BranchNode | JumpNode | TemplateNode;

/** Whatever an execution error can point at. */
export type PlaceNode = OperandNode | CommandNode | ActionNode | TemplateNode;

/** One text and all templates in it. */
export interface ParsedTemplate {
  readonly name: GoString;
  readonly text: GoString;
  /** The text's own template under its name, and each define and block. */
  readonly trees: ReadonlyMap<GoString, readonly Node[]>;
}

/** A node as Go prints it. */
export function nodeText(node: PlaceNode): string {
  switch (node.kind) {
    case "field":
      return node.names.map((name) => `.${name}`).join("");
    case "variable":
      return node.names.join(".");
    case "chain":
      return wrapped(node.base) + node.names.map((name) => `.${name}`).join("");
    case "identifier":
      return node.name;
    case "bool":
      return String(node.value);
    case "number":
      return node.text;
    case "string":
      return node.quoted;
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "command":
      return node.args.map(wrapped).join(" ");
    case "pipe":
      return pipeText(node);
    case "action":
      return `{{${pipeText(node.pipe)}}}`;
    case "template":
      return `{{template ${quote(node.name)}${node.pipe ? ` ${pipeText(node.pipe)}` : ""}}}`;
  }
}

const wrapped = (node: OperandNode): string => (node.kind === "pipe" ? `(${pipeText(node)})` : nodeText(node));

function pipeText({ variables, assigns, commands }: PipeNode): string {
  const names = variables.map(nodeText).join(", ");
  const sign = assigns ? "=" : ":=";
  return (names === "" ? "" : `${names} ${sign} `) + commands.map(nodeText).join(" | ");
}

/** Whether the list shows nothing but space: such a definition may be replaced. */
export const isBlank = (nodes: readonly Node[]): boolean =>
  nodes.every((node) => node.kind === "text" && !/[^\s\u0085]/.test(textOf(node.text)));

/** `name:line:column`, the column in bytes from 0 on later lines. */
export function locationOf(template: ParsedTemplate, pos: number): string {
  const before = template.text.slice(0, pos);
  const lineStart = before.lastIndexOf("\n") + 1;
  const line = before.split("\n").length;
  return `${template.name}:${line}:${pos - lineStart}`;
}
