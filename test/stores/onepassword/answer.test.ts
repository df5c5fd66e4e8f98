/** What Connect answers is foreign: only what has the right shape is taken over, above all into paths. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import { parseJson } from "../../../plugin/core/json.ts";
import type { JsonValue } from "../../../plugin/core/json.ts";
import { readItem, readListing, readVaults } from "../../../plugin/stores/onepassword/answer.ts";

const id = "i".repeat(26);
const json = (value: unknown): JsonValue => parseJson(JSON.stringify(value));

suite("answers of Connect", () => {
  test("leave out what is empty, as Go does", () => {
    const bare = { id, version: "", category: "", sections: [], fields: [], files: [] };
    assert.deepEqual(readItem(json({ id }), id), bare);
    assert.deepEqual(readItem(json({ id, fields: null, files: null, sections: null }), id), bare);
    assert.deepEqual(readListing(json([{ id }])), [{ id, title: "", version: "", tags: [] }]);
    assert.deepEqual(readListing(null), []);
  });

  const item = (more: object) => () => readItem(json({ id, ...more }), id);
  const refused: Readonly<Record<string, () => unknown>> = {
    "a vault whose id climbs": () => readVaults(json([{ id: "../../../../v1/heartbeat/aa" }])),
    "a vault whose id is too long": () => readVaults(json([{ id: `${id}i` }])),
    "a vault without an id": () => readVaults(json([{ name: "prod" }])),
    "an item whose id climbs": () => readListing(json([{ id: "..%2f..%2fvaults%2fxxxxxxxx" }])),
    "an item of another id": () => readItem(json({ id: "x".repeat(26) }), id),
    "a tag that is no text": () => readListing(json([{ id, tags: [1] }])),
    "a file whose id climbs": item({ files: [{ id: "../x", name: "a" }] }),
    "a file without an id": item({ files: [{ name: "a" }] }),
    "a value that is a number": item({ fields: [{ id: "a", label: "a", value: 1 }] }),
    "a label that is an object": item({ fields: [{ id: "a", label: {}, value: "" }] }),
    "fields that are an object": item({ fields: {} }),
    "a field that is a text": item({ fields: ["canary"] }),
    "a list in place of an item": () => readItem(json([]), id),
  };
  for (const [what, read] of Object.entries(refused))
    test(`are refused with ${what}`, () =>
      assert.throws(read, (thrown) => {
        assert.ok(thrown instanceof Failure && thrown.code === "answer_invalid");
        assert.doesNotMatch(thrown.message, /canary|\.\./);
        return true;
      }));
});
