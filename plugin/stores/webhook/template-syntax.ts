/** Whether texts are templates at all. Which functions there are is known to the engine alone, which is loaded later. */
import { BudgetError, shownText, TemplateError } from "../../template/go/errors.ts";
import { parseTemplate } from "../../template/go/parser.ts";
import { fromText } from "../../template/go/text.ts";

/** What is wrong with the template at `path`, or undefined. */
export function syntaxProblem(path: string, text: string): string | undefined {
  try {
    parseTemplate(fromText(path), fromText(text), { isFunction: () => true });
    return undefined;
  } catch (thrown) {
    if (thrown instanceof TemplateError) return shownText(thrown.message);
    if (thrown instanceof BudgetError) return "nests too deep";
    throw thrown;
  }
}
