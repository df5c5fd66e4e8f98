/** What a source file says, as the architecture test looks at it. Comments and texts in quotes do not count. */
import { globSync, readFileSync } from "node:fs";
import ts from "typescript";

export interface Source {
  /** Relative to the repository, `/`-separated. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /**
   * Each thing of the outside, or of SecretValue, that the code uses: `process.env`, `Date.now`, `new Date()`,
   * `setTimeout`, `.reveal(`.
   */
  readonly uses: ReadonlySet<string>;
  /** Lines of each function, by where it begins: `plugin/main.ts:7`. */
  readonly functions: ReadonlyMap<string, number>;
}

const watched = new Set(["setTimeout", "setInterval", "fetch"]);

export function readSources(pattern: string): readonly Source[] {
  return globSync(pattern)
    .sort()
    .map((path) => inspect(path, readFileSync(path, "utf8")));
}

export function inspect(path: string, text: string): Source {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const lineOf = (position: number): number => file.getLineAndCharacterOfPosition(position).line + 1;
  const uses = new Set<string>();
  const functions = new Map<string, number>();
  const visit = (node: ts.Node): void => {
    for (const use of usesOf(node)) uses.add(use);
    if (ts.isFunctionLike(node) && "body" in node && node.body) {
      const begin = lineOf(node.getStart());
      functions.set(`${path}:${begin}`, lineOf(node.end) - begin + 1);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { path, text, lines: text.trimEnd().split("\n").length, uses, functions };
}

function usesOf(node: ts.Node): string[] {
  if (ts.isPropertyAccessExpression(node)) {
    const reveals = node.name.text === "reveal" ? [".reveal("] : [];
    const [owner, member] = [node.expression.getText(), node.name.text];
    return [owner === "globalThis" ? member : `${owner}.${member}`, ...reveals];
  }
  if (ts.isNewExpression(node) && node.expression.getText() === "Date" && !node.arguments?.length)
    return ["new Date()"];
  if (ts.isIdentifier(node) && watched.has(node.text) && !isName(node)) return [node.text];
  return [];
}

/** A member or a declaration that happens to be called like the global: `store.fetch`, `fetch(located) {…}`. */
function isName(node: ts.Identifier): boolean {
  const { parent } = node;
  return !ts.isShorthandPropertyAssignment(parent) && "name" in parent && parent.name === node;
}
