/**
 * One execution of one template: dot, variables, output and what has been used of the budgets.
 *
 * A template is a list of steps (compile.ts), so an execution can stop between any two of them and go on later; only
 * expressions nest on JavaScript's own stack. Nothing here is shared between executions.
 */
import { BudgetError, TemplateError } from "./errors.ts";
import type { CallContext } from "./functions.ts";
import { locationOf, nodeText } from "./nodes.ts";
import type { ParsedTemplate, PlaceNode } from "./nodes.ts";
import { quote } from "./quote.ts";
import { ascii } from "./text.ts";
import type { GoString, GoValue } from "./values.ts";

/** Does one thing and leaves the frame's `next` where execution goes on. */
export type Step = (machine: Machine) => void;

/** A template ready to run: its text's templates by name. */
export interface Program {
  readonly parsed: ParsedTemplate;
  readonly codes: ReadonlyMap<GoString, readonly Step[]>;
  /** Functions that the text names, reached or not. */
  readonly functions: ReadonlySet<string>;
}

/** A missing map key: an error, or Go's `<no value>`. */
export type MissingKey = "error" | "default";

export interface Limits {
  readonly steps: number;
  /** Templates inside templates. */
  readonly depth: number;
  readonly outputBytes: number;
  /** Time spent executing, pauses not counted. */
  readonly timeMs: number;
}

/** What one turn on an event loop may take. */
export interface Slice {
  readonly ms: number;
  /** One long step that makes the slice longer than this overruns it, where it counts its steps. */
  readonly overrunMs: number;
  /** A value larger than this overruns it: whatever is done with it next takes too long. */
  readonly overrunBytes: number;
}

const endless: Slice = { ms: Infinity, overrunMs: Infinity, overrunBytes: Infinity };

/** Gives a value when asked. */
export type Eval = (machine: Machine) => GoValue;
/** A command gets the value of the command before it, if there is one. */
export type CommandEval = (machine: Machine, final: GoValue) => GoValue;

/** What an execution uses of the world. */
export interface Surroundings {
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly randomBytes: (count: number) => Buffer;
}

export interface Variable {
  readonly name: GoString;
  value: GoValue;
  /** The value sits in an interface{} slot: error texts then name that type. */
  boxed: boolean;
}

/** What the end of a control structure restores. */
export interface Scope {
  readonly variables: number;
  readonly dot: GoValue;
  readonly dotBoxed: boolean;
}

export interface Loop {
  readonly count: bigint;
  readonly item: (index: bigint) => { readonly key: GoValue; readonly value: GoValue };
  readonly boxed: boolean;
  /** Variables that outlive an iteration. */
  readonly variables: number;
  index: bigint;
}

export interface Frame {
  readonly name: GoString;
  readonly code: readonly Step[];
  readonly variables: Variable[];
  readonly scopes: Scope[];
  readonly loops: Loop[];
  next: number;
  dot: GoValue;
  dotBoxed: boolean;
}

/** How many steps pass between two looks at the clock. */
const stepsPerLook = 512;

/** A step that has cost this much by itself is long; a slice may be late for other reasons, such as a busy machine. */
const longStep = 4_096;

/** Bytes that cost as much as one step. */
const bytesPerStep = 64;

export class Machine implements CallContext {
  readonly program: Program;
  readonly missingKey: MissingKey;
  readonly #limits: Limits;
  readonly #world: Surroundings;
  readonly #frames: Frame[] = [];
  frame: Frame;
  /** Where an error would point. */
  place: PlaceNode = { kind: "dot", pos: 0 };
  /** Whether the field last read sat in an interface{} slot. */
  boxed = false;
  #out = "";
  #steps = 0;
  /** Steps used when the current step began. */
  #stepStart = 0;
  #nextLook = stepsPerLook;
  #sliceStartMs = 0;
  #slice = endless;
  #spentMs = 0;

  constructor(
    program: Program,
    data: GoValue,
    options: { missingKey: MissingKey; limits: Limits; world: Surroundings },
  ) {
    this.program = program;
    this.missingKey = options.missingKey;
    this.#limits = options.limits;
    this.#world = options.world;
    this.frame = newFrame(program.parsed.name, program.codes.get(program.parsed.name) ?? [], data);
    this.#frames.push(this.frame);
  }

  /** Executing time so far, milliseconds. */
  get spentMs(): number {
    return this.#spentMs;
  }

