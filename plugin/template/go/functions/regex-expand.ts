/** Go's replacement templates (regexp.Expand): $1, $name, ${name}, $$; what is no group is nothing. */
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, decodeRune, sliceBytes } from "../text.ts";
import type { Match, Pattern } from "./regex-match.ts";
import { isDigit, isLetter } from "./runes.ts";

/** Text as it is, or a group's number; -1 is no group. */
type Piece = GoString | number;

/** How far the letters, digits and underscores go from `at`. */
function nameEnd(template: GoString, at: number): number {
  let end = at;
  while (end < template.length) {
    const { rune, width } = decodeRune(template, end);
    if (!isLetter(rune) && !isDigit(rune) && rune !== 0x5f) break;
    end += width;
  }
  return end;
}

function groupOf(pattern: Pattern, name: GoString): number {
  if (/^(?:0|[1-9][0-9]{0,8})$/.test(name)) return Number(name) <= pattern.groups ? Number(name) : -1;
  return pattern.names.get(name) ?? -1;
}

/** The reference after the dollar at `at - 1`, or undefined when there is none: then the dollar stands for itself. */
function reference(pattern: Pattern, template: GoString, at: number): { group: number; end: number } | undefined {
  const braced = template.charAt(at) === "{";
  const start = braced ? at + 1 : at;
  const end = nameEnd(template, start);
  if (end === start || (braced && template.charAt(end) !== "}")) return undefined;
  return { group: groupOf(pattern, sliceBytes(template, start, end)), end: braced ? end + 1 : end };
}

function parse(pattern: Pattern, template: GoString): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (;;) {
    const dollar = template.indexOf("$", at);
    if (dollar < 0) break;
    pieces.push(sliceBytes(template, at, dollar));
    const found = reference(pattern, template, dollar + 1);
    pieces.push(found ? found.group : ascii("$"));
    at = found?.end ?? dollar + (template.charAt(dollar + 1) === "$" ? 2 : 1);
  }
  pieces.push(sliceBytes(template, at));
  return pieces;
}

/** What the template makes of each match in the text. */
export function expansionOf(
  ctx: CallContext,
  pattern: Pattern,
  text: GoString,
  template: GoString,
): (match: Match) => GoString {
  const pieces = parse(pattern, template);
  ctx.charge(pieces.length);
  return (match) => {
    ctx.charge(pieces.length);
    let length = 0;
    const parts = pieces.map((piece) => {
      const part = typeof piece === "number" ? groupText(match, piece, text) : piece;
      length += part.length;
      return part;
    });
    ctx.produce(length);
    return ascii(parts.join(""));
  };
}

function groupText(match: Match, group: number, text: GoString): string {
  if (group < 0 || match.start(group) < 0) return "";
  return text.slice(match.start(group), match.end(group));
}
