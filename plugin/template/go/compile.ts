/** A parsed template as steps for the machine. */
import { secret } from "./errors.ts";
import { isTrue } from "./equality.ts";
import { compilePipe } from "./expressions.ts";
import type { Loop, Machine, Program, Step } from "./machine.ts";
import type { ActionNode, BranchNode, JumpNode, Node, ParsedTemplate, TemplateNode } from "./nodes.ts";
import { printed } from "./print.ts";
import { quote } from "./quote.ts";
import { ascii } from "./text.ts";
import { anyType, isInteger } from "./types.ts";
import { GoMap, GoNumber, GoSlice, integerOf, kindOf } from "./values.ts";
import type { GoValue } from "./values.ts";

/** `functions` are those that the parser met. */
export function compileTemplate(parsed: ParsedTemplate, functions: ReadonlySet<string>): Program {
  const codes = new Map([...parsed.trees].map(([name, nodes]) => [name, compileTree(nodes)] as const));
  return { parsed, codes, functions };
}

/** Where steps are written, and what a break or continue has to leave. */
interface Writing {
  readonly code: Step[];
  /** Scopes open at this point. */
  scopes: number;
  readonly loops: { readonly scopes: number; readonly next: number; readonly breaks: ((end: number) => void)[] }[];
}

function compileTree(nodes: readonly Node[]): readonly Step[] {
  const writing: Writing = { code: [], scopes: 0, loops: [] };
  compileList(writing, nodes);
  return writing.code;
}

function compileList(writing: Writing, nodes: readonly Node[]): void {
  for (const node of nodes) compileNode(writing, node);
}

function compileNode(writing: Writing, node: Node): void {
  switch (node.kind) {
    case "text": {
      const { text } = node;
      writing.code.push((machine) => machine.write(text));
      return;
    }
    case "action":
      writing.code.push(compileAction(node));
      return;
    case "if":
    case "with":
      return compileCondition(writing, node);
    case "range":
      return compileRange(writing, node);
    case "break":
    case "continue":
      return compileJump(writing, node);
    case "template":
      writing.code.push(compileInclusion(node));
  }
}

const noValue = ascii("<no value>");

function compileAction(node: ActionNode): Step {
  const pipe = compilePipe(node.pipe);
  if (node.pipe.variables.length > 0) return (machine) => void pipe(machine);
  return (machine) => {
    const value = pipe(machine);
    machine.write(value === undefined ? noValue : printed(value, machine));
  };
}

function compileCondition(writing: Writing, { kind, pipe: node, list, otherwise }: BranchNode): void {
  const { code } = writing;
  const pipe = compilePipe(node);
  const branch = code.push(() => undefined) - 1;
  writing.scopes++;
  compileList(writing, list);
  const skip = code.push(() => undefined) - 1;
  const elseAt = code.length;
  if (otherwise) compileList(writing, otherwise);
  const endAt = code.length;
  code[branch] = (machine) => {
    machine.openScope();
    const value = pipe(machine);
    if (!isTrue(value)) machine.frame.next = elseAt;
    else if (kind === "with") machine.setDot(value, false);
  };
  code[skip] = jumpTo(endAt);
  code.push(leave);
  writing.scopes--;
}

const leave: Step = (machine) => machine.closeScope();

const jumpTo =
  (next: number): Step =>
  (machine) => {
    machine.frame.next = next;
  };

function compileRange(writing: Writing, node: BranchNode): void {
  const { code } = writing;
  const start = code.push(() => undefined) - 1;
  writing.scopes++;
  const next = code.push(() => undefined) - 1;
  const breaks: ((end: number) => void)[] = [];
  writing.loops.push({ scopes: writing.scopes, next, breaks });
  compileList(writing, node.list);
  writing.loops.pop();
  code.push(jumpTo(next));
  const elseAt = code.length;
  if (node.otherwise) compileList(writing, node.otherwise);
  const endAt = code.length;
  code.push(leave);
  writing.scopes--;
  code[start] = startLoop(node, elseAt);
  code[next] = nextItem(node, endAt);
  for (const aim of breaks) aim(endAt);
}

