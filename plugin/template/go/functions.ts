/**
 * What a template function is, and how a family of them is written.
 *
 * A family is a module functions/<family>.ts that exports one plain object, name → GoFunction, and is joined in
 * functions/table.ts. The evaluator has checked and converted the arguments before `call` runs, with Go's rules and
 * error texts (`wrong number of args for X: want 1 got 2`, `wrong type for value; expected string; got int`): the
 * declared parameter types are Go's signature, exactly.
 *
 *   export const stringFunctions: FunctionTable = {
 *     upper: fn([stringType], ([text]) => fromText(textOf(text).toUpperCase())),
 *     repeat: fn([intType, stringType], ([count, text], ctx) => {
 *       if (count < 0n) fail("strings: negative Repeat count");
 *       ctx.produce(text.length * Number(count));                 // before the memory is taken
 *       return ascii(text.repeat(Number(count)));
 *     }),
 *     cat: variadic([], anyType, (args) => …),
 *     genCA: heavy(fn([stringType, intType], …)),                 // runs in the worker
 *     now: volatile(fn([], (_, ctx) => timeValue(ctx.nowMs()))),  // not deterministic
 *   };
 *
 * Go's own conversions to use, never JavaScript's: print.ts `printed(value, ctx)` (fmt.Sprint of one value, sprig's
 * strval for what is not a string), `sprint(values, ctx)`, printf.ts `sprintf(format, values, ctx)`, quote.ts `quote` (strconv.Quote), decimal.ts `formatFloat`
 * (strconv.FormatFloat), parse-number.ts `parseInteger`, `parseFloat` (strconv), equality.ts `isTrue`, `deepEqual(a, b, ctx)`.
 * A walk of ours over a value (JSON, merge, deep copy) charges `ctx.charge(1)` per item for the same reason.
 *
 * `call` is synchronous. It throws GoError (errors.ts `fail`) for what Go returns as an error or panics with; a panic
 * becomes an error in Go's templates too, e.g. "runtime error: index out of range [5] with length 3".
 */
import type { CallContext, FormOf, GoFunction, GoType, GoValue } from "./model.ts";

export type { CallContext, GoFunction, Meter } from "./model.ts";

type Forms<Params extends readonly GoType<unknown>[]> = { readonly [I in keyof Params]: FormOf<Params[I]> };

export type FunctionTable = Readonly<Record<string, GoFunction>>;

/** A function of fixed parameters. */
export function fn<const Params extends readonly GoType<unknown>[]>(
  params: Params,
  call: (args: Forms<Params>, ctx: CallContext) => GoValue,
): GoFunction {
  return { params: params as unknown as GoType[], call: call as unknown as GoFunction["call"] };
}

/** A function whose last parameter is variadic: `args` holds the fixed ones, then the rest. */
export function variadic<const Params extends readonly GoType<unknown>[], Rest>(
  params: Params,
  rest: GoType<Rest>,
  call: (args: readonly [...Forms<Params>, ...Rest[]], ctx: CallContext) => GoValue,
): GoFunction {
  return {
    params: params as unknown as GoType[],
    rest: rest as unknown as GoType,
    call: call as unknown as GoFunction["call"],
  };
}

export const heavy = (base: GoFunction): GoFunction => ({ ...base, heavy: true });
export const volatile = (base: GoFunction): GoFunction => ({ ...base, deterministic: false });
