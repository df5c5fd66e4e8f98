/** A Node that is too old for keyferry says so instead of failing on a file it cannot read. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

test("an old Node is refused in one line that names the way out", () => {
  const pretend = 'Object.defineProperty(process, "version", { value: "v20.20.2" });';
  const preload = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...preload, "plugin/keyferry.mjs", "standalone"], {
    encoding: "utf8",
  });
  assert.deepEqual([status, stdout], [2, ""]);
  assert.equal(stderr, "keyferry: Node v20.20.2 is too old: start it with Node 24 or later\n");
});
