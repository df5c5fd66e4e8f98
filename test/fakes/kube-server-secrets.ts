/** What the API server checks of Secrets: stringData, the size limit, immutability, the type that never changes. */
import { isDeepStrictEqual } from "node:util";
import { refused } from "./kube-server-answers.ts";
import type { StoredObject } from "./kube-server-types.ts";

const largestBytes = 1_048_576;

/** Changes `now` as the API server would, or throws a KubeRefusal. */
export function admitSecret(before: StoredObject | undefined, now: StoredObject): void {
  const name = now.metadata.name;
  const plain = (now["stringData"] ?? {}) as Record<string, string>;
  delete now["stringData"];
  const coded = Object.entries(plain).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  const data = { ...((now["data"] ?? {}) as Record<string, string>), ...Object.fromEntries(coded) } as Record<
    string,
    string
  >;
  if (Object.keys(data).length > 0) now["data"] = data;
  else delete now["data"];
  now["type"] ??= "Opaque";
  const bytes = Object.values(data).reduce((sum, text) => sum + Buffer.from(text, "base64").length, 0);
  const invalid = (field: string, reason: string, message: string) =>
    refused.invalid("Secret", name, [{ field, reason, message }]);
  if (bytes > largestBytes)
    throw invalid("data", "FieldValueTooLong", `Too long: may not be more than ${largestBytes} bytes`);
  if (!before) return;
  if (before["type"] !== now["type"])
    throw invalid("type", "FieldValueInvalid", `Invalid value: "${String(now["type"])}": field is immutable`);
  if (before["immutable"] === true && !isDeepStrictEqual(before["data"], now["data"]))
    throw invalid("data", "FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set");
}
