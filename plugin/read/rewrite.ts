/**
 * `dataFrom[].rewrite`: other names for what was read, step by step.
 *
 * Steps run in their order, each on the whole set; within a step keys are taken by their bytes, so that of two that come
 * to one name it is always the same that stays: the later one. Values are those of the answer, not decoded yet.
 */
import { compareUtf8 } from "../core/canonical-json.ts";
import { Failure } from "../core/failure.ts";
import { SecretValue } from "../core/secret-value.ts";
import type { KeyRewrite } from "../manifests/objects.ts";
import type { Rendering } from "./rendering.ts";
import type { ReadEntry } from "./request.ts";
import { mergeValues } from "./rewrite-merge.ts";

export type RawValues = ReadonlyMap<string, Buffer>;

/** Rejects with Failure, or the signal's reason. */
export async function rewriteKeys(
  entry: ReadEntry,
  steps: readonly KeyRewrite[],
  opened: RawValues,
  rendering: Rendering,
  signal: AbortSignal,
): Promise<RawValues> {
  let values = opened;
  for (const [i, step] of steps.entries()) {
    const field = `${entry.field}.rewrite[${i}].${step.by}`;
    if (step.by === "merge") values = mergeValues(step, values, field);
    else values = await renamed(values, (key) => newName(step, key, field, rendering, signal));
  }
  return values;
}

async function renamed(values: RawValues, nameFor: (key: string) => Promise<string>): Promise<RawValues> {
  const found = new Map<string, Buffer>();
  for (const [key, value] of [...values].sort(([a], [b]) => compareUtf8(a, b))) found.set(await nameFor(key), value);
  return found;
}

/** The template that replaces as Go does: `$1`, `${name}`, `$$`. */
const replacing = "{{ mustRegexReplaceAll .source .value .target }}";

async function newName(
  step: Exclude<KeyRewrite, { by: "merge" }>,
  key: string,
  field: string,
  rendering: Rendering,
  signal: AbortSignal,
): Promise<string> {
  const isTransform = step.by === "transform";
  const text = isTransform ? step.template : replacing;
  const data = isTransform ? { value: key } : { value: key, source: step.source, target: step.target };
  const dot = new Map(Object.entries(data).map(([name, part]) => [name, SecretValue.fromText(part)]));
  const templates = [{ key: step.by, text, field: isTransform ? `${field}.template` : `${field}.source` }];
  try {
    const made = await rendering.render({ templates, data: dot, missingKey: "default" }, signal);
    return made.get(step.by)!.reveal().toString("utf8");
  } catch (thrown) {
    throw isTransform ? thrown : expressionFailure(thrown);
  }
}

/** Nobody wrote the template that replaces: what is wrong is the expression. */
function expressionFailure(thrown: unknown): unknown {
  if (!(thrown instanceof Failure) || thrown.code !== "template_failed") return thrown;
  return new Failure("manifest_invalid", "is no regular expression of RE2, or a costly one; correct or shorten it", {
    cause: thrown,
    ...(thrown.field === undefined ? {} : { field: thrown.field }),
  });
}
