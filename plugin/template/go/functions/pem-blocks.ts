/**
 * PEM as Go's encoding/pem reads and writes it.
 *
 * Reading skips whatever is no block. A block whose BEGIN, END or content is wrong is skipped too, up to its END line.
 */
import { fail } from "../errors.ts";
import type { Meter } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, concat, sliceBytes } from "../text.ts";
import { byBytes } from "../values.ts";
import { base64Fault } from "./encoding.ts";

export interface PemBlock {
  readonly type: GoString;
  readonly headers: ReadonlyMap<GoString, GoString>;
  readonly bytes: Buffer;
}

interface Line {
  readonly text: GoString;
  /** Where the next line starts. */
  readonly next: number;
}

const begin = "-----BEGIN ";
const end = "\n-----END ";
const dashes = "-----";

function lineAt(data: GoString, at: number): Line {
  const newline = data.indexOf("\n", at);
  const next = newline < 0 ? data.length : newline + 1;
  let to = newline < 0 ? data.length : newline;
  if (newline > at && data.charAt(to - 1) === "\r") to--;
  while (to > at && /[ \t]/.test(data.charAt(to - 1))) to--;
  return { text: sliceBytes(data, at, to), next };
}

const isSpace = (char: string): boolean => char !== "" && "\t\n\v\f\r ".includes(char);

/** bytes.TrimSpace */
function trimmed(text: GoString): GoString {
  let [from, to] = [0, text.length];
  while (from < to && isSpace(text.charAt(from))) from++;
  while (to > from && isSpace(text.charAt(to - 1))) to--;
  return sliceBytes(text, from, to);
}

interface Found {
  readonly block: PemBlock;
  /** Where what follows the block starts. */
  readonly rest: number;
}

interface Headers {
  readonly headers: Map<GoString, GoString>;
  /** Where the content starts. */
  readonly at: number;
}

/** Lines with a colon are headers; undefined when the text ends before a line without one. */
function headersAt(meter: Meter, data: GoString, from: number): Headers | undefined {
  const headers = new Map<GoString, GoString>();
  for (let at = from; at < data.length;) {
    const line = lineAt(data, at);
    const colon = line.text.indexOf(":");
    if (colon < 0) return { headers, at };
    meter.charge(1);
    headers.set(trimmed(sliceBytes(line.text, 0, colon)), trimmed(sliceBytes(line.text, colon + 1)));
    at = line.next;
  }
  return undefined;
}

/** The block whose END line is at `endAt` (its newline), "wrong" to look for a later one, or "none" to give up. */
function blockEndingAt(meter: Meter, data: GoString, from: number, endAt: number): Found | "wrong" | "none" {
  const beginAt = from + data.slice(from, endAt).lastIndexOf(begin);
  if (beginAt < from || (beginAt > from && data.charAt(beginAt - 1) !== "\n")) return "wrong";
  const typeLine = lineAt(data, beginAt + begin.length);
  if (!typeLine.text.endsWith(dashes)) return "wrong";
  const type = sliceBytes(typeLine.text, 0, -dashes.length);
  const found = headersAt(meter, data, typeLine.next);
  if (!found) return "none";
  const { headers, at } = found;
  if (headers.size > 0 && endAt < at) return "wrong";
  const trailerAt = endAt + end.length;
  if (!data.startsWith(type + dashes, trailerAt)) return "wrong";
  if (lineAt(data, trailerAt + type.length + dashes.length).text !== "") return "wrong";
  const content = ascii(endAt > at ? data.slice(at, endAt).replace(/[ \t]/g, "") : "");
  if (base64Fault(content) !== undefined) return "wrong";
  const rest = lineAt(data, endAt + 1).next;
  return { block: { type, headers, bytes: Buffer.from(content, "base64") }, rest };
}

/** The first block at or after `from`; undefined when there is none. */
export function pemBlockAt(meter: Meter, data: GoString, from = 0): Found | undefined {
  for (let start = from; start <= data.length;) {
    const endAt = data.indexOf(end, start);
    if (endAt < 0) return undefined;
    meter.charge((endAt - start) >> 6);
    const found = blockEndingAt(meter, data, start, endAt);
    if (found === "none") return undefined;
    if (found !== "wrong") return found;
    meter.charge(1);
    start = endAt + end.length;
  }
  return undefined;
}

/** All blocks, and where the text after the last one starts. */
export function pemBlocks(meter: Meter, data: GoString): { blocks: PemBlock[]; rest: number } {
  const blocks: PemBlock[] = [];
  let rest = 0;
  for (let found = pemBlockAt(meter, data); found; found = pemBlockAt(meter, data, rest)) {
    blocks.push(found.block);
    rest = found.rest;
  }
  return { blocks, rest };
}

/** Text before the first BEGIN is dropped. */
export function fromFirstBegin(data: GoString): GoString {
  const at = data.indexOf("-----BEGIN");
  return at < 0 ? data : sliceBytes(data, at);
}

function headerLines(headers: PemBlock["headers"]): string {
  if (headers.size === 0) return "";
  const names = [...headers.keys()].sort(byBytes);
  if (names.some((name) => name.includes(":"))) fail("pem: cannot encode a header key that contains a colon");
  const first = names.filter((name) => name === "Proc-Type");
  const others = names.filter((name) => name !== "Proc-Type");
  return `${[...first, ...others].map((name) => `${name}: ${headers.get(name)!}\n`).join("")}\n`;
}

/** A block as text: 64 characters a line. */
export function pemText(
  meter: Meter,
  type: GoString,
  bytes: Uint8Array,
  headers: PemBlock["headers"] = new Map(),
): GoString {
  meter.produce(Math.ceil((bytes.length * 65) / 48) + 2 * type.length + 40);
  const lines = Buffer.from(bytes)
    .toString("base64")
    .replace(/.{1,64}/g, "$&\n");
  return concat(ascii(`${begin}${type}${dashes}\n${headerLines(headers)}${lines}-----END ${type}${dashes}\n`));
}
