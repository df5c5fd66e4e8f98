/**
 * Pipelines, commands and operands as closures.
 *
 * `machine.place` follows Go's evaluator, so that an error points where Go's does.
 */
import { compileCall, dynamicCall } from "./call.ts";
import { secret } from "./errors.ts";
import { walkFields } from "./fields.ts";
import type { Invocation } from "./fields.ts";
import { fit, nilOf } from "./fit.ts";
import type { CommandEval, Eval, Machine } from "./machine.ts";
import { nodeText } from "./nodes.ts";
import type {
  ChainNode,
  CommandNode,
  FieldNode,
  IdentifierNode,
  NumberNode,
  OperandNode,
  PipeNode,
  VariableNode,
} from "./nodes.ts";
import { findFunction } from "./functions/table.ts";
import {
  anyType,
  boolType,
  complex128Type,
  isFloat,
  isSigned,
  isUnsigned,
  reflectValueType,
  intType,
} from "./types.ts";
import type { GoType } from "./types.ts";
import { GoComplex, GoNumber } from "./values.ts";
import type { GoValue } from "./values.ts";

/** A pipeline with its declarations. A nil interface comes out as no value, as Go's does. */
export function compilePipe(node: PipeNode): Eval {
  const commands = node.commands.map((command, index) => compileCommand(command, index > 0, index));
  const [first, ...later] = commands as [CommandEval, ...CommandEval[]];
  const names = node.variables.map((variable) => variable.names[0]!);
  const { assigns } = node;
  return (machine) => {
    machine.place = node;
    let value = first(machine, undefined) ?? undefined;
    for (const command of later) value = command(machine, value) ?? undefined;
    for (const name of names) {
      if (assigns) {
        const variable = machine.variable(name);
        variable.value = value;
        variable.boxed = false;
      } else machine.frame.variables.push({ name, value, boxed: false });
    }
    return value;
  };
}

function compileCommand(command: CommandNode, hasFinal: boolean, stage: number): CommandEval {
  const word = command.args[0]!;
  switch (word.kind) {
    case "field":
      return compileField(word, invocationOf(word, command.args, hasFinal));
    case "chain":
      return compileChain(word, command.args, hasFinal);
    case "identifier":
      return compileFunction(word, command, command.args.slice(1), hasFinal);
    case "variable":
      return compileVariable(word, command.args, hasFinal);
    case "pipe": {
      const pipe = compilePipe(word);
      return hasFinal || command.args.length > 1 ? notAFunction(word, false) : pipe;
    }
    default:
      if (stage > 0 || command.args.length > 1) return notAFunction(word, true);
      if (word.kind === "nil") return (machine) => at(machine, word).fail("nil is not a command");
      return placed(word, compileConstant(word));
  }
}

const placed =
  (node: OperandNode, command: CommandEval): Eval =>
  (machine) => {
    machine.place = node;
    return command(machine, undefined);
  };

function at(machine: Machine, node: OperandNode | CommandNode): Machine {
  machine.place = node;
  return machine;
}

const notAFunction =
  (word: OperandNode, placed: boolean): CommandEval =>
  (machine) =>
    (placed ? at(machine, word) : machine).fail(`can't give argument to non-function ${nodeText(word)}`);

/** How a method at the end of a chain gets its arguments. */
function invocationOf(node: OperandNode, args: readonly OperandNode[], hasFinal: boolean) {
  return (final: GoValue): Invocation => ({
    hasArguments: hasFinal || args.length > 1,
    call: (machine, method, name) =>
      dynamicCall(machine, method, { name, node, args: args.slice(1), hasFinal, compileArgument }, final),
  });
}

function compileField(node: FieldNode, invocation: (final: GoValue) => Invocation): CommandEval {
  const plain = invocation(undefined);
  return (machine, final) => {
    machine.place = node;
    const { dot, dotBoxed } = machine.frame;
    return walkFields(machine, dot, dotBoxed, node.names, final === undefined ? plain : invocation(final));
  };
}

function compileVariable(node: VariableNode, args: readonly OperandNode[], hasFinal: boolean): CommandEval {
  const [name, ...names] = node.names as [VariableNode["names"][number], ...VariableNode["names"]];
  const invocation = invocationOf(node, args, hasFinal);
  const alone = names.length === 0;
  return (machine, final) => {
    machine.place = node;
    const { value, boxed } = machine.variable(name);
    if (!alone) return walkFields(machine, value, boxed, names, invocation(final));
    if (hasFinal || args.length > 1) machine.fail(`can't give argument to non-function ${nodeText(node)}`);
    return value;
  };
}

