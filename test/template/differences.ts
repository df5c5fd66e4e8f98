/**
 * Where our templates differ from Go's on purpose. docs/templates-differences.md tells users the same list.
 */
import type { Row } from "./rows.ts";

type Answer = { readonly out: Buffer } | { readonly err: string };

interface Difference {
  /** The heading of its paragraph in the document. */
  readonly name: string;
  /** A row that shows it, and what each side makes of it. */
  readonly example: Row;
  readonly go: string;
  readonly ours: string;
  readonly covers: (row: Row, go: Answer, ours: Answer) => boolean;
}

const errorOf = (answer: Answer): string => ("err" in answer ? answer.err : "");

export const differences: readonly Difference[] = [
  {
    name: "A template that uses too much ends",
    example: { template: '{{define "r"}}{{template "r"}}{{end}}{{template "r"}}' },
    go: 'exec: template: t:1:25: executing "r" at <{{template "r"}}>: exceeded maximum template depth (100000)',
    ours: "budget: depth",
    covers: (_row, _go, ours) => errorOf(ours).startsWith("budget: "),
  },
];

/** Whether what the two make of the row is one of the intended differences. */
export const isIntended = (row: Row, go: Answer, ours: Answer): boolean =>
  differences.some(({ covers }) => covers(row, go, ours));
