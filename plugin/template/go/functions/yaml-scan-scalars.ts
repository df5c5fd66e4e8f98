/** Scalars: plain, quoted, and in blocks. Line breaks inside are folded as each kind has it. */
import { isBlank, isBlankOrEnd, isBreak } from "./yaml-source.ts";
import type { YamlSource } from "./yaml-source.ts";
import { endOfHeader } from "./yaml-scan-words.ts";

/** White space between two parts of a scalar. */
interface Gap {
  /** Blanks on one line; nothing when a line break was among them. */
  blanks: string;
  /** The first line break. */
  first: string;
  /** The other ones. */
  others: string;
  /** Whether a line has begun. */
  hasBreak: boolean;
}

const noGap = (hasBreak = false): Gap => ({ blanks: "", first: "", others: "", hasBreak });

/** One line break is a space, several are one less; the separators of Unicode stay. */
function folded({ blanks, first, others, hasBreak }: Gap): string {
  if (!hasBreak) return blanks;
  if (first !== "\n") return first + others;
  return others === "" ? " " : others;
}

/** Reads white space into the gap. `checkTab` is called for a tab at a line's start. */
function readGap(source: YamlSource, gap: Gap, checkTab?: () => void): void {
  const others: string[] = [];
  const blanks: string[] = [];
  for (let char = source.peek(); isBlank(char) || isBreak(char); char = source.peek()) {
    if (isBlank(char)) {
      if (gap.hasBreak && char === "\t") checkTab?.();
      const blank = source.read();
      if (!gap.hasBreak) blanks.push(blank);
    } else if (gap.hasBreak) others.push(source.readBreak());
    else {
      gap.first = source.readBreak();
      gap.hasBreak = true;
    }
  }
  gap.blanks = gap.hasBreak ? "" : blanks.join("");
  gap.others = others.join("");
}

const endsPlain = (source: YamlSource, inFlow: boolean): boolean => {
  const char = source.peek();
  if (char === ":" && isBlankOrEnd(source.peek(1))) return true;
  return inFlow && ",?[]{}".includes(char);
};

/** A plain scalar. `endedLine`: a line break was passed after it, so that a key may follow. */
export function scanPlain(
  source: YamlSource,
  { indent, inFlow }: { readonly indent: number; readonly inFlow: boolean },
): { readonly text: string; readonly endedLine: boolean } {
  const parts: string[] = [];
  let gap = noGap();
  const checkTab = (): void => {
    if (source.column < indent) source.problem("found a tab character that violates indentation");
  };
  for (;;) {
    if (source.atDocumentMark() || source.peek() === "#") break;
    for (; !isBlankOrEnd(source.peek()) && !endsPlain(source, inFlow); gap = noGap()) {
      if (gap.hasBreak || gap.blanks !== "") parts.push(folded(gap));
      parts.push(source.read());
    }
    if (!(isBlank(source.peek()) || isBreak(source.peek()))) break;
    readGap(source, gap, checkTab);
    if (!inFlow && source.column < indent) break;
  }
  return { text: parts.join(""), endedLine: gap.hasBreak };
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["0", "\0"],
  ["a", "\x07"],
  ["b", "\b"],
  ["t", "\t"],
  ["\t", "\t"],
  ["n", "\n"],
  ["v", "\v"],
  ["f", "\f"],
  ["r", "\r"],
  ["e", "\x1b"],
  [" ", " "],
  ['"', '"'],
  ["'", "'"],
  ["\\", "\\"],
  ["N", "\x85"],
  ["_", "\xa0"],
  ["L", "\u2028"],
  ["P", "\u2029"],
]);

const codeLengths: ReadonlyMap<string, number> = new Map([
  ["x", 2],
  ["u", 4],
  ["U", 8],
]);

function escape(source: YamlSource): string {
  const char = source.peek(1);
  const length = codeLengths.get(char);
  const short = escapes.get(char);
  if (length === undefined && short === undefined) source.problem("found unknown escape character");
  source.read(2);
  if (length === undefined) return short!;
  let digits = "";
  for (let at = 0; at < length; at++) digits += source.peek(at);
  if (!/^[0-9A-Fa-f]+$/.test(digits) || digits.length < length)
    source.problem("did not find expected hexdecimal number");
  const rune = parseInt(digits, 16);
  if ((rune >= 0xd800 && rune <= 0xdfff) || rune > 0x10ffff)
    source.problem("found invalid Unicode character escape code");
  source.read(length);
  return String.fromCodePoint(rune);
}

