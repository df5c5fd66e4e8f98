/** The recorded answers of the real gjson, and how an answer of ours is put beside one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lookUp, lookUpBytes } from "../../../plugin/read/decode/gjson.ts";
import type { Question } from "./gjson-questions.ts";

export interface GjsonAnswer {
  readonly exists: boolean;
  /** Null, False, True, Number, String or JSON. */
  readonly type: string;
  readonly raw: string;
  /** Result.String(). */
  readonly str: string;
}

export interface GjsonCase extends Question {
  readonly answer: GjsonAnswer;
}

export const gjsonCasesFile = join(import.meta.dirname, "gjson-cases.jsonl");

/** One line a document: `[json, [path, type, raw, str?]…]`; absent is `[path]`, `str` is left out where it equals `raw`. */
export function readGjsonCases(): GjsonCase[] {
  const lines = readFileSync(gjsonCasesFile, "utf8").trimEnd().split("\n");
  return lines.flatMap((line) => {
    const [json, ...asked] = JSON.parse(line) as [string, ...[string, string?, string?, string?][]];
    return asked.map(([path, type, raw = "", str = raw]) => {
      const exists = type !== undefined;
      return { json, path, answer: { exists, type: type ?? "Null", raw, str } };
    });
  });
}

export function formatGjsonCases(cases: readonly GjsonCase[]): string {
  const lines: [string, ...string[][]][] = [];
  for (const { json, path, answer } of cases) {
    if (lines.at(-1)?.[0] !== json) lines.push([json]);
    const { exists, type, raw, str } = answer;
    lines.at(-1)!.push(exists ? (str === raw ? [path, type, raw] : [path, type, raw, str]) : [path]);
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

const types = { null: "Null", false: "False", true: "True", number: "Number", string: "String", json: "JSON" } as const;

export function ourAnswer({ json, path }: Question): GjsonAnswer | { readonly outcome: string } {
  const found = lookUp(Buffer.from(json), path);
  if (found.outcome === "absent") return { exists: false, type: "Null", raw: "", str: "" };
  if (found.outcome !== "found") return { outcome: found.outcome };
  const raw = Buffer.from(found.value.raw, "latin1").toString();
  return { exists: true, type: types[found.value.kind], raw, str: lookUpBytes(found.value).toString() };
}
