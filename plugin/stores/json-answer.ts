/** The JSON of an answer, as a Failure of the store that sent it where it cannot be read. */
import { Failure } from "../core/failure.ts";
import { isJsonObject } from "../core/json.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { HttpAnswer } from "./http.ts";
import { readJson } from "./json-body.ts";

/** Who answered, and which field or variable says where that is. */
export interface Answerer {
  readonly name: string;
  readonly addressField: string;
}

/** Throws Failure `answer_invalid`. */
export function answerJson({ status, body }: HttpAnswer, answerer: Answerer): JsonValue {
  const read = readJson(body);
  if (read.ok) return read.value;
  throw answerInvalid(status === 200 ? read.what : `${read.what} (${status})`, answerer);
}

/** The object of a refusal, to be compared with known shapes, never to be shown; undefined when it is something else. */
export function refusalJson({ body }: HttpAnswer): JsonObject | undefined {
  const read = readJson(body);
  return read.ok && isJsonObject(read.value) ? read.value : undefined;
}

export function answerInvalid(what: string, { name, addressField }: Answerer): Failure {
  return new Failure("answer_invalid", `${name} answered with ${what}; check that ${addressField} is its own address`);
}
