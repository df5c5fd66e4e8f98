/** Sprig's urlParse and urlJoin over Go's idea of a URL. */
import { fail, GoError } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, concat } from "../text.ts";
import { anyMapType, stringType } from "../types.ts";
import type { GoMap } from "../values.ts";
import { anyMap, kindOf } from "../values.ts";
import { made, scan } from "./costs.ts";
import { escapeFor } from "./urls-escape.ts";
import type { Url } from "./urls-parse.ts";
import { hostnameOf, parseUrl, userText } from "./urls-parse.ts";

const empty = ascii("");

function parsed(text: GoString, what: string): Url {
  try {
    return parseUrl(text);
  } catch (thrown) {
    if (thrown instanceof GoError) return fail(`unable to parse ${what}: ${thrown.message}`);
    throw thrown;
  }
}

function urlParse(text: GoString, ctx: CallContext): GoMap {
  scan(ctx, text);
  ctx.charge(text.length >> 3);
  const url = parsed(text, "url");
  return anyMap([
    [ascii("scheme"), url.scheme],
    [ascii("host"), url.host],
    [ascii("hostname"), hostnameOf(url.host)],
    [ascii("path"), url.path],
    [ascii("query"), url.query],
    [ascii("opaque"), url.opaque],
    [ascii("fragment"), url.fragment],
    [ascii("userinfo"), url.user ? userText(url.user) : empty],
  ]);
}

function part(parts: GoMap, key: string, ctx: CallContext): GoString {
  const value = parts.entries.has(ascii(key)) ? parts.entries.get(ascii(key)) : empty;
  if (value === null) fail("runtime error: invalid memory address or nil pointer dereference");
  if (typeof value !== "string")
    return fail(`unable to parse ${key} key, must be of type string, but ${kindOf(value)} found`);
  scan(ctx, value);
  ctx.charge(value.length >> 3);
  return value;
}

/** What stands before the path: scheme, user and host, or the opaque part. */
function authority(user: GoString | undefined, host: GoString, path: GoString): string {
  if (host === "" && path === "" && user === undefined) return "";
  return `//${user === undefined ? "" : `${user}@`}${escapeFor("host", host)}`;
}

function pathText(before: string, host: GoString, path: GoString): string {
  const escaped = path === "*" ? path : escapeFor("path", path);
  if (escaped !== "" && !escaped.startsWith("/") && host !== "") return `/${escaped}`;
  // A first segment with a colon would read as a scheme.
  if (before === "" && escaped.split("/", 1)[0]!.includes(":")) return `./${escaped}`;
  return escaped;
}

function urlJoin(parts: GoMap, ctx: CallContext): GoString {
  const [scheme, host, path, query, opaque, fragment, userinfo] = [
    "scheme",
    "host",
    "path",
    "query",
    "opaque",
    "fragment",
    "userinfo",
  ].map((key) => part(parts, key, ctx)) as [GoString, GoString, GoString, GoString, GoString, GoString, GoString];
  const given =
    userinfo === "" ? undefined : parsed(concat(ascii("proto://"), userinfo, ascii("@host")), "userinfo in dict").user;
  const user = given && userText(given);
  let out = scheme === "" ? "" : `${scheme}:`;
  if (opaque !== "") out += opaque;
  else {
    if (scheme !== "" || host !== "" || user !== undefined) out += authority(user, host, path);
    out += pathText(out, host, path);
  }
  if (query !== "") out += `?${query}`;
  if (fragment !== "") out += `#${escapeFor("fragment", fragment)}`;
  return made(ctx, ascii(out));
}

export const urlFunctions: FunctionTable = {
  urlParse: fn([stringType], ([text], ctx) => urlParse(text, ctx)),
  urlJoin: fn([anyMapType], ([parts], ctx) => urlJoin(parts, ctx)),
};
