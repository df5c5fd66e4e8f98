/**
 * An answer of Google's that is not 2xx. What it says stays inside, to be compared with known words and never shown.
 */
import { isJsonObject, isRawNumber } from "../../core/json.ts";
import type { HttpAnswer } from "../http.ts";
import { refusalJson } from "../json-answer.ts";

export class Refused extends Error {
  override readonly name = "Refused";
  /** Of HTTP. */
  readonly httpStatus: number;
  /** gRPC's name for it (`NOT_FOUND`), or OAuth's (`invalid_grant`); empty when something else answered. */
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly #said: string;

  constructor(answer: HttpAnswer) {
    super("Google refused a request");
    const { type, said } = readError(answer);
    this.httpStatus = answer.status;
    this.type = type;
    this.headers = answer.headers;
    this.#said = said;
  }

  says(words: RegExp): boolean {
    return words.test(this.#said);
  }

  /** The version is there, and disabled or destroyed. */
  get isWithdrawn(): boolean {
    return this.type === "FAILED_PRECONDITION" && this.says(/\b(?:DISABLED|DESTROYED)\b/);
  }
}

/** `{"error": {"code": 404, "status": "NOT_FOUND", "message": "…"}}`, or of a token server `{"error": "invalid_grant"}`. */
function readError(answer: HttpAnswer): { type: string; said: string } {
  const error = refusalJson(answer)?.["error"];
  if (typeof error === "string") return { type: /^[a-z_]{1,64}$/.test(error) ? error : "", said: "" };
  if (!isJsonObject(error) || !isRawNumber(error["code"])) return { type: "", said: "" };
  const { status, message } = error;
  return {
    type: typeof status === "string" && /^[A-Z_]{1,64}$/.test(status) ? status : "",
    said: typeof message === "string" ? message.slice(0, 4_096) : "",
  };
}
