/** Taking a URL apart as Go's net/url.Parse does, error texts included. */
import { fail, GoError, secret } from "../errors.ts";
import { quote } from "../quote.ts";
import type { GoString } from "../text.ts";
import { ascii, concat, sliceBytes } from "../text.ts";
import { checkLiteral } from "./urls-ip.ts";
import { escapeFor, unescapeFrom } from "./urls-escape.ts";

export interface User {
  readonly name: GoString;
  /** Absent: no colon stood after the name. */
  readonly password?: GoString;
}

export interface Url {
  readonly scheme: GoString;
  readonly opaque: GoString;
  readonly user?: User;
  /** With port; an IPv6 address in brackets. */
  readonly host: GoString;
  readonly path: GoString;
  /** As it stood there, still encoded. */
  readonly query: GoString;
  readonly fragment: GoString;
}

const none = ascii("");

/** The text before the first separator, and after it. */
function cut(text: GoString, separator: string): readonly [before: GoString, after: GoString] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, none] : [sliceBytes(text, 0, at), sliceBytes(text, at + separator.length)];
}

function splitScheme(text: GoString): readonly [scheme: GoString, rest: GoString] {
  if (text.startsWith(":")) fail("missing protocol scheme");
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*(?=:)/.exec(text)?.[0];
  return scheme === undefined ? [none, text] : [ascii(scheme.toLowerCase()), sliceBytes(text, scheme.length + 1)];
}

const validPort = (port: string): boolean => /^(?::[0-9]*)?$/.test(port);

function checkPort(port: string): void {
  if (!validPort(port)) fail(`invalid port ${secret(quote(ascii(port)))} after host`);
}

/** A host in brackets, which must be an IPv6 address. */
function parseBracketed(host: GoString): GoString {
  const close = host.lastIndexOf("]");
  if (close < 0) fail("missing ']' in host");
  checkPort(host.slice(close + 1));
  const inside = sliceBytes(host, 1, close);
  const zone = inside.indexOf("%25");
  const address =
    zone < 0
      ? unescapeFrom("host", inside)
      : concat(unescapeFrom("host", sliceBytes(inside, 0, zone)), unescapeFrom("zone", sliceBytes(inside, zone)));
  checkLiteral(address);
  return ascii(`[${address}]${host.slice(close + 1)}`);
}

function parseHost(scheme: GoString, host: GoString): GoString {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) fail("invalid IP-literal");
  if (bracket === 0) return parseBracketed(host);
  // Other schemes than http may list several hosts, each with a port.
  const strict = scheme === "http" || scheme === "https";
  const colon = strict ? host.indexOf(":") : host.lastIndexOf(":");
  if (colon >= 0) checkPort(host.slice(colon));
  return unescapeFrom("host", host);
}

function parseAuthority(scheme: GoString, authority: GoString): Pick<Url, "user" | "host"> {
  const at = authority.lastIndexOf("@");
  const host = parseHost(scheme, sliceBytes(authority, at + 1));
  if (at < 0) return { host };
  const info = sliceBytes(authority, 0, at);
  if (!/^[A-Za-z0-9._:~!$&'()*+,;=%@-]*$/.test(info)) fail("net/url: invalid userinfo");
  const [name, password] = cut(info, ":");
  const user = { name: unescapeFrom("user", name) };
  if (!info.includes(":")) return { host, user };
  return { host, user: { ...user, password: unescapeFrom("user", password) } };
}

function parseBody(text: GoString): Url {
  if (/[\x00-\x1f\x7f]/.test(text)) fail("net/url: invalid control character in URL");
  const blank = { scheme: none, opaque: none, host: none, path: none, query: none, fragment: none };
  if (text === "*") return { ...blank, path: text };
  const [scheme, afterScheme] = splitScheme(text);
  const [rest, query] = cut(afterScheme, "?");
  if (!rest.startsWith("/")) {
    if (scheme !== "") return { ...blank, scheme, query, opaque: rest };
    if (cut(rest, "/")[0].includes(":")) fail("first path segment in URL cannot contain colon");
  }
  const hasAuthority = rest.startsWith("//") && (scheme !== "" || !rest.startsWith("///"));
  if (!hasAuthority) return { ...blank, scheme, query, path: unescapeFrom("path", rest) };
  const slash = rest.indexOf("/", 2);
  const end = slash < 0 ? rest.length : slash;
  const authority = parseAuthority(scheme, sliceBytes(rest, 2, end));
  return { ...blank, ...authority, scheme, query, path: unescapeFrom("path", sliceBytes(rest, end)) };
}

/** url.Parse. Fails with `parse "…": …`. */
export function parseUrl(text: GoString): Url {
  const [body, fragment] = cut(text, "#");
  let shown = body;
  try {
    const url = parseBody(body);
    shown = text;
    return { ...url, fragment: unescapeFrom("fragment", fragment) };
  } catch (thrown) {
    if (thrown instanceof GoError) return fail(`parse ${secret(quote(shown))}: ${thrown.message}`);
    throw thrown;
  }
}

/** The host without its port and brackets. */
export function hostnameOf(host: GoString): GoString {
  const colon = host.lastIndexOf(":");
  const bare = colon >= 0 && validPort(host.slice(colon)) ? sliceBytes(host, 0, colon) : host;
  return bare.startsWith("[") && bare.endsWith("]") ? sliceBytes(bare, 1, -1) : bare;
}

/** name, or name:password, encoded. */
export function userText({ name, password }: User): GoString {
  const first = escapeFor("user", name);
  return password === undefined ? first : concat(first, ascii(":"), escapeFor("user", password));
}
