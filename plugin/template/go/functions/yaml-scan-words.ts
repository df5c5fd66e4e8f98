/** Directives, tags, anchors and aliases: what starts with %, !, & or *. */
import { isBlank, isBlankOrEnd, isBreak } from "./yaml-source.ts";
import type { YamlSource } from "./yaml-source.ts";
import type { YamlToken } from "./yaml-tokens.ts";

const isWord = (char: string): boolean => /^[0-9A-Za-z_-]$/.test(char);
const isUri = (char: string): boolean => /^[0-9A-Za-z_;/?:@&=+$,.!~*'()[\]%-]$/.test(char);

function word(source: YamlSource): string {
  let count = 0;
  while (isWord(source.peek(count))) count++;
  return source.read(count);
}

export function scanAnchor(source: YamlSource, type: "alias" | "anchor"): YamlToken {
  const { line } = source;
  source.read();
  const name = word(source);
  if (name === "" || !(isBlankOrEnd(source.peek()) || "?:,]}%@`".includes(source.peek())))
    source.problem("did not find expected alphabetic or numeric character");
  return { type, line, name };
}

/** One character of several octets, each as %XX. */
function uriEscape(source: YamlSource): string {
  const octets: number[] = [];
  let missing = 1;
  for (; missing > 0; missing--) {
    const digits = source.peek(1) + source.peek(2);
    if (source.peek() !== "%" || !/^[0-9A-Fa-f]{2}$/.test(digits)) source.problem("did not find URI escaped octet");
    const octet = parseInt(digits, 16);
    if (octets.length === 0) {
      missing = octet < 0x80 ? 1 : octet >= 0xf8 ? 0 : octet >= 0xf0 ? 4 : octet >= 0xe0 ? 3 : octet >= 0xc0 ? 2 : 0;
      if (missing === 0) source.problem("found an incorrect leading UTF-8 octet");
    } else if ((octet & 0xc0) !== 0x80) source.problem("found an incorrect trailing UTF-8 octet");
    octets.push(octet);
    source.read(3);
  }
  return Buffer.from(octets).toString("utf8");
}

function uri(source: YamlSource, head = ""): string {
  const parts = [head.slice(1)];
  let found = head !== "";
  for (; isUri(source.peek()); found = true) parts.push(source.peek() === "%" ? uriEscape(source) : source.read());
  if (!found) source.problem("did not find expected tag URI");
  return parts.join("");
}

/** `!`, `!!` or `!name!`; a tag may also begin like one and be none: `!name`. */
function handleOf(source: YamlSource, isDirective: boolean): string {
  if (source.peek() !== "!") source.problem("did not find expected '!'");
  const handle = source.read() + word(source);
  if (source.peek() === "!") return handle + source.read();
  if (isDirective && handle !== "!") source.problem("did not find expected '!'");
  return handle;
}

interface Tag {
  readonly handle: string;
  readonly suffix: string;
}

function verbatimTag(source: YamlSource): Tag {
  source.read(2);
  const suffix = uri(source);
  if (source.peek() !== ">") source.problem("did not find the expected '>'");
  source.read();
  return { handle: "", suffix };
}

function shortTag(source: YamlSource): Tag {
  const handle = handleOf(source, false);
  if (handle.length > 1 && handle.endsWith("!")) return { handle, suffix: uri(source) };
  const suffix = uri(source, handle);
  return suffix === "" ? { handle: "", suffix: "!" } : { handle: "!", suffix };
}

export function scanTag(source: YamlSource): YamlToken {
  const { line } = source;
  const tag = source.peek(1) === "<" ? verbatimTag(source) : shortTag(source);
  if (!isBlankOrEnd(source.peek())) source.problem("did not find expected whitespace or line break");
  return { type: "tag", line, ...tag };
}

function versionNumber(source: YamlSource): number {
  let digits = "";
  while (/^[0-9]$/.test(source.peek())) {
    if (digits.length === 2) source.problem("found extremely long version number");
    digits += source.read();
  }
  if (digits === "") source.problem("did not find expected version number");
  return Number(digits);
}

function versionDirective(source: YamlSource, line: number): YamlToken {
  source.skipBlanks();
  const major = versionNumber(source);
  if (source.peek() !== ".") source.problem("did not find expected digit or '.' character");
  source.read();
  const minor = versionNumber(source);
  return { type: "version", line, isKnown: major === 1 && minor === 1 };
}

function tagDirective(source: YamlSource, line: number): YamlToken {
  source.skipBlanks();
  const handle = handleOf(source, true);
  if (!isBlank(source.peek())) source.problem("did not find expected whitespace");
  source.skipBlanks();
  const prefix = uri(source);
  if (!isBlankOrEnd(source.peek())) source.problem("did not find expected whitespace or line break");
  return { type: "tag directive", line, handle, prefix };
}

function directive(source: YamlSource): YamlToken {
  const { line } = source;
  source.read();
  const name = word(source);
  if (name === "") source.problem("could not find expected directive name");
  if (!isBlankOrEnd(source.peek())) source.problem("found unexpected non-alphabetical character");
  if (name === "YAML") return versionDirective(source, line);
  if (name === "TAG") return tagDirective(source, line);
  return source.problem("found unknown directive name");
}

export function scanDirective(source: YamlSource): YamlToken {
  const token = directive(source);
  endOfHeader(source);
  return token;
}

/** Nothing but a comment may follow on the line. */
export function endOfHeader(source: YamlSource): void {
  source.skipBlanks();
  source.skipComment();
  if (source.peek() !== "" && !isBreak(source.peek())) source.problem("did not find expected comment or line break");
  source.readBreak();
}
