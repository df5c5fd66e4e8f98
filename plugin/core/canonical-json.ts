/**
 * One text for one JSON value: keys in UTF-8 byte order, no white space, nothing escaped that need not be.
 * Input: null, booleans, finite numbers, strings, arrays, plain or null-prototype objects and JSON.rawJSON numbers.
 * Absent (undefined) members are left out. Used for hashes and for the JSON of a whole secret.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object" || JSON.isRawJSON(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

/** Order by UTF-8 bytes, as Go sorts map keys. JavaScript's own order is by UTF-16 units, which differs above U+FFFF. */
export function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}
