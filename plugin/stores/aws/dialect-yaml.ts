/**
 * What a text without quotes is in the YAML of AWS's CSI provider, which reads YAML 1.1 and then puts numbers and truth
 * values into texts again: `0644` is the text "420", `yes` is "true".
 */

const words = new Map([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, ""] as const),
  ...["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"].map((word) => [word, "true"] as const),
  ...["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"].map(
    (word) => [word, "false"] as const,
  ),
]);

export function plainText(text: string): string {
  return words.get(text) ?? numberText(text) ?? text;
}

const wholeNumber = /^([-+]?)(0x[\da-f]+|0b[01]+|0o?[0-7]+|0|[1-9]\d*)$/i;
/** An exponent has a sign in YAML 1.1. */
const decimal = /^[-+]?\d*\.?\d+(e[-+]\d+)?$/i;
const mostWhole = 2n ** 64n - 1n;

function numberText(text: string): string | undefined {
  const bare = text.replaceAll("_", "");
  const [, sign = "", digits] = /^[-+.\d]/.test(text) ? (wholeNumber.exec(bare) ?? []) : [];
  if (digits !== undefined) {
    // A zero in front is octal, which BigInt wants to be told in another way.
    const whole = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
    if (whole <= mostWhole) return String(sign === "-" ? -whole : whole);
  }
  return decimal.test(bare) && /^[-+.\d]/.test(text) ? String(Number(bare)) : undefined;
}
