/**
 * Rows of test/template/data: templates with what Go makes of them.
 *
 * The expectations come from Go's own text/template with sprig, never from us. A file is
 * `{"data": {…}, "rows": [{"template", "out" | "outBase64" | "err", "data"?, "strings"?, "missingKey"?, "delimiters"?}]}`:
 * `data` of the file is the dot where a row has none; `strings` makes it a map[string]string instead of
 * map[string]interface{}; `err` starts with `parse: ` or `exec: `; missing keys are errors unless `missingKey` says so.
 */
import { readFileSync } from "node:fs";
import { BudgetError, TemplateError, exactText } from "../../plugin/template/go/errors.ts";
import { Machine } from "../../plugin/template/go/machine.ts";
import type { MissingKey } from "../../plugin/template/go/machine.ts";
import { prepare } from "../../plugin/template/go/program.ts";
import { bytesOf, fromText } from "../../plugin/template/go/text.ts";
import { anyMap, anySlice, stringMap } from "../../plugin/template/go/values.ts";
import type { GoMap, GoValue } from "../../plugin/template/go/values.ts";
import { defaultBudgets } from "../../plugin/template/request.ts";
import type { TemplateBudgets } from "../../plugin/template/request.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Row {
  readonly template: string;
  readonly data?: Readonly<Record<string, Json>>;
  readonly strings?: boolean;
  readonly missingKey?: MissingKey;
  readonly delimiters?: readonly [string, string];
  readonly out?: string;
  readonly outBase64?: string;
  readonly err?: string;
}

/** The rows of a data file, each with its data. */
export function loadRows(name: string): readonly Row[] {
  const file = new URL(`./data/${name}.json`, import.meta.url);
  const { data, rows } = JSON.parse(readFileSync(file, "utf8")) as { data: Row["data"]; rows: Row[] };
  return rows.map((row) => ({ ...(data && { data }), ...row }));
}

/** JSON as Go's decoder gives it: float64, []interface {}, map[string]interface {}. */
export function goValue(json: Json): GoValue {
  if (typeof json === "string") return fromText(json);
  if (Array.isArray(json)) return anySlice((json as readonly Json[]).map(goValue));
  if (typeof json !== "object" || json === null) return json;
  return goMap(json as Readonly<Record<string, Json>>);
}

export const goMap = (data: Readonly<Record<string, Json>>): GoMap =>
  anyMap(Object.entries(data).map(([key, value]) => [fromText(key), goValue(value)] as const));

const goStrings = (data: Readonly<Record<string, Json>>): GoMap =>
  stringMap(Object.entries(data).map(([key, value]) => [fromText(key), fromText(value as string)] as const));

/** A clock that stands still, and bytes that are always the same. */
export const stillWorld = {
  nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5),
  monotonicMs: () => 0,
  randomBytes: (count: number) => Buffer.alloc(count, 7),
};

/** What our engine makes of a row: the output as bytes, or Go's exact error text with its stage in front. */
export function renderRow(row: Row, limits: TemplateBudgets = defaultBudgets): { out: Buffer } | { err: string } {
  const { template, data = {}, strings, missingKey = "error", delimiters } = row;
  try {
    const pair = delimiters && { left: delimiters[0], right: delimiters[1] };
    const program = prepare(fromText("t"), fromText(template), pair);
    const dot = strings ? goStrings(data) : goMap(data);
    const machine = new Machine(program, dot, { missingKey, limits, world: stillWorld });
    machine.run();
    return { out: bytesOf(machine.output) };
  } catch (thrown) {
    if (thrown instanceof TemplateError) return { err: `${thrown.stage}: ${exactText(thrown.message)}` };
    if (thrown instanceof BudgetError) return { err: `budget: ${thrown.budget}` };
    throw thrown;
  }
}

/** What a row expects, in the shape of `renderRow`. */
export function expected({ out, outBase64, err }: Row): { out: Buffer } | { err: string } {
  if (err !== undefined) return { err };
  return { out: outBase64 === undefined ? Buffer.from(out!) : Buffer.from(outBase64, "base64") };
}
