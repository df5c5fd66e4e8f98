/** The other names of a certificate's subject, read and written. */
import { fail, GoError, secret } from "../errors.ts";
import { quote } from "../quote.ts";
import type { GoString } from "../text.ts";
import { ascii, bytesOf, fromBytes, isAscii } from "../text.ts";
import { contextBytes, DerReader } from "./der-read.ts";
import { element, sequence } from "./der-write.ts";
import { ipText } from "./ip-addresses.ts";
import { parseUrl } from "./urls-parse.ts";

export interface OtherNames {
  readonly dns: GoString[];
  readonly ips: GoString[];
  readonly emails: GoString[];
  readonly uris: GoString[];
}

export const noNames = (): OtherNames => ({ dns: [], ips: [], emails: [], uris: [] });

const emailTag = 1;
const dnsTag = 2;
const uriTag = 6;
const ipTag = 7;

function asciiName(bytes: Buffer, kind: string): GoString {
  const text = fromBytes(bytes);
  if (!isAscii(text)) fail(`x509: SAN ${kind} is malformed`);
  return text;
}

/** Labels of visible characters; no dot at the end. */
const isDomain = (host: GoString): boolean => /^$|^[!-~]*$/.test(host) && !/^\.|\.\.|\.$/.test(host);

function hostOf(text: GoString): GoString {
  try {
    return parseUrl(text).host;
  } catch (thrown) {
    if (thrown instanceof GoError) fail(`x509: cannot parse URI ${secret(quote(text))}: ${thrown.message}`);
    throw thrown;
  }
}

function uriOf(bytes: Buffer): GoString {
  const text = asciiName(bytes, "uniformResourceIdentifier");
  if (!isDomain(hostOf(text))) fail(`x509: cannot parse URI ${secret(quote(text))}: invalid domain`);
  return ascii(text.replace(/^[A-Za-z][A-Za-z0-9+.-]*:/, (scheme) => scheme.toLowerCase()));
}

/** A subjectAltName extension's content. Kinds of names that Go does not know are passed over. */
export function readOtherNames(content: Buffer): OtherNames {
  const reader = new DerReader(content).inside() ?? fail("x509: invalid subject alternative names");
  const names = noNames();
  while (!reader.done) {
    const { tag, content: bytes } = reader.element() ?? fail("x509: invalid subject alternative name");
    if (tag === contextBytes(dnsTag)) names.dns.push(asciiName(bytes, "dNSName"));
    else if (tag === contextBytes(emailTag)) names.emails.push(asciiName(bytes, "rfc822Name"));
    else if (tag === contextBytes(uriTag)) names.uris.push(uriOf(bytes));
    else if (tag === contextBytes(ipTag)) {
      if (bytes.length !== 4 && bytes.length !== 16) fail(`x509: cannot parse IP address of length ${bytes.length}`);
      names.ips.push(ipText(bytes));
    }
  }
  return names;
}

/** The content of a subjectAltName extension of these names; addresses are their 4 or 16 bytes. */
export function writeOtherNames(dns: readonly GoString[], ips: readonly Buffer[]): Buffer {
  const names = dns.map((name) => {
    if (!isAscii(name)) fail(`x509: ${secret(quote(name))} cannot be encoded as an IA5String`);
    return element(contextBytes(dnsTag), bytesOf(name));
  });
  return sequence(...names, ...ips.map((ip) => element(contextBytes(ipTag), ip)));
}
