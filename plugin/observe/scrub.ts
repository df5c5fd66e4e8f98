/** The second line of defence for log texts: what looks like a credential is not written. Nothing may rely on it. */

/** Longer texts are cut: no field needs more, and the patterns below stay fast. */
const longestText = 4_096;

const patterns: readonly RegExp[] = [
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g,
  // JWS and JWE: a first part that is base64url of `{"…` or `{ …`, and two to four more.
  /e[wy][A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){2,4}/g,
  // The start of a JWT that was cut off.
  /eyJ[A-Za-z0-9_-]{20,}\.?[A-Za-z0-9_-]*/g,
  // Vault: service, batch and recovery tokens, in the form with a prefix and in the old one.
  /\bhv[sbr]\.[A-Za-z0-9_-]{8,}/g,
  /\b[sbr]\.[A-Za-z0-9]{24,}(?:\.[A-Za-z0-9]+)?/g,
];

export function scrub(text: string): string {
  let scrubbed = text.length > longestText ? `${text.slice(0, longestText)}…` : text;
  for (const pattern of patterns) scrubbed = scrubbed.replace(pattern, "[scrubbed]");
  return scrubbed;
}
