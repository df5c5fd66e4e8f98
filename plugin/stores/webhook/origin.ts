/**
 * Where a webhook's requests go: to the origin that the url's template writes out, whatever is put into the rest.
 *
 * What is put in is tenant input (keys) or comes from Secrets. It may fill path and query, never choose a server, a
 * port or a user, nor climb out of the path that the template sets.
 */
import { Failure } from "../../core/failure.ts";
import { root } from "./config.ts";

export type Origin = { readonly ok: true; readonly origin: string } | { readonly ok: false; readonly problem: string };

/** The scheme and authority in front of the first action, closed by a slash, `?` or the text's own end. */
const written = /^(https?:\/\/)([^/?#\\\s]+)(?:[/?]|$)/;

/** `plainHttp`: http:// is allowed. */
export function originOf(urlTemplate: string, plainHttp: boolean): Origin {
  const [, scheme, authority] = written.exec(urlTemplate) ?? [];
  const url = scheme && authority && !authority.includes("{{") ? URL.parse(scheme + authority) : null;
  if (!url)
    return no("must begin with scheme and host, written out and closed by a slash, as in https://api.example.com/");
  if (authority!.includes("@")) return no("must not hold a user name or password; use headers");
  if (url.protocol === "http:" && !plainHttp) return no("must be https://; plain http is for standalone use only");
  return { ok: true, origin: url.origin };
}

/** The rendered url, still at its origin. Throws Failure `ref_invalid`; messages do not quote it: it may hold secrets. */
export function checkedUrl(rendered: string, origin: string): URL {
  if (/\p{Cc}/u.test(rendered)) throw refused("has a control character once rendered (a line break, for one)");
  const path = rendered.replace(/^https?:\/\/[^/?#\\]*/i, "").replace(/[?#].*$/su, "");
  if (path.split(/[/\\]/).some(isDotSegment))
    throw refused('has a "." or ".." segment in its path once rendered: check the key');
  const url = URL.parse(rendered);
  if (!url || url.origin !== origin || url.username !== "" || url.password !== "")
    throw refused(`does not stay at ${origin} once rendered`);
  return url;
}

/** Also as a server or a proxy may decode it. */
export function isDotSegment(segment: string): boolean {
  return /^(?:\.|%2e){1,2}$/i.test(segment);
}

function no(problem: string): Origin {
  return { ok: false, problem };
}

function refused(what: string): Failure {
  return new Failure("ref_invalid", `${root}.url ${what}`);
}
