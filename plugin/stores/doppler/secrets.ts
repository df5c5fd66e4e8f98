/** What a download of Doppler holds: a flat object of texts by their names, never an empty one. */
import { Failure } from "../../core/failure.ts";
import { isJsonObject } from "../../core/json.ts";
import type { JsonObject } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import type { HttpAnswer } from "../http.ts";
import { answerInvalid, answerJson } from "../json-answer.ts";
import { readJson } from "../json-body.ts";
import type { DopplerConfig } from "./config.ts";
import { doppler } from "./refusal.ts";

/** Throws Failure `answer_invalid`. */
export function readSecrets(answer: HttpAnswer): JsonObject {
  const document = answerJson(answer, doppler);
  if (!isJsonObject(document)) throw answerInvalid("JSON that is not an object", doppler);
  const values = Object.values(document);
  // Doppler adds the names of project and config: an empty object is not a config without secrets.
  if (values.length === 0) throw answerInvalid("no secrets, not even those that it adds itself", doppler);
  if (!values.every((value) => typeof value === "string" || value === null))
    throw answerInvalid("secrets that are no texts", doppler);
  return document;
}

/** Throws Failure `answer_invalid` for what is no file of this format. */
export function checkFile(answer: HttpAnswer, { format }: DopplerConfig): void {
  if (format === "json" || format === "dotnet-json") readSecretsFile(answer);
  else if (answer.body.byteLength === 0) throw answerInvalid("an empty body", doppler);
  else if (/\bhtml\b/i.test(answer.headers["content-type"] ?? "")) throw answerInvalid("a page", doppler);
}

/** `name`: in its download. Throws Failure `ref_not_found`, or `answer_invalid` for a value that is not shown. */
export function secretOf(name: string, located: Located, whole: StoreAnswer): StoreAnswer {
  const read = readJson(whole.value);
  if (!read.ok || !isJsonObject(read.value)) throw new Failure("internal", "a download that was read cannot be read");
  const value = read.value[name];
  const secret = JSON.stringify(located.address);
  if (value === undefined) throw new Failure("ref_not_found", `the config has no secret ${secret}: check its name`);
  if (typeof value !== "string")
    throw new Failure("answer_invalid", `Doppler shows no value of ${secret} to this token: check its visibility`);
  return { ...whole, value: SecretValue.fromText(value) };
}

function readSecretsFile(answer: HttpAnswer): void {
  const document = answerJson(answer, doppler);
  if (!isJsonObject(document) || Object.keys(document).length === 0)
    throw answerInvalid("no secrets, not even those that it adds itself", doppler);
}
