/**
 * Writes YAML that simple readers understand too: block style, two spaces, one line a scalar, plain or double-quoted,
 * never folded. Every reader of YAML 1.1 or 1.2 gets exactly the strings that were given: whatever could be taken for a
 * number, a date, a boolean or null is quoted.
 */
export type YamlValue = string | number | boolean | readonly YamlValue[] | YamlMap;
/** Absent (undefined) members are left out. */
export interface YamlMap {
  readonly [key: string]: YamlValue | undefined;
}

export function blockYaml(map: YamlMap): string {
  return `${mapLines(map).join("\n") || "{}"}\n`;
}

function mapLines(map: YamlMap): string[] {
  return Object.entries(map).flatMap(([key, value]) =>
    value === undefined ? [] : nested(`${scalar(key)}:`, value, "  "),
  );
}

/** `head` is `key:` or `-`; a collection follows on the next lines, but for a map in a list, which starts on the same. */
function nested(head: string, value: YamlValue, indent: string): string[] {
  if (typeof value !== "object") return [`${head} ${scalar(value)}`];
  const lines = isList(value) ? value.flatMap((item) => nested("-", item, "  ")) : mapLines(value);
  if (lines.length === 0) return [`${head} ${isList(value) ? "[]" : "{}"}`];
  const below = lines.map((line) => indent + line);
  return head === "-" && !isList(value) ? [`- ${lines[0]}`, ...below.slice(1)] : [head, ...below];
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value);
}

/** Starts with a letter, so it is no number and no date; nothing in it can end or begin anything. */
const plain = /^[A-Za-z][-A-Za-z0-9._/+=]*$/;
const reserved = /^(y|n|yes|no|on|off|true|false|null)$/i;
/** An exponent without digits in front: a number to lenient readers. */
const exponent = /^e[-+0-9]/i;
/** Beyond what JSON escapes: C1 controls, line separators and byte order marks are breaks or illegal in YAML. */
const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

function scalar(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  if (plain.test(value) && !reserved.test(value) && !exponent.test(value)) return value;
  return JSON.stringify(value).replace(unprintable, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
