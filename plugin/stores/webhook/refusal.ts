/** What the status of an answer means, in words that name the knob and never what the server said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import type { FailureCode } from "../../core/failure.ts";
import type { Located } from "../contract.ts";
import { waitOptions } from "../http-rate-limit.ts";
import type { HttpAnswer } from "../http.ts";

/** For any status outside of 200 to 299, and for those without a body. */
export function refusal({ status, headers }: HttpAnswer, { address, method }: Located, clock: Clock): Failure {
  const [code, what] = meaning(status);
  return new Failure(
    code,
    `the webhook ${what} (${method} for key "${address}", ${status})`,
    waitOptions(status, headers, clock),
  );
}

function meaning(status: number): readonly [FailureCode, string] {
  switch (status) {
    case 401:
    case 403:
      return ["store_denied", "refused: check the credential in the store's headers, and its rights"];
    case 404:
      return ["ref_not_found", "has no such secret"];
    case 304:
      return [
        "answer_invalid",
        "said that nothing changed, though nothing was asked for that; remove If-None-Match and If-Modified-Since from headers",
      ];
    case 408:
    case 504:
      return ["store_timeout", "did not get an answer in time"];
    case 429:
      return ["store_throttled", "is throttling"];
  }
  if (status >= 500) return ["store_error", "failed"];
  if (status >= 400) return ["answer_invalid", "does not take the request: check url, method, headers and body"];
  return ["answer_invalid", "answered without a body"];
}
