/** What a template of keys and values came to: its YAML as names and texts. */
import { isUtf8 } from "node:buffer";
import { Failure } from "../core/failure.ts";
import type { SecretValue } from "../core/secret-value.ts";
import { isMap } from "../manifests/fields.ts";
import { parseYamlDocuments } from "../manifests/yaml-text.ts";

const limits = { characters: 4 * 1024 * 1024, documents: 1, depth: 64 };

/**
 * Numbers and words such as `true` count as the text that they are written as. No output is no key. Throws Failure
 * `template_failed`, which quotes nothing: all of it may be secret.
 */
export function keysAndValues(rendered: SecretValue, field: string): ReadonlyMap<string, string> {
  const bytes = rendered.reveal();
  const fail = (problem: string): never => {
    throw new Failure("template_failed", `its output is no YAML map of keys and texts: ${problem}`, { field });
  };
  if (!isUtf8(bytes)) return fail("it is not UTF-8");
  const [document] = parseYamlDocuments(bytes.toString("utf8"), limits, "failsafe");
  if (document?.ok === false) return fail(`line ${document.line}: ${document.problem}`);
  const map = document?.value ?? {};
  if (!isMap(map)) return fail("it is a list or a single text");
  const members = Object.entries(map).map(([key, value]) => [key, value ?? ""] as const);
  if (members.some(([, value]) => typeof value !== "string")) fail("one of its values is a map or a list");
  return new Map(members as (readonly [string, string])[]);
}
