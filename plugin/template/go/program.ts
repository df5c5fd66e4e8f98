/** From a template's text to something that runs: parse, then compile. */
import { compileTemplate } from "./compile.ts";
import { findFunction } from "./functions/table.ts";
import type { Delimiters } from "./lexer.ts";
import type { Program } from "./machine.ts";
import { parseTemplate } from "./parser.ts";
import type { GoString } from "./text.ts";

/** Throws TemplateError at stage "parse", or BudgetError for nesting. */
export function prepare(name: GoString, text: GoString, delimiters?: Delimiters): Program {
  const functions = new Set<string>();
  const isFunction = (word: string): boolean => {
    const known = findFunction(word) !== undefined;
    if (known) functions.add(word);
    return known;
  };
  const parsed = parseTemplate(name, text, { isFunction, ...(delimiters && { delimiters }) });
  return compileTemplate(parsed, functions);
}
