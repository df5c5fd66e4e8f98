/** Percent-encoding as Go's net/url does it: which bytes a part of a URL may hold as they are. */
import { fail, secret } from "../errors.ts";
import { quote } from "../quote.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";

type UrlPart = "path" | "host" | "zone" | "user" | "fragment";

const hostBytes = "!$&'()*+,;=:[]<>\"";

/** What stands for itself beside letters, digits and -_.~. */
const allowed: Readonly<Record<UrlPart, string>> = {
  path: "$&+,/:;=@",
  host: hostBytes,
  zone: hostBytes,
  user: "$&+,;=",
  fragment: "$&+,/:;=?@!()*",
};

const mustEscape = (byte: string, part: UrlPart): boolean =>
  !/[A-Za-z0-9_.~-]/.test(byte) && !allowed[part].includes(byte);

const percent = (byte: string): string => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

/** The text with all that must not stand in the part percent-encoded. */
export function escapeFor(part: UrlPart, text: GoString): GoString {
  return ascii(text.replace(/[^A-Za-z0-9_.~-]/g, (byte) => (mustEscape(byte, part) ? percent(byte) : byte)));
}

const refuse = (escape: string): never => fail(`invalid URL escape ${secret(quote(ascii(escape)))}`);

function checkEscape(escape: string, part: UrlPart): void {
  if (!/^%[0-9a-fA-F]{2}$/.test(escape)) refuse(escape);
  if (escape === "%25") return;
  const byte = String.fromCharCode(parseInt(escape.slice(1), 16));
  // A host may hold escapes of bytes above ASCII alone, a zone those of what a host could hold.
  if (part === "host" && byte < "\x80") refuse(escape);
  if (part === "zone" && byte !== " " && mustEscape(byte, "host")) refuse(escape);
}

/** The text without percent-encoding. */
export function unescapeFrom(part: UrlPart, text: GoString): GoString {
  const strict = part === "host" || part === "zone";
  for (let at = 0; at < text.length; at++) {
    const byte = text.charAt(at);
    if (byte === "%") {
      checkEscape(text.slice(at, at + 3), part);
      at += 2;
    } else if (strict && byte < "\x80" && mustEscape(byte, part))
      fail(`invalid character ${secret(quote(ascii(byte)))} in host name`);
  }
  return ascii(text.replace(/%(..)/g, (_all, code: string) => String.fromCharCode(parseInt(code, 16))));
}
