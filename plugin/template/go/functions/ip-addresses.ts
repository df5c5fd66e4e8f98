/** IP addresses as text and bytes: net.ParseIP and net.IP.String. */
import { isIPv4, isIPv6 } from "node:net";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";

const mapped = Buffer.from("00000000000000000000ffff", "hex");

const groupBytes = (text: string): number[] =>
  text === ""
    ? []
    : text.split(":").flatMap((group) => {
        if (group.includes(".")) return group.split(".").map(Number);
        const value = parseInt(group, 16);
        return [value >> 8, value & 0xff];
      });

/** Four bytes, or sixteen; undefined for what is no address. An IPv4 address in IPv6 form gives its four. */
export function parseIp(text: GoString): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const [before, after] = text.split("::") as [string, string | undefined];
  const head = groupBytes(before);
  const tail = groupBytes(after ?? "");
  const bytes = Buffer.from([...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail]);
  return bytes.subarray(0, 12).equals(mapped) ? bytes.subarray(12) : bytes;
}

/** The longest run of two or more zero groups, the first of equals: [from, to). */
function longestZeros(groups: readonly number[]): readonly [number, number] {
  let best: readonly [number, number] = [0, 0];
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0) to++;
    if (to - from > Math.max(best[1] - best[0], 1)) best = [from, to];
  }
  return best;
}

/** Dotted, or in RFC 5952's form. */
export function ipText(bytes: Buffer): GoString {
  if (bytes.length === 4) return ascii([...bytes].join("."));
  if (bytes.subarray(0, 12).equals(mapped)) return ascii([...bytes.subarray(12)].join("."));
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  const [from, to] = longestZeros(groups);
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  return ascii(to === 0 ? text(groups) : `${text(groups.slice(0, from))}::${text(groups.slice(to))}`);
}
