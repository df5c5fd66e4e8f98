/** Fields, map keys and methods: what `.name` means for each kind of value. */
import { quote } from "./quote.ts";
import type { GoFunction } from "./functions.ts";
import type { Machine } from "./machine.ts";
import { anyType } from "./types.ts";
import type { GoType } from "./types.ts";
import { GoMap, typeOf } from "./values.ts";
import type { GoString, GoValue } from "./values.ts";

/** How the last name of a chain is called when it turns out to be a method. */
export interface Invocation {
  readonly hasArguments: boolean;
  readonly call: (machine: Machine, method: GoFunction, name: GoString) => GoValue;
}

/** Walks `.a.b.c` from a receiver. Leaves in `machine.boxed` whether the result sat in an interface{} slot. */
export function walkFields(
  machine: Machine,
  receiver: GoValue,
  boxed: boolean,
  names: readonly GoString[],
  invocation: Invocation,
): GoValue {
  let value = receiver;
  machine.boxed = boxed;
  const last = names.length - 1;
  for (let i = 0; i < last; i++) value = field(machine, value, names[i]!, noInvocation);
  return field(machine, value, names[last]!, invocation);
}

/** For names in the middle of a chain. */
const noInvocation: Invocation = {
  hasArguments: false,
  call(machine, method, name) {
    const wanted = method.params.length;
    if (method.rest && wanted > 0) machine.fail(`wrong number of args for ${name}: want at least ${wanted} got 0`);
    if (wanted > 0) machine.fail(`wrong number of args for ${name}: want ${wanted} got 0`);
    return method.call([], machine);
  },
};

function field(machine: Machine, receiver: GoValue, name: GoString, invocation: Invocation): GoValue {
  if (receiver instanceof GoMap) return entry(machine, receiver, name, invocation);
  if (receiver === undefined) {
    if (machine.missingKey === "error") machine.fail(`nil data; no entry for key ${quote(name)}`);
    return undefined;
  }
  const shownType = machine.boxed || receiver === null ? anyType.name : typeOf(receiver)!.name;
  if (receiver === null) return machine.fail(`nil pointer evaluating ${shownType}.${name}`);
  machine.boxed = false;
  const type: GoType = typeOf(receiver)!;
  const method = type.methods?.get(name);
  if (method) return invocation.call(machine, method(receiver), name);
  const read = type.fields?.get(name);
  if (!read) return machine.fail(`can't evaluate field ${name} in type ${shownType}`);
  if (invocation.hasArguments) machine.fail(`${name} has arguments but cannot be invoked as function`);
  return read(receiver);
}

function entry(machine: Machine, { type, entries }: GoMap, name: GoString, { hasArguments }: Invocation): GoValue {
  if (hasArguments) machine.fail(`${name} is not a method but has arguments`);
  const value = entries.get(name);
  machine.boxed = type.elem === anyType;
  if (value === undefined && machine.missingKey === "error") machine.fail(`map has no entry for key ${quote(name)}`);
  return value;
}
