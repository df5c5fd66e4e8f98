/**
 * Regular expressions over namespace names, written for RE2 and run by JavaScript.
 *
 * These patterns decide who may read, so everything that the two dialects read differently is refused: look-around and
 * back-references (JavaScript only), POSIX classes and `\Q`, `\A`, `\z` (RE2 only, silently something else in
 * JavaScript), `[^]`. What is left means the same in both.
 */

/** Unanchored, as RE2 sources are. Throws SyntaxError for a pattern that `patternProblem` refuses. */
export function compileNamespacePattern(source: string): RegExp {
  return new RegExp(withoutNeedlessEscapes(source), "u");
}

const longestPattern = 1_000;

const refused: readonly { readonly found: RegExp; readonly problem: string }[] = [
  { found: /^\(\?(=|!|<=|<!)/, problem: "look-around is not possible; list the namespaces, or use namespaceSelector" },
  { found: /^\\([1-9]|k)/, problem: "back-references are not possible; spell the text out" },
  { found: /^\(\?P/, problem: "named groups are not needed; write ( in place of (?P<…>" },
  { found: /^\\[^\x00-\x7F]/, problem: "a letter outside ASCII needs no backslash; remove it" },
];
const refusedInClass: readonly { readonly found: RegExp; readonly problem: string }[] = [
  { found: /^\[:/, problem: "POSIX classes are not possible; write a range such as [a-z0-9]" },
];

/** What is wrong with a pattern, with the way out, or undefined. Never repeats the pattern. */
export function patternProblem(source: string): string | undefined {
  if (source === "") return "must not be empty; it would match every namespace";
  if (source.length > longestPattern) return `is longer than ${longestPattern} characters; split it into several`;
  for (const { at, inClass } of tokens(source)) {
    const rest = source.slice(at, at + 4);
    if (rest.startsWith("[^]") && !inClass) return "[^] is not possible; name the characters";
    const hit = (inClass ? refusedInClass : refused).find(({ found }) => found.test(rest));
    if (hit) return hit.problem;
  }
  try {
    compileNamespacePattern(source);
    return undefined;
  } catch {
    return "does not compile as a regular expression; check brackets, repetitions and backslashes";
  }
}

/** Where each character or escape of a pattern starts, and whether it stands inside a class. */
function* tokens(source: string): Generator<{ readonly at: number; readonly inClass: boolean; readonly text: string }> {
  let inClass = false;
  for (let at = 0; at < source.length;) {
    const text = source.slice(at, at + (source[at] === "\\" ? 2 : 1));
    yield { at, inClass, text };
    if (text === "[") inClass = true;
    else if (text === "]") inClass = false;
    at += text.length;
  }
}

/** RE2 lets every ASCII punctuation be escaped (`team\-a`); JavaScript's `u` flag only those with a meaning. */
function withoutNeedlessEscapes(source: string): string {
  let text = "";
  for (const token of tokens(source))
    text +=
      /^\\[-_!"#%&',:;<=>@`~ ]$/.test(token.text) && !(token.inClass && token.text === "\\-")
        ? token.text.slice(1)
        : token.text;
  return text;
}
