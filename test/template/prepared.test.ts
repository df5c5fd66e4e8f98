/** A template is parsed once, and the memory for that is bounded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TemplateError } from "../../plugin/template/go/errors.ts";
import { createPreparedTemplates } from "../../plugin/template/prepared.ts";

test("the same name, text and delimiters are parsed once; another of them is another template", () => {
  const prepared = createPreparedTemplates();
  const first = prepared.get({ key: "a", text: "{{ . }}" }, undefined);
  assert.equal(prepared.get({ key: "a", text: "{{ . }}", field: "elsewhere" }, undefined), first);
  assert.notEqual(prepared.get({ key: "b", text: "{{ . }}" }, undefined), first);
  assert.notEqual(prepared.get({ key: "a", text: "{{ .}}" }, undefined), first);
  assert.notEqual(prepared.get({ key: "a", text: "{{ . }}" }, { left: "[[", right: "]]" }), first);
});

test("what was not used for longest falls out when the bytes are full", () => {
  const prepared = createPreparedTemplates(9_000);
  const get = (key: string) => prepared.get({ key, text: "{{ . }}" }, undefined);
  const [a, b] = [get("a"), get("b")];
  get("c");
  assert.equal(get("a"), a, "three fit");
  get("d");
  assert.equal(get("a"), a, "just used");
  assert.notEqual(get("b"), b, "the oldest made room");
});

test("a text larger than all of it is parsed each time", () => {
  const prepared = createPreparedTemplates(3_000);
  const large = { key: "a", text: "x".repeat(1_000) };
  assert.notEqual(prepared.get(large, undefined), prepared.get(large, undefined));
});

test("a text that does not parse fails each time", () => {
  const prepared = createPreparedTemplates();
  for (let i = 0; i < 2; i++) assert.throws(() => prepared.get({ key: "a", text: "{{" }, undefined), TemplateError);
});
