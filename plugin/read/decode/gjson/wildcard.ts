/** `*` = any run of characters, `?` = one character (not byte), `\` takes the next one literally. */
import type { Budget } from "./budget.ts";
import { textOf } from "./text.ts";

type Token = { readonly any: "run" | "one" } | { readonly literal: string };

export function wildcardMatches(budget: Budget, content: string, pattern: string): boolean {
  budget.spend(content.length + pattern.length);
  if (pattern === "*") return true;
  const tokens = tokenize(textOf(pattern));
  if (!tokens) return false;
  const chars = Array.from(textOf(content));
  // On a mismatch only the last run can help by taking one character more: no recursion, at most chars × tokens steps.
  let at = 0;
  let t = 0;
  let retry: { readonly token: number; at: number } | undefined;
  while (at < chars.length) {
    budget.spend(1);
    const token = tokens[t];
    if (token && "any" in token && token.any === "run") retry = { token: ++t, at };
    else if (token && ("any" in token || token.literal === chars[at])) {
      t++;
      at++;
    } else if (retry) {
      t = retry.token;
      at = ++retry.at;
    } else return false;
  }
  return tokens.slice(t).every((token) => "any" in token && token.any === "run");
}

/** Undefined for a pattern that ends in a lone `\`: it matches nothing. */
function tokenize(pattern: string): Token[] | undefined {
  const chars = Array.from(pattern);
  const tokens: Token[] = [];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i]!;
    if (char === "*") tokens.push({ any: "run" });
    else if (char === "?") tokens.push({ any: "one" });
    else if (char !== "\\") tokens.push({ literal: char });
    else {
      const next = chars[++i];
      if (next === undefined) return undefined;
      tokens.push({ literal: next });
    }
  }
  return tokens;
}
