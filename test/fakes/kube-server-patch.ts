/** Patches as the API server applies them: merge (RFC 7386), JSON (RFC 6902: add, replace, remove, test), and apply as a merge. */
import { isDeepStrictEqual } from "node:util";
import { refused } from "./kube-server-answers.ts";

type Members = Record<string, unknown>;

export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMembers(patch)) return patch;
  const result: Members = isMembers(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

export function jsonPatch(target: unknown, operations: readonly Operation[]): unknown {
  const whole = { root: structuredClone(target) };
  for (const operation of operations) applyOne(whole, operation);
  return whole.root;
}

function applyOne(whole: { root: unknown }, { op, path, value }: Operation): void {
  const steps = ["root", ...path.split("/").slice(1)].map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = steps.pop()!;
  const parent = steps.reduce<unknown>((at, step) => (at as Members | undefined)?.[step], whole);
  if (typeof parent !== "object" || parent === null) throw impossible(path);
  const members = parent as Members;
  if (op === "test") {
    if (!isDeepStrictEqual(members[last], value)) throw impossible(path);
  } else if (op === "remove") {
    if (!(last in members)) throw impossible(path);
    if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else delete members[last];
  } else if (op === "add" || op === "replace") {
    if (op === "replace" && !(last in members)) throw impossible(path);
    if (Array.isArray(parent) && op === "add") parent.splice(last === "-" ? parent.length : Number(last), 0, value);
    else members[last] = value;
  } else throw refused.bad(`unexpected operation ${op}`);
}

function impossible(path: string): Error {
  return refused.invalid("patch", "", [
    { field: path, reason: "FieldValueInvalid", message: "the server rejected our request" },
  ]);
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
