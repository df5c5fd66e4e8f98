/**
 * A store's answer to the named values that a manifest asks for.
 *
 * answer → property → (map: members; rewrite, or key conversion; key check) → decoding strategy → null-byte check. Where
 * no JSON is involved the bytes come out as they went in. Failures name the entry's field and the keys, never a value.
 */
import { Failure, type FailureCode } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { PropertySyntax } from "../../stores/contract.ts";
import type { ReadEntry, RefEntry } from "../request.ts";
import { decodeBytes } from "./base64.ts";
import { checkKeys, convertKeys } from "./keys.ts";
import { objectMembers } from "./members.ts";
import { findProperty } from "./property.ts";
import { valueBytes } from "./value-bytes.ts";

/**
 * What the answer holds for one entry, by the names that it has there, not decoded yet. Throws Failure:
 * `property_not_found`; `answer_invalid` when the answer is not the JSON that the entry needs.
 */
export function openEntry(entry: RefEntry, payload: SecretValue, syntax: PropertySyntax): ReadonlyMap<string, Buffer> {
  const bytes = atProperty(entry, payload.reveal(), syntax);
  return entry.take.as === "value" ? new Map([[entry.take.name, bytes]]) : allMembers(entry, bytes);
}

/**
 * The same under names that a Secret can have, decoded. Rewritten names are checked alone. Throws Failure
 * `decode_failed` for everything that the entry's own strategies cannot do.
 */
export function decodeEntry(entry: ReadEntry, opened: ReadonlyMap<string, Buffer>): Map<string, SecretValue> {
  const named = fitNames(entry, opened);
  return new Map([...named].map(([name, value]) => [name, decodeOne(entry, name, value)]));
}

function fitNames({ take, field }: ReadEntry, opened: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  if (take.as === "value") return opened;
  return take.rewrite ? checkKeys(opened, field) : convertKeys(take.conversion, opened, field);
}

function atProperty(entry: RefEntry, payload: Buffer, syntax: PropertySyntax): Buffer {
  if (!entry.property || syntax === "own") return payload;
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

function allMembers(entry: RefEntry, bytes: Buffer): Map<string, Buffer> {
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
  return new Map([...found.members].map(([name, slice]) => [name, valueBytes(slice)]));
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

function key(entry: RefEntry): string {
  return JSON.stringify(entry.ref.key);
}

function failure(entry: ReadEntry, code: FailureCode, message: string): Failure {
  return new Failure(code, message, { field: entry.field });
}
