/**
 * A store's answer to the named values that a manifest asks for.
 *
 * answer → property → (map: members, key conversion, key check) → decoding strategy → null-byte check. Where no JSON is
 * involved the bytes come out as they went in. Failures name the entry's field and the keys, never a value.
 */
import { Failure, type FailureCode } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { PropertySyntax } from "../../stores/contract.ts";
import type { ReadEntry } from "../request.ts";
import { decodeBytes } from "./base64.ts";
import { convertKeys } from "./keys.ts";
import { objectMembers } from "./members.ts";
import { findProperty } from "./property.ts";
import { valueBytes } from "./value-bytes.ts";

/**
 * The values of one entry by name. Throws Failure: `property_not_found`; `answer_invalid` when the answer is not the JSON
 * that the entry needs; `decode_failed` for everything that the entry's own strategies cannot do with it.
 */
export function decodeEntry(entry: ReadEntry, payload: SecretValue, syntax: PropertySyntax): Map<string, SecretValue> {
  const bytes = atProperty(entry, payload.reveal(), syntax);
  const named =
    entry.take.as === "value" ? new Map([[entry.take.name, bytes]]) : allMembers(entry, bytes, entry.take.conversion);
  return new Map([...named].map(([name, value]) => [name, decodeOne(entry, name, value)]));
}

function atProperty(entry: ReadEntry, payload: Buffer, syntax: PropertySyntax): Buffer {
  if (!entry.property) return payload;
  const found = findProperty(payload, entry.property, syntax);
  const property = `property ${JSON.stringify(entry.property)}`;
  switch (found.outcome) {
    case "found":
      return found.bytes;
    case "absent":
      throw failure(entry, "property_not_found", `key ${key(entry)} has no ${property}: check its spelling`);
    case "not_json":
      throw failure(
        entry,
        "answer_invalid",
        `key ${key(entry)} is no JSON, so it has no ${property}: leave property out`,
      );
    case "too_costly":
      throw failure(entry, "decode_failed", `${property} takes too much work on this answer: use a more direct path`);
  }
}

function allMembers(
  entry: ReadEntry,
  bytes: Buffer,
  conversion: Extract<ReadEntry["take"], { as: "map" }>["conversion"],
): Map<string, Buffer> {
  const found = objectMembers(bytes);
  if (!found.ok) {
    const what = entry.property
      ? `property ${JSON.stringify(entry.property)} of key ${key(entry)}`
      : `key ${key(entry)}`;
    throw failure(
      entry,
      "answer_invalid",
      `${what} is not a JSON object (${found.problem}): read it through data instead`,
    );
  }
  const converted = convertKeys(conversion, found.members, entry.field);
  return new Map([...converted].map(([name, slice]) => [name, valueBytes(slice)]));
}

function decodeOne(entry: ReadEntry, name: string, value: Buffer): SecretValue {
  const decoded = decodeBytes(entry.decoding, value);
  if (!decoded)
    throw failure(
      entry,
      "decode_failed",
      `the value for ${JSON.stringify(name)} is not ${entry.decoding}: check decodingStrategy`,
    );
  if (entry.nullBytes === "Fail" && decoded.includes(0))
    throw failure(
      entry,
      "decode_failed",
      `the value for ${JSON.stringify(name)} contains null bytes: nullBytePolicy is Fail`,
    );
  return new SecretValue(decoded);
}

function key(entry: ReadEntry): string {
  return JSON.stringify(entry.ref.key);
}

function failure(entry: ReadEntry, code: FailureCode, message: string): Failure {
  return new Failure(code, message, { field: entry.field });
}
