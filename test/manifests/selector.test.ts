import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelSelector } from "../../plugin/manifests/objects.ts";
import { matchesSelector } from "../../plugin/manifests/selector.ts";

type Expression = LabelSelector["matchExpressions"][number];
const labels = { team: "red", tier: "1", empty: "" };
const where = (matchLabels: Record<string, string>, ...matchExpressions: Expression[]): LabelSelector => ({
  matchLabels,
  matchExpressions,
});
const is = (key: string, operator: Expression["operator"], ...values: string[]): Expression => ({
  key,
  operator,
  values,
});

const cases: readonly (readonly [sentence: string, selector: LabelSelector, matches: boolean])[] = [
  ["an empty selector matches everything", where({}), true],
  ["an equal label matches", where({ team: "red" }), true],
  ["another value does not", where({ team: "blue" }), false],
  ["all labels must match", where({ team: "red", tier: "2" }), false],
  ["an absent label is not an empty one", where({ absent: "" }), false],
  ["an empty label is", where({ empty: "" }), true],
  ["In takes one of its values", where({}, is("team", "In", "blue", "red")), true],
  ["In refuses others", where({}, is("team", "In", "blue")), false],
  ["In needs the label", where({}, is("absent", "In", "")), false],
  ["NotIn refuses its values", where({}, is("team", "NotIn", "red")), false],
  ["NotIn takes an absent label", where({}, is("absent", "NotIn", "red")), true],
  ["Exists takes any value", where({}, is("empty", "Exists")), true],
  ["Exists needs the label", where({}, is("absent", "Exists")), false],
  ["DoesNotExist refuses the label", where({}, is("team", "DoesNotExist")), false],
  ["DoesNotExist takes its absence", where({}, is("absent", "DoesNotExist")), true],
  ["expressions and labels must all hold", where({ team: "red" }, is("tier", "In", "2")), false],
  ["names of every JavaScript object are no labels", where({}, is("constructor", "Exists")), false],
];
for (const [sentence, selector, matches] of cases)
  test(sentence, () => assert.equal(matchesSelector(selector, labels), matches));
