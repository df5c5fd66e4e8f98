/** The real gjson behind a small Go program of ours. */
import type { GjsonAnswer } from "../../read/decode/gjson-cases.ts";
import type { Question } from "../../read/decode/gjson-questions.ts";
import { askProgram, obtainProgram } from "./program.ts";

export const obtainGjsonOracle = (): Promise<string> => obtainProgram("gjson");

/** All answers, in the order of the questions. */
export const askGjson = async (questions: readonly Question[]): Promise<GjsonAnswer[]> =>
  askProgram(await obtainGjsonOracle(), questions);
