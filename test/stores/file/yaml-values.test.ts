import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { canonicalJson } from "../../../plugin/core/canonical-json.ts";
import { parseYamlValues, ValuesProblem } from "../../../plugin/stores/file/yaml-values.ts";

const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
for (const [one, next] of ["ab", "bc", "cd", "de", "ef", "fg"])
  bomb.push(`${next}: &${next} [${`*${one}, `.repeat(9)}]`);

suite("YAML values are what is written", () => {
  const rows: readonly (readonly [yaml: string, json: string])[] = [
    ["a: 12345678901234567890", '{"a":12345678901234567890}'],
    ["a: 1.10", '{"a":1.10}'],
    ["a: -0", '{"a":-0}'],
    ["a: 1e3", '{"a":1e3}'],
    ["a: 0123", '{"a":"0123"}'],
    ["a: 1_000", '{"a":"1_000"}'],
    ["a: 0x1F", '{"a":"0x1F"}'],
    ["a: .inf", '{"a":".inf"}'],
    ["a: yes", '{"a":"yes"}'],
    ["a: On", '{"a":"On"}'],
    ["a: true", '{"a":true}'],
    ["a: True", '{"a":"True"}'],
    ["a: 2026-01-01", '{"a":"2026-01-01"}'],
    ["a: ~", '{"a":null}'],
    ["a:", '{"a":null}'],
    ['a: ""', '{"a":""}'],
    ['a: "1"', '{"a":"1"}'],
    ["a: !!str 1", '{"a":"1"}'],
    ["1: one\non: two", '{"1":"one","on":"two"}'],
    ["a: |\n  x\n  y\n", '{"a":"x\\ny\\n"}'],
    ["a: &x [1, 2]\nb: *x", '{"a":[1,2],"b":[1,2]}'],
    ["%YAML 1.1\n---\na: yes", '{"a":"yes"}'],
    ["a:\r\n  b: c\r\n", '{"a":{"b":"c"}}'],
    ["{}", "{}"],
  ];
  for (const [yaml, json] of rows)
    test(JSON.stringify(yaml), () => assert.equal(canonicalJson(parseYamlValues(yaml)), json));
});

suite("YAML that is no map of values", () => {
  const rows: readonly (readonly [name: string, yaml: string, says: RegExp])[] = [
    ["nothing", "", /is empty/],
    ["a comment", "# canary", /is empty/],
    ["a list", "- canary", /does not hold a map/],
    ["text", "canary", /does not hold a map/],
    ["two documents", "a: 1\n---\nb: 2", /more than one/],
    ["an open quote", 'a: "canary', /not valid YAML at line \d+/],
    ["a key twice", "canary: 1\ncanary: 2", /one key twice/],
    ["a map as key", "? {canary: 1}\n: 2", /key that is not plain text/],
    ["an unknown tag", "a: !canary x", /not valid YAML at line 1/],
    ["a binary tag", "a: !!binary aGk=", /tag other than !!str/],
    ["an alias without anchor", "a: *canary", /alias/],
    ["an alias of itself", "a: &canary {b: *canary}", /deeper than 100/],
    ["a tower", `a: ${"[".repeat(300)}${"]".repeat(300)}`, /deeper than 100/],
    ["a bomb of aliases", bomb.join("\n"), /members|aliases/],
  ];
  for (const [name, yaml, says] of rows)
    test(name, () => {
      assert.throws(
        () => parseYamlValues(yaml),
        (thrown) => {
          assert.ok(thrown instanceof ValuesProblem, String(thrown));
          assert.match(thrown.message, says);
          return !thrown.message.includes("canary");
        },
      );
    });
});
