/** The step `merge` of a rewrite: values that are JSON objects become one object. Pure. */
import { compareUtf8 } from "../core/canonical-json.ts";
import { Failure } from "../core/failure.ts";
import type { FailureCode } from "../core/failure.ts";
import type { KeyRewrite } from "../manifests/objects.ts";
import type { Slice } from "./decode/gjson/slice.ts";
import { objectMembers } from "./decode/members.ts";
import { jsonBytes, valueBytes } from "./decode/value-bytes.ts";

type Merge = Extract<KeyRewrite, { by: "merge" }>;
type Values = ReadonlyMap<string, Buffer>;

/**
 * Extract: a key for each member of the merged object, in place of all keys. JSON: the object under the key `into`,
 * beside the others. Throws Failure `answer_invalid` for a value that is no object, `decode_failed` for a key of
 * `priority` that is not there and for a member that stands in two values.
 */
export function mergeValues(merge: Merge, values: Values, field: string): Values {
  const merged = new Map<string, Slice>();
  for (const key of sourceKeys(merge, values, field))
    for (const [name, member] of membersOf(key, values.get(key)!, field)) {
      if (merged.has(name) && merge.conflictPolicy === "Error")
        throw failure("decode_failed", field, `member ${shown(name)} is in two of the values: conflictPolicy is Error`);
      merged.set(name, member);
    }
  if (merge.strategy === "Extract") return new Map([...merged].map(([name, member]) => [name, valueBytes(member)]));
  return new Map([...values, [merge.into, jsonBytes(merged)]]);
}

/** By their bytes, then those of `priority`: the last one wins. */
function sourceKeys({ priority, priorityPolicy }: Merge, values: Values, field: string): readonly string[] {
  const absent = priority.find((key) => !values.has(key));
  if (absent !== undefined && priorityPolicy === "Strict")
    throw failure("decode_failed", `${field}.priority`, `there is no key ${shown(absent)}: priorityPolicy is Strict`);
  const others = [...values.keys()].filter((key) => !priority.includes(key)).sort(compareUtf8);
  return [...others, ...new Set(priority.filter((key) => values.has(key)))];
}

function membersOf(key: string, value: Buffer, field: string): ReadonlyMap<string, Slice> {
  const found = objectMembers(value);
  if (found.ok) return found.members;
  throw failure(
    "answer_invalid",
    field,
    `the value of ${shown(key)} is not a JSON object (${found.problem}), so it cannot be merged`,
  );
}

function failure(code: FailureCode, field: string, message: string): Failure {
  return new Failure(code, message, { field });
}

function shown(key: string): string {
  return JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key);
}
