/** .ci/run with an npm of the test's own: it runs everything, and its exit code and summary tell what happened. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyferry-ci-"));
  await writeFile(join(folder, "npm"), '#!/usr/bin/env bash\neval "$FAKE"\n');
  await chmod(join(folder, "npm"), 0o755);
});
after(() => rm(folder, { recursive: true, force: true }));

/** `fake` sees npm's arguments as $*. */
function ci(fake: string): { status: number | null; stdout: string } {
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}`, FAKE: fake };
  return spawnSync(".ci/run", { env, encoding: "utf8" });
}

test("green tasks that skip nothing are a green run", () => {
  const { status, stdout } = ci('echo "task $*"');
  assert.equal(status, 0);
  for (const task of ["test", "run demo", "run test:peers"]) assert.ok(stdout.includes(`task ${task}\n`));
  assert.match(stdout, /skipped {3}nothing\nfailed {4}nothing\n$/);
});

for (const task of ["test", "run demo", "run test:peers"]) {
  test(`a red npm ${task} is a red run that names it, and the others still run`, () => {
    const { status, stdout } = ci(`echo "task $*"; [ "$*" != "${task}" ]`);
    assert.equal(status, 1);
    assert.equal(stdout.match(/^task /gm)?.length, 3);
    assert.match(stdout, new RegExp(`failed {4}npm ${task}\n$`));
  });
}

test("what was skipped is said", () => {
  const { status, stdout } = ci(
    'case "$*" in test) echo "ℹ skipped 2";; *peers) echo "5 passed, 0 failed, 3 skipped";; esac',
  );
  assert.equal(status, 0);
  assert.match(
    stdout,
    /skipped {3}npm test: ℹ skipped 2\nskipped {3}npm run test:peers: 5 passed, 0 failed, 3 skipped\n/,
  );
});