function startLoop({ pipe: node }: BranchNode, elseAt: number): Step {
  const pipe = compilePipe(node);
  return (machine) => {
    machine.openScope();
    const value = pipe(machine);
    const loop = loopOver(machine, value, node.variables.length);
    if (loop) machine.frame.loops.push(loop);
    else machine.frame.next = elseAt;
  };
}

/** The items of a value in Go's order; undefined when there are none. */
function loopOver(machine: Machine, value: GoValue, names: number): Loop | undefined {
  const variables = machine.frame.variables.length;
  if (value === undefined || value === null) return undefined;
  if (value instanceof GoSlice) {
    const { items, type } = value;
    const item: Loop["item"] = (index) => ({ key: index, value: items[Number(index)] });
    return filled({ count: BigInt(items.length), item, boxed: type.elem === anyType, variables, index: 0n });
  }
  if (value instanceof GoMap) {
    machine.charge(value.entries.size);
    const pairs = value.sortedKeys().map((key) => ({ key, value: value.entries.get(key) }));
    const item: Loop["item"] = (index) => pairs[Number(index)]!;
    return filled({ count: BigInt(pairs.length), item, boxed: value.type.elem === anyType, variables, index: 0n });
  }
  const count = integerOf(value);
  if (count === undefined || !isInteger(kindOf(value)))
    return machine.fail(`range can't iterate over ${secret(printed(value, machine))}`);
  if (names > 1) machine.fail(`can't use ${secret(printed(value, machine))} to iterate over more than one variable`);
  const type = value instanceof GoNumber ? value.type : undefined;
  const item: Loop["item"] = (index) => ({ key: undefined, value: type ? new GoNumber(type, index) : index });
  return filled({ count, item, boxed: false, variables, index: 0n });
}

const filled = (loop: Loop): Loop | undefined => (loop.count > 0n ? loop : undefined);

/** Takes up the next item, or leaves the loop. */
function nextItem({ pipe }: BranchNode, endAt: number): Step {
  const names = pipe.variables.map((variable) => variable.names[0]!);
  const keyName = names.length > 1 ? names[0] : undefined;
  const valueName = names.at(-1);
  return (machine) => {
    const { frame } = machine;
    const loop = frame.loops.at(-1)!;
    frame.variables.length = loop.variables;
    if (loop.index >= loop.count) {
      frame.loops.pop();
      frame.next = endAt;
      return;
    }
    const { key, value } = loop.item(loop.index++);
    if (valueName !== undefined) {
      const { variables } = frame;
      const top = variables.length;
      if (keyName !== undefined) {
        const variable = pipe.assigns ? machine.variable(keyName) : variables[top - 2]!;
        variable.value = key;
        variable.boxed = false;
      }
      const variable = pipe.assigns ? machine.variable(valueName) : variables[top - 1]!;
      variable.value = value;
      variable.boxed = loop.boxed;
    }
    machine.setDot(value, loop.boxed);
  };
}

/** Leaves the scopes inside the loop, then the item or the loop. */
function compileJump(writing: Writing, { kind }: JumpNode): void {
  const loop = writing.loops.at(-1)!;
  const inner = writing.scopes - loop.scopes;
  const own = writing.code.length;
  const aim = (target: number): void => {
    writing.code[own] = (machine) => {
      for (let i = 0; i < inner; i++) machine.closeScope();
      if (kind === "break") machine.frame.loops.pop();
      machine.frame.next = target;
    };
  };
  writing.code.push(() => undefined);
  if (kind === "continue") aim(loop.next);
  else loop.breaks.push(aim);
}

function compileInclusion(node: TemplateNode): Step {
  const pipe = node.pipe && compilePipe(node.pipe);
  return (machine) => {
    machine.place = node;
    const code = machine.program.codes.get(node.name);
    if (!code) return machine.fail(`template ${quote(node.name)} not defined`);
    machine.enter(node.name, code, pipe?.(machine));
  };
}
