/** The check of an address between brackets in a URL, with the texts of Go's netip.ParseAddr. */
import { fail, secret } from "../errors.ts";
import { quote } from "../quote.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";

type Refuse = (problem: string, at?: string) => never;

function checkIpv4(text: string, whole: string, refuse: Refuse): void {
  const parts: string[] = [];
  let digits = "";
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char >= "0" && char <= "9") {
      if (digits === "0") refuse("IPv4 field has octet with leading zero");
      digits += char;
      if (Number(digits) > 255) refuse("IPv4 field has value >255");
    } else if (char === ".") {
      if (digits === "" || at === text.length - 1)
        refuse("IPv4 field must have at least one digit", whole.slice(whole.length - text.length + at));
      if (parts.length === 3) refuse("IPv4 address too long");
      parts.push(digits);
      digits = "";
    } else refuse("unexpected character", whole.slice(whole.length - text.length + at));
  }
  if (parts.length < 3) refuse("IPv4 address too short");
}

/** Sixteen bytes in groups of two; `::` stands for the missing ones. */
function checkIpv6(whole: string, refuse: Refuse): void {
  const percent = whole.indexOf("%");
  if (percent >= 0 && percent === whole.length - 1) refuse("zone must be a non-empty string");
  let left = percent < 0 ? whole : whole.slice(0, percent);
  let gap = left.startsWith("::");
  if (gap) left = left.slice(2);
  if (gap && left === "") return;
  let bytes = 0;
  while (bytes < 16) {
    const group = /^[0-9a-fA-F]*/.exec(left)![0];
    if (group.length > 4) refuse("each group must have 4 or less digits", left);
    if (group === "") refuse("each colon-separated field must have at least one digit", left);
    if (left.charAt(group.length) === ".") {
      if (!gap && bytes !== 12) refuse("embedded IPv4 address must replace the final 2 fields of the address", left);
      if (bytes + 4 > 16) refuse("too many hex fields to fit an embedded IPv4 at the end of the address", left);
      checkIpv4(left, percent < 0 ? whole : whole.slice(0, percent), refuse);
      bytes += 4;
      left = "";
      break;
    }
    bytes += 2;
    left = left.slice(group.length);
    if (left === "") break;
    if (!left.startsWith(":")) refuse("unexpected character, want colon", left);
    if (left.length === 1) refuse("colon must be followed by more characters", left);
    left = left.slice(1);
    if (!left.startsWith(":")) continue;
    if (gap) refuse("multiple :: in address", left);
    gap = true;
    left = left.slice(1);
    if (left === "") break;
  }
  if (left !== "") refuse("trailing garbage after address", left);
  if (bytes < 16 && !gap) refuse("address string too short");
  if (bytes === 16 && gap) refuse("the :: must expand to at least one field of zeros");
}

/** Fails unless the text is an IPv6 address, with or without a zone. */
export function checkLiteral(text: GoString): void {
  const refuse: Refuse = (problem, at) =>
    fail(
      `invalid host: ParseAddr(${secret(quote(text))}): ${problem}${at === undefined ? "" : ` (at ${secret(quote(ascii(at)))})`}`,
    );
  const mark = /[.:%]/.exec(text)?.[0];
  if (mark === undefined) refuse("unable to parse IP");
  if (mark === "%") refuse("missing IPv6 address");
  if (mark === ":") return checkIpv6(text, refuse);
  checkIpv4(text, text, refuse);
  fail("invalid IP-literal");
}