  get output(): GoString {
    return ascii(this.#out);
  }

  /**
   * Runs until the end (true) or until the slice is over (false; call again to go on).
   * Throws TemplateError, BudgetError and, for work that no slice can hold, OverrunError.
   */
  run(slice: Slice = endless): boolean {
    this.#sliceStartMs = this.#world.monotonicMs();
    this.#slice = slice;
    try {
      return this.#runSteps();
    } catch (thrown) {
      throw isStackOverflow(thrown) ? new BudgetError("depth") : thrown;
    } finally {
      this.#spentMs += this.#world.monotonicMs() - this.#sliceStartMs;
    }
  }

  #runSteps(): boolean {
    let seen = this.#nextLook;
    for (;;) {
      const { frame } = this;
      const step = frame.code[frame.next++];
      if (!step) {
        if (!this.#leaveFrame()) return true;
        continue;
      }
      this.#stepStart = this.#steps;
      this.charge(1);
      step(this);
      if (seen === this.#nextLook) continue;
      seen = this.#nextLook;
      if (this.#world.monotonicMs() - this.#sliceStartMs >= this.#slice.ms) return false;
    }
  }

  #leaveFrame(): boolean {
    this.#frames.pop();
    const outer = this.#frames.at(-1);
    if (outer) this.frame = outer;
    return outer !== undefined;
  }

  /** Goes on in another template of this text. */
  enter(name: GoString, code: readonly Step[], dot: GoValue): void {
    if (this.#frames.length >= this.#limits.depth) throw new BudgetError("depth");
    this.frame = newFrame(name, code, dot);
    this.#frames.push(this.frame);
  }

  write(text: GoString): void {
    this.#out += text;
    if (this.#out.length > this.#limits.outputBytes) throw new BudgetError("output");
    if (text.length > bytesPerStep) this.charge(Math.floor(text.length / bytesPerStep));
  }

  charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps >= this.#nextLook) this.#look();
  }

  #look(): void {
    if (this.#steps > this.#limits.steps) throw new BudgetError("steps");
    this.#nextLook = Math.min(this.#steps + stepsPerLook, this.#limits.steps + 1);
    const sliceMs = this.#world.monotonicMs() - this.#sliceStartMs;
    if (this.#spentMs + sliceMs > this.#limits.timeMs) throw new BudgetError("time");
    if (sliceMs > this.#slice.overrunMs && this.#steps - this.#stepStart > longStep) throw new OverrunError();
  }

  produce(bytes: number): void {
    if (bytes > this.#limits.outputBytes) throw new BudgetError("output");
    if (bytes > this.#slice.overrunBytes) throw new OverrunError();
    this.charge(Math.ceil(bytes / bytesPerStep));
  }

  nowMs(): number {
    return this.#world.nowMs();
  }

  randomBytes(count: number): Buffer {
    this.produce(count);
    return this.#world.randomBytes(count);
  }

  /** Ends the execution with Go's error text; operands in `message` are marked (errors.ts). */
  fail(message: string): never {
    const { parsed } = this.program;
    const { pos } = this.place;
    const context = `executing ${quote(this.frame.name)} at <${nodeText(this.place)}>`;
    throw new TemplateError("exec", locationOf(parsed, pos), `${context}: ${message}`);
  }

  variable(name: GoString): Variable {
    const { variables } = this.frame;
    for (let i = variables.length - 1; i >= 0; i--) if (variables[i]!.name === name) return variables[i]!;
    return this.fail(`undefined variable: ${name}`);
  }

  openScope(): void {
    const { frame } = this;
    frame.scopes.push({ variables: frame.variables.length, dot: frame.dot, dotBoxed: frame.dotBoxed });
  }

  closeScope(): void {
    const { frame } = this;
    const scope = frame.scopes.pop()!;
    frame.variables.length = scope.variables;
    frame.dot = scope.dot;
    frame.dotBoxed = scope.dotBoxed;
  }

  setDot(value: GoValue, boxed: boolean): void {
    this.frame.dot = value;
    this.frame.dotBoxed = boxed;
  }
}

/** A value that contains itself, printed or compared, ends so. */
export const isStackOverflow = (thrown: unknown): boolean =>
  thrown instanceof RangeError && thrown.message === "Maximum call stack size exceeded";

/** A slice cannot hold this: the render belongs elsewhere. */
export class OverrunError extends Error {
  override readonly name = "OverrunError";
}

const newFrame = (name: GoString, code: readonly Step[], dot: GoValue): Frame => ({
  name,
  code,
  variables: [{ name: ascii("$"), value: dot, boxed: false }],
  scopes: [],
  loops: [],
  next: 0,
  dot,
  dotBoxed: false,
});