/** The text up to white space or the closing quote. True when an escaped line break ended it. */
function quotedRun(source: YamlSource, quote: string, parts: string[]): boolean {
  while (!isBlankOrEnd(source.peek())) {
    const char = source.peek();
    if (char === "'" && quote === "'" && source.peek(1) === "'") {
      parts.push("'");
      source.read(2);
    } else if (char === quote) return false;
    else if (char === "\\" && quote === '"') {
      if (isBreak(source.peek(1))) {
        source.read();
        source.readBreak();
        return true;
      }
      parts.push(escape(source));
    } else parts.push(source.read());
  }
  return false;
}

/** A scalar between quotes of the kind that stands here. */
export function scanQuoted(source: YamlSource): string {
  const quote = source.read();
  const parts: string[] = [];
  for (;;) {
    if (source.atDocumentMark()) source.problem("found unexpected document indicator");
    if (source.peek() === "") source.problem("found unexpected end of stream");
    const escapedBreak = quotedRun(source, quote, parts);
    if (source.peek() === quote) break;
    const gap = noGap(escapedBreak);
    readGap(source, gap);
    parts.push(folded(gap));
  }
  source.read();
  return parts.join("");
}

interface BlockHeader {
  /** 1 keeps all line breaks at the end, -1 none, 0 one. */
  readonly chomping: -1 | 0 | 1;
  /** Explicit indentation, 0 where it is to be found out. */
  readonly increment: number;
}

function chompingOf(source: YamlSource): BlockHeader["chomping"] {
  const char = source.peek();
  if (char !== "+" && char !== "-") return 0;
  source.read();
  return char === "+" ? 1 : -1;
}

function incrementOf(source: YamlSource): number {
  if (!/^[0-9]$/.test(source.peek())) return 0;
  if (source.peek() === "0") source.problem("found an indentation indicator equal to 0");
  return Number(source.read());
}

function blockHeader(source: YamlSource): BlockHeader {
  source.read();
  const before = chompingOf(source);
  const increment = incrementOf(source);
  const chomping = before === 0 && increment > 0 ? chompingOf(source) : before;
  endOfHeader(source);
  return { chomping, increment };
}

/** Line breaks and indentation before a line of a block; finds out the indentation where it is 0. */
function blockBreaks(
  source: YamlSource,
  indent: number,
  least: number,
): { readonly indent: number; readonly breaks: string } {
  const breaks: string[] = [];
  let deepest = 0;
  for (;;) {
    while ((indent === 0 || source.column < indent) && source.peek() === " ") source.read();
    deepest = Math.max(deepest, source.column);
    if ((indent === 0 || source.column < indent) && source.peek() === "\t")
      source.problem("found a tab character where an indentation space is expected");
    if (!isBreak(source.peek())) break;
    breaks.push(source.readBreak());
  }
  return { indent: indent === 0 ? Math.max(deepest, least, 1) : indent, breaks: breaks.join("") };
}

/** A literal (`|`) or folded (`>`) block inside a collection at `outer`. */
export function scanBlock(source: YamlSource, outer: number): string {
  const isLiteral = source.peek() === "|";
  const { chomping, increment } = blockHeader(source);
  const known = increment === 0 ? 0 : Math.max(outer, 0) + increment;
  const parts: string[] = [];
  let { indent, breaks } = blockBreaks(source, known, outer + 1);
  let ending = "";
  let afterBlank = false;
  while (source.column === indent && source.peek() !== "") {
    const startsBlank = isBlank(source.peek());
    const joins = !isLiteral && !afterBlank && !startsBlank && ending === "\n";
    if (!joins) parts.push(ending);
    else if (breaks === "") parts.push(" ");
    parts.push(breaks, source.restOfLine());
    afterBlank = startsBlank;
    ending = source.readBreak();
    ({ indent, breaks } = blockBreaks(source, indent, outer + 1));
  }
  if (chomping !== -1) parts.push(ending);
  if (chomping === 1) parts.push(breaks);
  return parts.join("");
}
