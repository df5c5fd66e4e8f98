/** From a good answer to the value: the body as it is, or what the store's JSONPath takes out of it. */
import { Failure } from "../../core/failure.ts";
import { isRawNumber } from "../../core/json.ts";
import type { JsonValue } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { goJson, readJson } from "../json-body.ts";
import { root } from "./config.ts";
import type { Compiled, takeFirst } from "./json-path.ts";

export interface Taking {
  readonly path: Compiled;
  readonly takeFirst: typeof takeFirst;
}

/**
 * `members`: an object is wanted, so text that is JSON in itself is opened. Throws Failure `answer_invalid`,
 * `decode_failed` for a path that takes too much work.
 */
export function valueOf(body: SecretValue, taking: Taking | undefined, members: boolean): SecretValue {
  if (body.byteLength === 0) throw invalid("answered with an empty body");
  if (!taking) return members ? membersOf(body) : body;
  const document = readJson(body);
  if (!document.ok) throw invalid(`answered with ${document.what}, where result.jsonPath needs JSON`);
  const taken = taking.takeFirst(taking.path, document.value);
  switch (taken.outcome) {
    case "found":
      return bytesOf(taken.value);
    case "absent":
      throw invalid("answered with JSON that has nothing at result.jsonPath; compare the path with an answer");
    case "too_costly":
      throw new Failure("decode_failed", `${root}.result.jsonPath takes too much work on this answer: write it out`);
  }
}

/** Text stays as it is, also where it is JSON: whoever wants members finds them in it. */
function bytesOf(value: JsonValue): SecretValue {
  if (typeof value === "string") return SecretValue.fromText(value);
  if (value === null) return SecretValue.fromText("");
  if (isRawNumber(value)) return SecretValue.fromText(value.rawJSON);
  return goJson(value);
}

/** A body that is one JSON text is the text's content. */
function membersOf(body: SecretValue): SecretValue {
  const document = readJson(body);
  return document.ok && typeof document.value === "string" ? SecretValue.fromText(document.value) : body;
}

function invalid(what: string): Failure {
  return new Failure("answer_invalid", `the webhook ${what}`);
}
