/** `@pretty`: one member a line; an array without objects stays on one line while it fits the width. */
import {
  isArray,
  isObject,
  parseWhole,
  someElement,
  someMember,
  stringOf,
  type Slice,
  type SliceKind,
} from "./slice.ts";
import { numberOf } from "./text.ts";

export interface PrettyOptions {
  /** Columns that a one-line array may use; 0 or less: never on one line. */
  readonly width: number;
  /** Before every line. */
  readonly prefix: string;
  readonly indent: string;
  readonly sortKeys: boolean;
}

/** `spend` is told about every byte written. */
export function pretty(document: string, options: PrettyOptions, spend: (bytes: number) => void): string {
  const root = parseWhole(document);
  if (!root) return options.prefix === "" ? "" : `${options.prefix}\n`;
  return `${options.prefix}${render(root, 0, options.prefix.length)}\n`;

  /** `column`: characters already on this line, as far as the width is concerned. */
  function render(value: Slice, level: number, column: number): string {
    if (value.kind !== "json")
      return written(value.kind === "string" || value.kind === "number" ? value.raw : value.kind);
    if (isObject(value)) return renderObject(value, level);
    const room = options.width - column;
    if (options.width > 0 && room > 3) {
      const line = oneLine(value);
      if (line !== undefined && line.length <= room) return written(line);
    }
    const items: string[] = [];
    // The separator of an array leaves a blank that the line break replaces: from the second element on, one column more fits.
    someElement(value.raw, (element, index) => {
      const start = newLine(level + 1);
      items.push(start + render(element, level + 1, start.length - (index > 0 ? 1 : 0)));
      return false;
    });
    return items.length === 0 ? "[]" : `[${items.join(",")}${newLine(level)}]`;
  }

  function renderObject(value: Slice, level: number): string {
    const members: Member[] = [];
    const start = newLine(level + 1);
    someMember(value.raw, (key, member, rawKey) => {
      const head = `${start}${rawKey}: `;
      members.push({ key, kind: member.kind, head, text: render(member, level + 1, head.length) });
      return false;
    });
    if (options.sortKeys) members.sort(byKey);
    return members.length === 0 ? "{}" : `{${members.map(({ head, text }) => head + text).join(",")}${newLine(level)}}`;
  }

  function newLine(level: number): string {
    return written(`\n${options.prefix}${options.indent.repeat(level)}`);
  }

  function written(text: string): string {
    spend(text.length);
    return text;
  }
}

interface Member {
  readonly key: string;
  readonly kind: SliceKind;
  readonly head: string;
  readonly text: string;
}

const kindOrder: readonly SliceKind[] = ["null", "false", "number", "string", "true", "json"];

/** Doubled keys are ordered by their values: by kind, then by number or text. */
function byKey(a: Member, b: Member): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  if (a.kind !== b.kind) return kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind);
  if (a.kind === "number") return numberOf(a.text) - numberOf(b.text);
  const [left, right] = a.kind === "string" ? [stringOf(a.text), stringOf(b.text)] : [a.text, b.text];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Undefined when an object is in it. */
function oneLine(value: Slice): string | undefined {
  if (isObject(value)) return undefined;
  if (!isArray(value)) return value.raw;
  const items: string[] = [];
  const blocked = someElement(value.raw, (element) => {
    const item = oneLine(element);
    if (item !== undefined) items.push(item);
    return item === undefined;
  });
  return blocked ? undefined : `[${items.join(", ")}]`;
}
