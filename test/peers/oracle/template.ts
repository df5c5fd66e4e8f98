/** Go's text/template with sprig and ESO's functions behind a small Go program of ours. */
import type { Row } from "../../template/rows.ts";
import { askProgram, obtainProgram } from "./program.ts";

export const obtainTemplateOracle = (): Promise<string> => obtainProgram("template");

/** What Go makes of a row, in the shape of `renderRow`. */
export type Answer = { readonly out: Buffer } | { readonly err: string };

type Asked = Pick<Row, "template" | "data" | "strings" | "missingKey" | "delimiters">;

function questionOf({ template, data, strings, missingKey, delimiters }: Asked): object {
  return { template: Buffer.from(template).toString("base64"), data, strings, missingKey, delimiters };
}

/** The local zone is UTC, as keyferry's always is. */
const env = { TZ: "UTC" };

/** All answers, in the order of the rows. */
export async function askTemplates(rows: readonly Asked[]): Promise<Answer[]> {
  const answers = await askProgram<{ out?: string; err?: string }>(
    await obtainTemplateOracle(),
    rows.map(questionOf),
    env,
  );
  return answers.map(({ out, err }) =>
    err === undefined ? { out: Buffer.from(out ?? "", "base64") } : { err: Buffer.from(err, "base64").toString() },
  );
}

/** Mean nanoseconds of one execution and of one parse, each measured for `measureMs`. */
export async function measureTemplates(
  rows: readonly Asked[],
  measureMs: number,
): Promise<{ renderNs: number; parseNs: number }[]> {
  const questions = rows.map((row) => ({ ...questionOf(row), measureMs }));
  const answers = await askProgram<{ renderNs?: number; parseNs?: number }>(
    await obtainTemplateOracle(),
    questions,
    env,
  );
  return answers.map(({ renderNs, parseNs }, i) => {
    if (renderNs === undefined || parseNs === undefined) throw new Error(`Go cannot render ${rows[i]!.template}`);
    return { renderNs, parseNs };
  });
}
