/**
 * Values that must never be seen again outside of where they belong, and the search for them.
 *
 * Each canary is found in every form that careless code would give it: as it is, escaped in JSON, in base64 at each of
 * its three alignments, base64url, hex of either case and URL encoding.
 */
import { randomBytes } from "node:crypto";

export interface Canary {
  /** Where it was planted, for the message when it is found. */
  readonly planted: string;
  readonly text: string;
}

export class Canaries {
  readonly #all: Canary[] = [];

  /** A new one; its characters change under JSON, URL and base64 encoding. */
  plant(planted: string): string {
    const text = `ca"n/ary+${randomBytes(9).toString("hex")}?=&`;
    this.#all.push({ planted, text });
    return text;
  }

  /** A value whose form is given, such as a signed token. */
  watch(planted: string, text: string): string {
    this.#all.push({ planted, text });
    return text;
  }

  get count(): number {
    return this.#all.length;
  }

  /** Every canary found in any output: `where: planted (form)`. */
  search(outputs: ReadonlyMap<string, string>): string[] {
    const found: string[] = [];
    for (const { planted, text } of this.#all)
      for (const [form, needle] of forms(text))
        for (const [where, output] of outputs)
          if (output.includes(needle)) found.push(`${where}: ${planted} (${form})`);
    return found;
  }
}

export function forms(text: string): Map<string, string> {
  const bytes = Buffer.from(text);
  const all = new Map([
    ["plain", text],
    ["JSON", JSON.stringify(text).slice(1, -1)],
    ["JSON in JSON", JSON.stringify(JSON.stringify(text)).slice(3, -3)],
    ["hex", bytes.toString("hex")],
    ["HEX", bytes.toString("hex").toUpperCase()],
    ["URL", encodeURIComponent(text)],
    ["form", new URLSearchParams({ v: text }).toString().slice(2)],
  ]);
  for (const shift of [0, 1, 2]) {
    // The characters that depend on neighbouring bytes are cut off.
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const inner = encoded.slice(shift === 0 ? 0 : shift + 1, -1);
    all.set(`base64 at ${shift}`, inner);
    all.set(`base64url at ${shift}`, inner.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return all;
}
