/**
 * An answer of Azure that is none: a status that is not 2xx. What Azure said stays inside, to be compared with known
 * words and never shown.
 */
import type { Failure } from "../../core/failure.ts";
import { isJsonObject } from "../../core/json.ts";
import type { JsonValue } from "../../core/json.ts";
import type { HttpAnswer } from "../http.ts";
import { readJson } from "../json-body.ts";

export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Azure's names of the error, the general one first, e.g. `Forbidden`, `SecretDisabled`; none when something else answered. */
  readonly codes: readonly string[];
  /** Microsoft Entra's numbers of the error, e.g. 700016 of AADSTS700016. */
  readonly numbers: readonly number[];

  constructor({ status, headers, body }: HttpAnswer) {
    super("Azure refused a request");
    const read = readJson(body);
    const document = read.ok ? read.value : undefined;
    this.status = status;
    this.headers = headers;
    this.codes = namesIn(document);
    this.numbers = numbersIn(document);
  }

  is(...codes: readonly string[]): boolean {
    return codes.some((code) => this.codes.includes(code));
  }
}

/** Runs `work`; rejects with what `failure` makes of a refusal, and with the signal's own reason when it aborted. */
export async function refusing<T>(
  work: () => Promise<T>,
  failure: (refused: Refused) => Failure,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    throw thrown instanceof Refused ? failure(thrown) : thrown;
  }
}

/** A vault's `{"error": {"code": "Forbidden", "innererror": {"code": "SecretDisabled"}}}`, or Entra's `{"error": "invalid_client"}`. */
function namesIn(document: JsonValue | undefined): string[] {
  const names: string[] = [];
  let at = isJsonObject(document) ? document["error"] : undefined;
  while (isJsonObject(at)) {
    names.push(nameOf(at["code"]));
    at = at["innererror"];
  }
  return [...names, nameOf(at)].filter((name) => name !== "");
}

function nameOf(value: JsonValue | undefined): string {
  return typeof value === "string" && /^[A-Za-z][A-Za-z_]{0,63}$/.test(value) ? value : "";
}

function numbersIn(document: JsonValue | undefined): number[] {
  const listed = isJsonObject(document) ? document["error_codes"] : undefined;
  const numbers = Array.isArray(listed) ? listed.map((one) => Number(JSON.stringify(one))) : [];
  return numbers.filter((one) => Number.isInteger(one) && one > 0 && one < 1e8);
}
