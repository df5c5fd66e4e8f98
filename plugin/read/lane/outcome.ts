/** What the end of an attempt says about the store. */
import { Failure } from "../../core/failure.ts";

/**
 * `answered`: the store is there, whatever it said. `throttled`: it asks for fewer calls. `unavailable`: it gave no answer
 * that counts. `nothing`: the attempt ended for a reason that is not the store's.
 */
export type Outcome =
  | { readonly verdict: "answered" | "nothing" }
  | { readonly verdict: "throttled" | "unavailable"; readonly failure: Failure };

export function outcomeOf(thrown: unknown): Outcome {
  if (!(thrown instanceof Failure)) return { verdict: "nothing" };
  switch (thrown.code) {
    case "store_throttled":
      return { verdict: "throttled", failure: thrown };
    case "store_unreachable":
    case "store_timeout":
    case "store_sealed":
    case "store_error":
      return { verdict: "unavailable", failure: thrown };
    case "store_denied":
    case "store_login_denied":
    case "store_invalid":
    case "ref_not_found":
    case "version_not_found":
    case "answer_invalid":
    case "answer_too_large":
      return { verdict: "answered" };
    default:
      return { verdict: "nothing" };
  }
}
