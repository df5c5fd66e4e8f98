/** decodingStrategy, with the strictness of Go's base64: padding required, line breaks ignored, nothing else tolerated. */
import type { DecodingStrategy } from "../../manifests/objects.ts";

/** What an alphabet does not have. */
const notStandard = /[^A-Za-z0-9+/]/;
const notUrl = /[^A-Za-z0-9_-]/;

/** Undefined when `bytes` are not what the strategy asks for. `Auto` = standard, else URL, else unchanged. */
export function decodeBytes(strategy: DecodingStrategy, bytes: Buffer): Buffer | undefined {
  switch (strategy) {
    case "None":
      return bytes;
    case "Base64":
      return decodeWith(notStandard, bytes);
    case "Base64URL":
      return decodeWith(notUrl, bytes);
    case "Auto":
      return decodeWith(notStandard, bytes) ?? decodeWith(notUrl, bytes) ?? bytes;
  }
}

function decodeWith(foreign: RegExp, bytes: Buffer): Buffer | undefined {
  const text = bytes.toString("latin1").replace(/[\r\n]/g, "");
  // No one expression for the whole: it would keep a state for every four characters of a large value.
  const body = text.replace(/={1,2}$/, "");
  return text.length % 4 === 0 && !foreign.test(body) ? Buffer.from(text, "base64") : undefined;
}
