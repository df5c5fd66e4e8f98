/** How much of a text is the letters of a time zone, without knowing the zone: Go's guess. */

/** The length of a signed number of hours up to 23, or 0. */
function signedHours(text: string): number {
  const [all, digits] = /^[+-]([0-9]+)/.exec(text) ?? [];
  if (all === undefined || digits!.length > 18 || Number(digits) > 23) return 0;
  return all.length;
}

/** 0 when no letters of a zone stand at the text's start. */
export function zoneLettersLength(text: string): number {
  if (text.length < 3) return 0;
  if (/^(?:ChST|MeST)/.test(text)) return 4;
  if (text.startsWith("GMT")) return 3 + signedHours(text.slice(3));
  if (/^[+-]/.test(text)) return signedHours(text);
  const capitals = /^[A-Z]{0,6}/.exec(text)![0];
  if (capitals.length === 5) return capitals.endsWith("T") ? 5 : 0;
  if (capitals.length === 4) return capitals.endsWith("T") || capitals === "WITA" ? 4 : 0;
  return capitals.length === 3 ? 3 : 0;
}