function compileChain(node: ChainNode, args: readonly OperandNode[], hasFinal: boolean): CommandEval {
  const invocation = invocationOf(node, args, hasFinal);
  if (node.base.kind === "nil")
    return (machine) => at(machine, node).fail(`indirection through explicit nil in ${nodeText(node)}`);
  const base = compileArgument(node.base, reflectValueType);
  return (machine, final) => {
    machine.place = node;
    return walkFields(machine, base(machine), false, node.names, invocation(final));
  };
}

function compileFunction(
  word: IdentifierNode,
  node: OperandNode | CommandNode,
  args: readonly OperandNode[],
  hasFinal: boolean,
): CommandEval {
  const found = findFunction(word.name)!;
  return compileCall(found, { name: word.name, word, node, args, hasFinal, compileArgument });
}

/** An operand as an argument of a type. */
export function compileArgument(node: OperandNode, type: GoType): Eval {
  if (node.kind === "nil") return nilArgument(node, type);
  const value = compileValue(node);
  if (!value) return compileLiteral(node, type);
  return (machine) => {
    machine.place = node;
    return fit(machine, value(machine), type);
  };
}

function nilArgument(node: OperandNode, type: GoType): Eval {
  const nil = nilOf(type);
  if (nil) return placed(node, () => nil.value);
  return (machine) => at(machine, node).fail(`cannot assign nil to ${type.name}`);
}

/** Operands whose type shows only at run time; undefined for constants. */
function compileValue(node: OperandNode): Eval | undefined {
  switch (node.kind) {
    case "dot":
      return (machine) => machine.frame.dot;
    case "field": {
      const field = compileField(node, invocationOf(node, [], false));
      return (machine) => field(machine, undefined);
    }
    case "variable": {
      const variable = compileVariable(node, [], false);
      return (machine) => variable(machine, undefined);
    }
    case "chain": {
      const chain = compileChain(node, [], false);
      return (machine) => chain(machine, undefined);
    }
    case "identifier": {
      const call = compileFunction(node, node, [], false);
      return (machine) => call(machine, undefined);
    }
    case "pipe":
      return compilePipe(node);
    default:
      return undefined;
  }
}

/** A constant where any type will do. */
function compileConstant(node: OperandNode): CommandEval {
  switch (node.kind) {
    case "bool":
    case "string": {
      const { value } = node;
      return () => value;
    }
    case "dot":
      return (machine) => machine.frame.dot;
    case "number": {
      const value = idealConstant(node);
      return value === undefined ? (machine) => at(machine, node).fail(`${node.text} overflows int`) : () => value;
    }
    default:
      return (machine) => machine.fail(`can't evaluate command ${secret(nodeText(node))}`);
  }
}

/** The type that a number's own form asks for; undefined for one beyond int. */
function idealConstant({ text, int, float, complex }: NumberNode): GoValue {
  if (complex) return new GoComplex(complex.re, complex.im);
  const looksFloat = /[.eEpP]/.test(text) && !text.startsWith("'") && !/^0[xX][^pP]+$/.test(text);
  if (float !== undefined && looksFloat) return float;
  return int;
}

/** A constant as an argument: converted by the parameter's type, not by its own form. */
function compileLiteral(node: OperandNode, type: GoType): Eval {
  if (type === anyType || type === reflectValueType) {
    return placed(node, compileConstant(node));
  }
  const value = literalAs(node, type);
  if (value !== undefined) return placed(node, () => value);
  const expected = literalNames.find(([fits]) => fits(type))?.[1];
  const problem = expected
    ? `expected ${expected}; found ${nodeText(node)}`
    : `can't handle ${nodeText(node)} for arg of type ${type.name}`;
  return (machine) => at(machine, node).fail(problem);
}

const literalNames: readonly (readonly [(type: GoType) => boolean, string])[] = [
  [(type) => type === boolType, "bool"],
  [(type) => type.kind === "string", "string"],
  [(type) => type === complex128Type, "complex"],
  [(type) => isSigned(type.kind), "integer"],
  [(type) => isUnsigned(type.kind), "unsigned integer"],
  [(type) => isFloat(type.kind), "float"],
];

function literalAs(node: OperandNode, type: GoType): GoValue {
  if (node.kind === "bool") return type === boolType ? node.value : undefined;
  if (node.kind === "string") return type.kind === "string" ? node.value : undefined;
  if (node.kind !== "number") return undefined;
  const { int, uint, float, complex } = node;
  if (type === intType) return int;
  if (isSigned(type.kind)) return int === undefined ? undefined : new GoNumber(type, int);
  if (isUnsigned(type.kind)) return uint === undefined ? undefined : new GoNumber(type, uint);
  if (type.kind === "float32") return float === undefined ? undefined : new GoNumber(type, Math.fround(float));
  if (type.kind === "float64") return float;
  return type === complex128Type && complex ? new GoComplex(complex.re, complex.im) : undefined;
}
