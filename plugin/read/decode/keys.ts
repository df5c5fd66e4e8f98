/** The names that `dataFrom` brings: made fit for a Secret by the conversion strategy, then checked. */
import { Failure } from "../../core/failure.ts";
import { isSecretKey } from "../../core/names.ts";
import type { ConversionStrategy } from "../../manifests/objects.ts";

const unfit = /[^\p{L}\p{N}\-._]/gu;

/**
 * `Default` turns every character that is no letter, number, `-`, `.` or `_` into `_`; `Unicode` into `_U` + hex + `_`.
 * Letters and numbers of all scripts stay, as in ESO.
 */
export function convertKey(strategy: ConversionStrategy, key: string): string {
  return key.replace(unfit, (character) =>
    strategy === "Default" ? "_" : `_U${character.codePointAt(0)!.toString(16).padStart(4, "0")}_`,
  );
}

/**
 * Values under their converted names; an empty name is dropped. Throws Failure `decode_failed` when two names become one
 * or a name cannot be the key of a Secret. `field` is the entry's, for messages.
 */
export function convertKeys<T>(
  strategy: ConversionStrategy,
  values: ReadonlyMap<string, T>,
  field: string,
): Map<string, T> {
  const original = new Map<string, string>();
  const converted = new Map<string, T>();
  for (const [key, value] of values) {
    const name = convertKey(strategy, key);
    const other = original.get(name);
    if (other !== undefined)
      throw new Failure(
        "decode_failed",
        `keys ${shown(other)} and ${shown(key)} of the answer both become ${shown(name)}: ` +
          (strategy === "Default" ? "use conversionStrategy Unicode or rename one" : "rename one of them"),
        { field },
      );
    original.set(name, key);
    converted.set(name, value);
  }
  return checkKeys(converted, field);
}

/** The values without that of an empty name. Throws Failure `decode_failed` when a name cannot be the key of a Secret. */
export function checkKeys<T>(values: ReadonlyMap<string, T>, field: string): Map<string, T> {
  const named = new Map([...values].filter(([name]) => name !== ""));
  const invalid = [...named.keys()].filter((name) => !isSecretKey(name));
  if (invalid.length > 0) throw invalidKeys(invalid, field);
  return named;
}

function invalidKeys(names: readonly string[], field: string): Failure {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return new Failure(
    "decode_failed",
    `invalid secret keys ${names.slice(0, 3).map(shown).join(", ")}${more} ` +
      "(TIP: use rewrite or conversionStrategy to change keys): " +
      'at most 253 letters a-z, digits, "-", "_" and "." are allowed',
    { field },
  );
}

function shown(key: string): string {
  return JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key);
}
