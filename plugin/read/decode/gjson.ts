/**
 * Property look-up with the path language of gjson, which is what manifests written for ESO use.
 *
 * Works on the raw bytes of the document: numbers keep their digits, sub-documents their bytes, invalid UTF-8 stays as it
 * is. Nothing is validated first and nothing throws: on text that is no JSON a path simply finds less. Two deliberate
 * differences: a look-up never goes into the text of a string, and a string with a raw control character is never cut off.
 */
import { Budget, BudgetSpent } from "./gjson/budget.ts";
import { get } from "./gjson/lookup.ts";
import { resultText } from "./gjson/result-text.ts";
import type { Slice } from "./gjson/slice.ts";
import { bytesOf } from "./gjson/text.ts";

export type LookUp =
  /** As it stands in the document, or as a modifier or multipath made it; byte text. */
  | { readonly outcome: "found"; readonly value: Slice }
  | { readonly outcome: "absent" }
  /** The path asks for more work than one look-up may cost. */
  | { readonly outcome: "too_costly" };

export function lookUp(document: Buffer, path: string): LookUp {
  try {
    const value = get(new Budget(), document.toString("latin1"), bytesOf(path));
    return value ? { outcome: "found", value } : { outcome: "absent" };
  } catch (thrown) {
    if (thrown instanceof BudgetSpent) return { outcome: "too_costly" };
    throw thrown;
  }
}

/** What a found value is as a secret: gjson's Result.String(). */
export function lookUpBytes(value: Slice): Buffer {
  return Buffer.from(resultText(value), "latin1");
}
