/** A v1 Secret as a manifest gives it: `data` in base64 and `stringData` as text, read as the API server does. */
import { isSecretKey } from "../core/names.ts";
import { SecretValue } from "../core/secret-value.ts";
import { formatPath, isMap, kindOf } from "../manifests/fields.ts";
import { parsedOr } from "../manifests/object-meta.ts";
import type { Parsed, Problem } from "../manifests/objects.ts";

export interface SecretContent {
  readonly type: string;
  readonly immutable: boolean;
  readonly data: ReadonlyMap<string, SecretValue>;
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Problems name keys, never values. */
export function parseSecretContent(document: Readonly<Record<string, unknown>>): Parsed<SecretContent> {
  const problems: Problem[] = [];
  const data = new Map<string, SecretValue>();
  // stringData second: it wins, as in the API server.
  for (const field of ["data", "stringData"] as const) {
    const members = document[field] ?? {};
    if (!isMap(members)) problems.push({ path: field, problem: `must be a map, not ${kindOf(members)}` });
    else
      for (const [key, member] of Object.entries(members)) {
        const value = valueOf(field, key, member);
        if (value instanceof SecretValue) data.set(key, value);
        else problems.push({ path: formatPath([field, key]), problem: value });
      }
  }
  const { type = "", immutable = false } = document;
  if (typeof type !== "string") problems.push({ path: "type", problem: `must be text, not ${kindOf(type)}` });
  if (typeof immutable !== "boolean" && immutable !== null)
    problems.push({ path: "immutable", problem: `must be true or false, not ${kindOf(immutable)}` });
  return parsedOr(problems, () => ({ type: (type as string) || "Opaque", immutable: immutable === true, data }));
}

/** The value, or what is wrong with it. */
function valueOf(field: "data" | "stringData", key: string, member: unknown): SecretValue | string {
  if (!isSecretKey(key)) return 'is not a key that a Secret can have; use letters, digits, "-", "_" and "."';
  const text = member ?? "";
  if (typeof text !== "string") return `must be text, not ${kindOf(text)}; put it in quotes`;
  if (field === "stringData") return SecretValue.fromText(text);
  const packed = text.replace(/[\r\n]/g, "");
  if (!base64.test(packed)) return "is not base64; encode it, or write it under stringData";
  return new SecretValue(Buffer.from(packed, "base64"));
}
