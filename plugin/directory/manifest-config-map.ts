/** A ConfigMap as a manifest gives it: the texts of `data`. What it holds as bytes is nobody's template. */
import { formatPath, isMap, kindOf } from "../manifests/fields.ts";
import { parsedOr } from "../manifests/object-meta.ts";
import type { Parsed, Problem } from "../manifests/objects.ts";

export function parseConfigMapData(document: Readonly<Record<string, unknown>>): Parsed<ReadonlyMap<string, string>> {
  const members = document.data ?? {};
  if (!isMap(members))
    return { ok: false, problems: [{ path: "data", problem: `must be a map, not ${kindOf(members)}` }] };
  const problems: Problem[] = [];
  const data = new Map<string, string>();
  for (const [key, member] of Object.entries(members)) {
    const text = member ?? "";
    if (typeof text === "string") data.set(key, text);
    else
      problems.push({
        path: formatPath(["data", key]),
        problem: `must be text, not ${kindOf(text)}; put it in quotes`,
      });
  }
  return parsedOr(problems, () => data);
}
