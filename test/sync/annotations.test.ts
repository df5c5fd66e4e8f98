import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOptions } from "../../plugin/sync/annotations.ts";
import { externalSecret, hourMs } from "./house.ts";

const nowMs = Date.UTC(2026, 0, 1);

const good: readonly { name: string; value: string; options: object }[] = [
  { name: "adopt", value: "Merge", options: { adopt: "Merge" } },
  { name: "adopt", value: "Refuse", options: { adopt: "Refuse" } },
  { name: "repair", value: "true", options: { repair: true } },
  { name: "repair", value: "false", options: {} },
  { name: "allow-mass-delete", value: "true", options: { allowMassDelete: true } },
  { name: "max-stale", value: "90m", options: { maxStaleMs: 1.5 * hourMs } },
  { name: "max-stale", value: "0", options: { maxStaleMs: 0 } },
  { name: "pause-until", value: "2026-01-01T02:00:00+01:00", options: { pausedUntilMs: nowMs + hourMs } },
  { name: "pause-until", value: "2026-01-02T00:00:00Z", options: { pausedUntilMs: nowMs + 24 * hourMs } },
  { name: "pause-until", value: "2025-12-31T23:59:59Z", options: {} },
  { name: "force-sync", value: "anything at all", options: {} },
  { name: "optional-keys", value: "PASSWORD", options: {} },
];
for (const { name, value, options } of good)
  test(`${name}: ${value} is understood`, () => {
    const parsed = parse(name, value);
    const defaults = { adopt: "Replace", repair: false, allowMassDelete: false };
    assert.deepEqual(parsed, { ok: true, value: { ...defaults, ...options } });
  });

const bad: readonly { name: string; value: string; says: RegExp }[] = [
  { name: "adopt", value: "replace", says: /must be Replace, Merge or Refuse/ },
  { name: "repair", value: "yes", says: /must be "true" or "false"/ },
  { name: "allow-mass-delete", value: "", says: /must be "true" or "false"/ },
  { name: "max-stale", value: "a day", says: /duration such as 24h/ },
  { name: "max-stale", value: "-1h", says: /duration such as 24h/ },
  { name: "pause-until", value: "tomorrow", says: /a time such as/ },
  { name: "pause-until", value: "2026-01-01", says: /a time such as/ },
  { name: "pause-until", value: "2026-02-31T00:00:00Z", says: /at most 24 hours|a time such as/ },
  { name: "pause-until", value: "2026-01-02T00:00:01Z", says: /at most 24 hours ahead/ },
  { name: "keep-previous", value: "true", says: /not supported yet; remove it/ },
  { name: "dry-run", value: "true", says: /not supported yet; remove it/ },
  { name: "immediate", value: "true", says: /not supported yet; remove it/ },
  { name: "pause-untill", value: "x", says: /unknown annotation; did you mean keyferry.dev\/pause-until\?/ },
  { name: "optional-keys", value: "PASSWROD", says: /PASSWROD is no secretKey.*did you mean PASSWORD\?/ },
];
for (const { name, value, says } of bad)
  test(`${name}: ${value || "nothing"} is a problem that names the annotation`, () => {
    const parsed = parse(name, value);
    assert.equal(parsed.ok, false);
    assert.match(parsed.problems[0].problem, says);
    assert.equal(parsed.problems[0].path, `metadata.annotations[keyferry.dev/${name}]`);
  });

test("annotations of others are none of our business", () => {
  const parsed = parseOptions(externalSecret({ meta: { annotations: { "example.com/adopt": "x" } } }), nowMs);
  assert.equal(parsed.ok, true);
});

function parse(name: string, value: string): ReturnType<typeof parseOptions> {
  return parseOptions(externalSecret({ meta: { annotations: { [`keyferry.dev/${name}`]: value } } }), nowMs);
}
