/** Short ways to say what a parser made of a manifest. */
import assert from "node:assert/strict";
import type { Parsed } from "../../plugin/manifests/objects.ts";
import { parseYamlDocuments } from "../../plugin/manifests/yaml-text.ts";

/** The value of one YAML document that must be readable. */
export function yaml(text: string): unknown {
  const documents = parseYamlDocuments(text);
  assert.deepEqual(
    documents.map((document) => document.ok),
    [true],
  );
  return documents[0]!.ok ? documents[0]!.value : undefined;
}

export function accepted<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) assert.fail(`refused: ${problemsOf(parsed).join(" | ")}`);
  return parsed.value;
}

/** `path: problem` of each, sorted; empty when accepted. */
export function problemsOf(parsed: Parsed<unknown>): readonly string[] {
  return parsed.ok ? [] : parsed.problems.map(({ path, problem }) => `${path}: ${problem}`).sort();
}

export function refuses(parsed: Parsed<unknown>, problems: readonly string[]): void {
  assert.deepEqual(problemsOf(parsed), [...problems].sort());
}
