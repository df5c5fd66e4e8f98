/** A JSON object as names and values, without losing a digit or a byte. */
import { JsonProblem, parseJson } from "../../core/json.ts";
import { isObject, parseWhole, someMember, type Slice } from "./gjson/slice.ts";
import { textOf } from "./gjson/text.ts";

export type Members =
  | { readonly ok: true; readonly members: ReadonlyMap<string, Slice> }
  /** `problem` holds no part of the document. */
  | { readonly ok: false; readonly problem: string };

/** The members in the order of the document; of a doubled name the last one counts, as in Go. Depth and count are bounded. */
export function objectMembers(document: Buffer): Members {
  // Byte text: what is no valid UTF-8 inside a string comes out as it went in.
  const text = document.toString("latin1");
  try {
    parseJson(text);
  } catch (thrown) {
    if (thrown instanceof JsonProblem) return { ok: false, problem: thrown.message };
    throw thrown;
  }
  const root = parseWhole(text);
  if (!root || !isObject(root)) return { ok: false, problem: "JSON, but no object" };
  const members = new Map<string, Slice>();
  someMember(root.raw, (key, value) => (members.set(textOf(key), value), false));
  return { ok: true, members };
}
