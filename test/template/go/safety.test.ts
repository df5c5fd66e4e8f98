/** JavaScript does not show through: names of its objects are names like any other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { renderRow } from "../rows.ts";

const names = [
  "__proto__",
  "constructor",
  "prototype",
  "toLocaleString",
  "valueOf",
  "hasOwnProperty",
  "length",
  "__defineGetter__",
];
const data = { a: "text", m: { k: "v" }, l: ["x"], n: 1 };

for (const name of names) {
  test(`${name} is a missing key, an unknown field, an unknown function, an ordinary name`, () => {
    const place = `template: t:1:3: executing "t"`;
    assert.deepEqual(renderRow({ template: `{{ .${name} }}`, data }), {
      err: `exec: ${place} at <.${name}>: map has no entry for key "${name}"`,
    });
    for (const [path, type] of [
      ["a", "interface {}"],
      ["l", "interface {}"],
      ["n", "interface {}"],
    ]) {
      const err = `exec: template: t:1:5: executing "t" at <.${path}.${name}>: can't evaluate field ${name} in type ${type}`;
      assert.deepEqual(renderRow({ template: `{{ .${path}.${name} }}`, data }), { err });
    }
    const none = { template: `{{ .${name} }}{{ .m.${name}.x }}`, data, missingKey: "default" as const };
    assert.deepEqual(renderRow(none), { out: Buffer.from("<no value><no value>") });
    assert.deepEqual(renderRow({ template: `{{ index .m "${name}" }}`, data }), { out: Buffer.from("<no value>") });
    assert.deepEqual(renderRow({ template: `{{ ${name} }}`, data }), {
      err: `parse: template: t:1: function "${name}" not defined`,
    });
    assert.deepEqual(renderRow({ template: `{{ template "${name}" }}`, data }), {
      err: `exec: template: t:1:12: executing "t" at <{{template "${name}"}}>: template "${name}" not defined`,
    });
    const own = `{{ define "${name}" }}{{ $${name} := . }}<{{ $${name} }}>{{ end }}{{ template "${name}" .${name} }}`;
    const held = Object.fromEntries([[name, "mine"]]);
    assert.deepEqual(renderRow({ template: own, data: held }), { out: Buffer.from("<mine>") });
  });
}

test("a value that looks like a template is text", () => {
  const injected = { a: "{{ .b }}", b: "leak" };
  assert.deepEqual(renderRow({ template: "{{ .a }}{{ printf .a }}{{ print .a }}", data: injected }), {
    out: Buffer.from("{{ .b }}{{ .b }}{{ .b }}"),
  });
});
