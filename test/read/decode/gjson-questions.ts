/**
 * What the real gjson was asked: a table by hand for everything its language has, and as many random questions as wanted.
 * The answers are in gjson-cases.jsonl, recorded by test/peers/oracle/gjson.test.ts and replayed without Go.
 */
import { byHand } from "./gjson-table.ts";

export interface Question {
  readonly json: string;
  readonly path: string;
}

function questionsByHand(): Question[] {
  return byHand.flatMap(([json, paths]) => paths.map((path) => ({ json, path })));
}

/** The questions whose answers are kept in the repository. */
export function recordedQuestions(): Question[] {
  return [...questionsByHand(), ...randomQuestions(1, 1_600)];
}

const keys = ["a", "a", "a", "b", "b", "c", "a.b", "ab", "1", "é", "x*", "n", ""];
const scalars = [
  ...["null", "true", "false", "0", "-1", "2.50", "1e2", "12345678901234567890", '"a"', '"b"', '"1"', '"true"', '""'],
  ...['"x\\ny"', '"\\u00e9"', '"a.b|c"', '"<é>"'],
];
const names = [
  ...[
    "a",
    "a",
    "a",
    "b",
    "b",
    "c",
    "a\\.b",
    "ab",
    "0",
    "0",
    "1",
    "2",
    "é",
    "x\\*",
    "n",
    "*",
    "*",
    "a*",
    "?",
    "?b",
    "#",
  ],
  ...["#", "#", "z"],
];
const operators = ["==", "=", "!=", "<", "<=", ">", ">=", "%", "!%", ""];
const operands = [
  "1",
  '"a"',
  '"b"',
  "a",
  "true",
  "false",
  "null",
  '"?"',
  '"*"',
  "~true",
  "~false",
  "~null",
  "~*",
  "2.5",
  '"x*"',
];
const modifiers = [
  ...["@this", "@reverse", "@flatten", "@join", "@keys", "@values", "@valid", "@ugly", "@pretty", "@tostr", "@fromstr"],
  ...["@group", "@dig:a", '@flatten:{"deep":true}', '@join:{"preserve":true}', '@pretty:{"sortKeys":true,"width":10}'],
];

/** `count` random questions, eight on each document; always the same ones for one seed. */
export function randomQuestions(seed: number, count: number): Question[] {
  const random = generator(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: Math.floor(random() * (most + 1)) }, make);
  const space = (): string => (random() < 0.05 ? pick([" ", "\n", "  \t"]) : "");
  const spaced = (text: string): string => space() + text + space();

  function value(depth: number): string {
    const dice = random();
    if (depth === 0 || dice < 0.3) return spaced(pick(scalars));
    if (dice < 0.65) return spaced(`[${some(4, () => value(depth - 1)).join(",")}]`);
    return spaced(`{${some(4, () => `${spaced(JSON.stringify(pick(keys)))}:${value(depth - 1)}`).join(",")}}`);
  }
  function query(depth: number): string {
    const inner = random() < 0.4 ? "" : path(depth - 1);
    const operator = pick(operators);
    return `#(${inner}${operator}${operator === "" ? "" : pick(operands)})${random() < 0.5 ? "#" : ""}`;
  }
  function component(depth: number): string {
    const dice = random();
    if (depth <= 0 || dice < 0.7) return pick(names);
    if (dice < 0.8) return query(depth);
    if (dice < 0.92) return pick(modifiers);
    if (dice < 0.96) return `[${some(3, () => path(depth - 1)).join(",")}]`;
    return `{${some(3, () => (random() < 0.3 ? `"k":${path(depth - 1)}` : path(depth - 1))).join(",")}}`;
  }
  function path(depth: number): string {
    let text = component(depth);
    for (const next of some(3, () => component(depth))) text += (random() < 0.8 ? "." : "|") + next;
    return text;
  }
  const questions: Question[] = [];
  let json = "";
  while (questions.length < count) {
    if (questions.length % 8 === 0) json = value(4);
    const question = { json, path: (random() < 0.03 ? ".." : "") + path(2) };
    // gjson goes on into the text of a string; we do not.
    if (!/@tostr[^@]/.test(question.path)) questions.push(question);
  }
  return questions;
}

/** mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
