/**
 * Which names a find wants: RE2, as in ESO, so that an expression means the same here.
 *
 * Loaded when the first find by name is met. Whoever writes a class or an ExternalSecret chooses the expression, and
 * names are tried in this process, so both the expression and the work of one listing are bounded.
 */
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { Failure } from "../core/failure.ts";

const longestSource = 1_000;
/** Instructions of a compiled expression: the cost of one character of a name at worst. */
const mostInstructions = 2_000;
/** About 2 s at worst, and hundreds of times what real names and expressions take. */
const mostSteps = 200_000_000;

/**
 * Each call of what it returns begins one listing: the names that it tries share a bound, beyond which it throws Failure
 * `answer_too_large`. Throws Failure `manifest_invalid` for what is no RE2 or too costly.
 */
export function compileNames(source: string, field: string): () => (name: string) => boolean {
  if (source.length > longestSource) throw invalid(`is longer than ${longestSource} characters; shorten it`, field);
  const compiled = compile(source, field);
  const size = compiled.programSize();
  if (size > mostInstructions) throw invalid("is a costly regular expression; repeat less in it", field);
  return () => {
    let steps = 0;
    return (name) => {
      steps += (name.length + 1) * size;
      if (steps <= mostSteps) return compiled.test(name);
      throw new Failure("answer_too_large", "there are more names than find.name.regexp can be tried on; simplify it");
    };
  };
}

function compile(source: string, field: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (thrown) {
    if (thrown instanceof RE2JSSyntaxException) throw invalid("is no regular expression of RE2; correct it", field);
    throw thrown;
  }
}

function invalid(problem: string, field: string): Failure {
  return new Failure("manifest_invalid", problem, { field });
}
