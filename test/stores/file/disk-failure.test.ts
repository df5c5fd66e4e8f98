import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import { diskFailure } from "../../../plugin/stores/file/disk-failure.ts";

const rows: readonly (readonly [errno: string, code: string])[] = [
  ["EACCES", "store_denied"],
  ["EPERM", "store_denied"],
  ["EIO", "store_error"],
  ["EMFILE", "store_error"],
  ["ENFILE", "store_error"],
  ["ELOOP", "store_error"],
  ["ESTALE", "store_unreachable"],
  ["EHOSTDOWN", "store_unreachable"],
  ["ETIMEDOUT", "store_timeout"],
  ["ENAMETOOLONG", "ref_invalid"],
];

suite("what the disk says, as a failure", () => {
  for (const [errno, code] of rows)
    test(`${errno} is ${code}`, () => {
      const failure = diskFailure('key "a"', Object.assign(new Error("canary /some/path"), { code: errno }));
      assert.equal(failure.code, code);
      assert.ok(failure.message.startsWith(`key "a" cannot be read (${errno})`), failure.message);
      assert.doesNotMatch(failure.message, /canary/);
    });
  test("anything else keeps nothing of its text", () => {
    const failure = diskFailure('key "a"', new Error("canary"));
    assert.deepEqual([failure.code, failure.message], ["store_error", 'key "a" cannot be read (unexpected error)']);
  });
  test("a Failure passes as it is", () => {
    const failure = new Failure("not_allowed", "so it is");
    assert.equal(diskFailure("x", failure), failure);
  });
});
