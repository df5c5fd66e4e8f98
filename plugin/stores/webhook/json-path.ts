/**
 * Takes one value out of a document by JSONPath (RFC 9535). Reached by `await import()`.
 *
 * The path may hold tenant input and the document is the server's, so what the evaluation may look at is counted: a few
 * nested descents over a large document would hold this process for minutes. Regular expressions (match, search) are
 * left out for the same reason.
 */
import { JSONPathEnvironment } from "json-p3";
import type { JSONPathQuery } from "json-p3";
import { isRawNumber } from "../../core/json.ts";
import type { JsonValue } from "../../core/json.ts";

export type Compiled = JSONPathQuery;

/** Members and elements that one evaluation may look at: about 100 ms. */
const looks = 100_000;

const environment = new JSONPathEnvironment({ maxRecursionDepth: 200 });
environment.functionRegister.delete("match");
environment.functionRegister.delete("search");

class TooCostly extends Error {}

/** Undefined when the text is no path. */
export function compilePath(text: string): Compiled | undefined {
  try {
    return environment.compile(text);
  } catch {
    // Its message quotes the path, which may hold a secret.
    return undefined;
  }
}

export type Taken =
  | { readonly outcome: "found"; readonly value: JsonValue }
  | { readonly outcome: "absent" }
  | { readonly outcome: "too_costly" };

/** The first value that the path selects; of a list its first element, as ESO has it. */
export function takeFirst(path: Compiled, document: JsonValue): Taken {
  try {
    const [node] = path.lazyQuery(metered(document) as never);
    if (!node) return { outcome: "absent" };
    let value: JsonValue | undefined = valueAt(document, node.location);
    while (Array.isArray(value)) value = value[0];
    return value === undefined ? { outcome: "absent" } : { outcome: "found", value };
  } catch (thrown) {
    if (thrown instanceof TooCostly) return { outcome: "too_costly" };
    throw thrown;
  }
}

/** The document itself keeps the digits of its numbers. */
function valueAt(document: JsonValue, location: readonly (string | number)[]): JsonValue {
  return location.reduce((value, step) => (value as Record<string | number, JsonValue>)[step]!, document);
}

/** The same document, with numbers to compare with, which throws once it has been looked at too often. */
function metered(document: JsonValue): unknown {
  let left = looks;
  const look = (): void => {
    if (--left < 0) throw new TooCostly();
  };
  const seen = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    return isRawNumber(value) ? Number(value.rawJSON) : new Proxy(value, handler);
  };
  const handler: ProxyHandler<object> = {
    get(target, name, receiver) {
      look();
      return seen(Reflect.get(target, name, receiver));
    },
    getOwnPropertyDescriptor(target, name) {
      look();
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
  };
  return seen(document);
}
