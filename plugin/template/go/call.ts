/** Calling a function: how many arguments, of which types, and what its error becomes. */
import { BudgetError, GoError, TemplateError, foreign, secret, unmarked } from "./errors.ts";
import { isTrue } from "./equality.ts";
import { fit } from "./fit.ts";
import type { GoFunction } from "./functions.ts";
import { OverrunError, isStackOverflow } from "./machine.ts";
import type { CommandEval, Eval, Machine } from "./machine.ts";
import { nodeText } from "./nodes.ts";
import type { CommandNode, IdentifierNode, OperandNode } from "./nodes.ts";
import type { GoType } from "./types.ts";
import { typeName } from "./values.ts";
import type { GoValue } from "./values.ts";

interface CallSite {
  readonly name: string;
  /** What an error of the function points at. */
  readonly node: OperandNode | CommandNode;
  /** Without the function's own word. */
  readonly args: readonly OperandNode[];
  /** Whether the value of the command before comes as the last argument. */
  readonly hasFinal: boolean;
  /** How an operand becomes an argument of a type (expressions.ts, which needs this module). */
  readonly compileArgument: (node: OperandNode, type: GoType) => Eval;
}

/** A call of a function of the table. */
export function compileCall(called: GoFunction, site: CallSite & { readonly word: IdentifierNode }): CommandEval {
  const { name, word, args, hasFinal } = site;
  const problem = arityProblem(called, site);
  if (problem !== undefined)
    return (machine) => {
      machine.place = word;
      return machine.fail(problem);
    };
  const evals = args.map((arg, index) => site.compileArgument(arg, parameter(called, index)));
  if (name === "and" || name === "or") return shortCircuit(word, evals, name === "or", hasFinal);
  if (name === "call") return callValue(site, evals);
  const constant = args.every(isConstant) && !hasFinal;
  const finalType = hasFinal ? parameter(called, args.length) : undefined;
  return (machine, final) => {
    machine.place = word;
    const values: GoValue[] = new Array<GoValue>(evals.length + (finalType ? 1 : 0));
    for (let i = 0; i < evals.length; i++) values[i] = evals[i]!(machine);
    if (finalType) values[evals.length] = fit(machine, final, finalType);
    return invoke(machine, called, values, site, constant);
  };
}

/** A call whose function shows only at run time: a method. */
export function dynamicCall(machine: Machine, called: GoFunction, site: CallSite, final: GoValue): GoValue {
  const problem = arityProblem(called, site);
  if (problem !== undefined) machine.fail(problem);
  const values = site.args.map((arg, index) => site.compileArgument(arg, parameter(called, index))(machine));
  if (site.hasFinal) values.push(fit(machine, final, parameter(called, site.args.length)));
  return invoke(machine, called, values, site, false);
}

const parameter = ({ params, rest }: GoFunction, index: number) => params[index] ?? rest!;

function arityProblem({ params, rest }: GoFunction, { name, args, hasFinal }: CallSite): string | undefined {
  const given = args.length + (hasFinal ? 1 : 0);
  if (rest) {
    if (given >= params.length) return undefined;
    return `wrong number of args for ${name}: want at least ${params.length} got ${args.length}`;
  }
  if (given === params.length) return undefined;
  return `wrong number of args for ${name}: want ${params.length} got ${given}`;
}

/** Results up to this many bytes are free: counting them would cost more than making them. */
const freeBytes = 64;

function invoke(machine: Machine, called: GoFunction, values: GoValue[], site: CallSite, constant: boolean): GoValue {
  let result: GoValue;
  try {
    machine.charge(1);
    result = called.call(values, machine);
  } catch (thrown) {
    const message = functionError(thrown);
    machine.place = site.node;
    return machine.fail(`error calling ${site.name}: ${constant ? unmarked(message) : message}`);
  }
  if (typeof result === "string" && result.length > freeBytes) machine.produce(result.length);
  return result;
}

/** The text of a function's error; what is no error of the function goes on. */
function functionError(thrown: unknown): string {
  if (thrown instanceof GoError) return thrown.message;
  if (thrown instanceof BudgetError || thrown instanceof TemplateError || thrown instanceof OverrunError) throw thrown;
  if (isStackOverflow(thrown)) throw new BudgetError("depth");
  return foreign(thrown);
}

/** Go evaluates no further than the argument that decides. */
function shortCircuit(word: IdentifierNode, evals: readonly Eval[], decisive: boolean, hasFinal: boolean): CommandEval {
  return (machine, final) => {
    machine.place = word;
    let value: GoValue;
    for (const evaluate of evals) {
      value = evaluate(machine);
      if (isTrue(value) === decisive) return value;
    }
    return hasFinal ? final : value;
  };
}

/** The builtin `call`. No value of ours is a function. */
function callValue(site: CallSite, evals: readonly Eval[]): CommandEval {
  const [callee] = site.args;
  return (machine, final) => {
    const values = evals.map((evaluate) => evaluate(machine));
    const value = callee ? values[0] : final;
    machine.place = site.node;
    if (value === null || value === undefined) return machine.fail(`error calling call: call of nil`);
    const text = typeof value === "string" ? secret(value) : `<${typeName(value)} Value>`;
    const name = callee ? nodeText(callee) : text;
    return machine.fail(`error calling call: non-function ${name} of type ${typeName(value)}`);
  };
}

/** Whether only the template's author shaped the value: then an error may quote it. */
function isConstant(node: OperandNode): boolean {
  switch (node.kind) {
    case "bool":
    case "nil":
    case "number":
    case "string":
    case "identifier":
      return true;
    case "pipe":
      return node.variables.length === 0 && node.commands.every((command) => command.args.every(isConstant));
    default:
      return false;
  }
}
