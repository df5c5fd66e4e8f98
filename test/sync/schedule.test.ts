import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure, type FailureCode } from "../../plugin/core/failure.ts";
import type { RemoteFind } from "../../plugin/manifests/objects.ts";
import { backoffMs, repairWaitMs } from "../../plugin/sync/retry.ts";
import {
  acceptBegunFromMs,
  afterFailure,
  afterRestart,
  afterSuccess,
  fetchStamp,
  untilPhaseMs,
} from "../../plugin/sync/schedule.ts";
import { externalSecret, hourMs, type Wish } from "./house.ts";

const wallMs = Date.UTC(2026, 0, 1, 0, 10);
const now = { wallMs, monotonicMs: 5_000 };
const hourly = externalSecret();
const phaseMs = now.monotonicMs + untilPhaseMs(hourly, wallMs);

test("the same key is due at the same absolute instants, whoever reads it and whenever one asks", () => {
  const other = externalSecret({ name: "other", data: { USER: "db#user" } });
  assert.equal(untilPhaseMs(other, wallMs), untilPhaseMs(hourly, wallMs));
  const instant = wallMs + untilPhaseMs(hourly, wallMs);
  for (const laterMs of [1, 1_000, hourMs - 1])
    assert.equal((wallMs + laterMs + untilPhaseMs(hourly, wallMs + laterMs) - instant) % hourMs, 0);
});

const spreading: readonly { name: string; wish: Wish }[] = [
  { name: "another key", wish: { data: { PASSWORD: "other" } } },
  { name: "another store", wish: { store: { kind: "SecretStore", name: "other" } } },
  { name: "a cluster store of the same name", wish: { store: { kind: "ClusterSecretStore", name: "vault" } } },
  { name: "another namespace", wish: { meta: { namespace: "bank" } } },
];
for (const { name, wish } of spreading)
  test(`${name} is due at another instant`, () =>
    assert.notEqual(untilPhaseMs(externalSecret(wish), wallMs), untilPhaseMs(hourly, wallMs)));

test("the same find is due at the same instants, whatever its values become; another one at others", () => {
  const dueMs = (find: Partial<RemoteFind>): number => {
    const plain = { conversionStrategy: "Default", decodingStrategy: "None", nullBytePolicy: "Ignore" } as const;
    const { meta, spec } = hourly;
    const { storeRef } = spec.data[0]!;
    return untilPhaseMs({ meta, spec: { ...spec, dataFrom: [{ find: { ...plain, ...find }, storeRef }] } }, wallMs);
  };
  assert.equal(dueMs({ regexp: "a", decodingStrategy: "Base64" }), dueMs({ regexp: "a" }));
  const finds = [{}, { path: "a" }, { regexp: "a" }, { regexp: "b" }, { tags: { a: "b" } }];
  assert.equal(new Set(finds.map(dueMs)).size, finds.length);
});

test("a cluster store's key is shared by all namespaces", () => {
  const store = { kind: "ClusterSecretStore", name: "vault" } as const;
  const [a, b] = ["shop", "bank"].map((namespace) => externalSecret({ store, meta: { namespace } }));
  assert.equal(untilPhaseMs(a!, wallMs), untilPhaseMs(b!, wallMs));
});

test("1,000 keys are spread over the interval: no tenth of it holds more than twice its share", () => {
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < 1_000; i++) {
    const dueMs = untilPhaseMs(externalSecret({ data: { K: `key-${i}` } }), wallMs);
    tenths[Math.min(9, Math.floor((dueMs / hourMs) * 10))]!++;
  }
  assert.ok(Math.max(...tenths) < 200, tenths.join(" "));
});

test("the wait is above zero and at most the interval, also before 1970", () => {
  for (const atMs of [wallMs, wallMs + untilPhaseMs(hourly, wallMs), 0, -5 * hourMs - 1]) {
    const waitMs = untilPhaseMs(hourly, atMs);
    assert.ok(waitMs > 0 && waitMs <= hourMs, String(waitMs));
  }
});

test("an interval below a second counts as a second", () => {
  const hasty = externalSecret({ spec: { refreshIntervalMs: 0.001 } });
  assert.ok(afterSuccess(hasty, now, { onPhase: true, oldestBegunMs: now.monotonicMs }).atMs >= now.monotonicMs + 100);
});

const successes: readonly {
  name: string;
  wish?: Wish;
  onPhase?: boolean;
  begunMs: number;
  want: { atMs: number; onPhase: boolean };
}[] = [
  { name: "a fresh read leads to the phase", begunMs: 5_000, want: { atMs: phaseMs, onPhase: true } },
  {
    name: "an older answer is replaced an interval after its own fetch when that is earlier",
    begunMs: phaseMs - hourMs - 60_000,
    want: { atMs: phaseMs - 60_000, onPhase: false },
  },
  {
    name: "interval 0 is not read again",
    wish: { spec: { refreshIntervalMs: 0 } },
    begunMs: 0,
    want: { atMs: Infinity, onPhase: false },
  },
  {
    name: "OnChange is not read again",
    wish: { spec: { refreshPolicy: "OnChange" } },
    begunMs: 0,
    want: { atMs: Infinity, onPhase: false },
  },
  {
    name: "CreatedOnce is not read again",
    wish: { spec: { refreshPolicy: "CreatedOnce" } },
    begunMs: 0,
    want: { atMs: Infinity, onPhase: false },
  },
];
for (const { name, wish, onPhase = false, begunMs, want } of successes)
  test(name, () =>
    assert.deepEqual(afterSuccess(externalSecret(wish), now, { onPhase, oldestBegunMs: begunMs }), want),
  );

test("a timer that fires a moment early does not make its instant come twice", () => {
  const early = { wallMs: wallMs + untilPhaseMs(hourly, wallMs) - 3, monotonicMs: 0 };
  const next = afterSuccess(hourly, early, { onPhase: true, oldestBegunMs: 0 });
  assert.ok(next.atMs > 0.9 * hourMs, String(next.atMs));
});

const failures: readonly {
  name: string;
  wish?: Wish;
  code: FailureCode;
  failures?: number;
  retryAfterMs?: number;
  waitMs: number;
}[] = [
  { name: "an outage is tried again after a second", code: "store_unreachable", waitMs: 1_000 },
  { name: "the fourth time in a row after eight", code: "store_unreachable", failures: 4, waitMs: 8_000 },
  {
    name: "never later than after five minutes",
    wish: { spec: { refreshIntervalMs: 0 } },
    code: "store_unreachable",
    failures: 99,
    waitMs: 300_000,
  },
  {
    name: "the store's own wish counts when it is longer",
    code: "store_throttled",
    retryAfterMs: 120_000,
    waitMs: 120_000,
  },
  { name: "and not when it is shorter", code: "store_throttled", failures: 5, retryAfterMs: 2_000, waitMs: 16_000 },
  { name: "a bad answer waits for the next refresh", code: "answer_invalid", waitMs: phaseMs - now.monotonicMs },
  {
    name: "or an hour, where there is none",
    wish: { spec: { refreshIntervalMs: 0 } },
    code: "answer_invalid",
    waitMs: hourMs,
  },
  { name: "a bad manifest waits for a change", code: "manifest_invalid", waitMs: Infinity },
  {
    name: "a target that is immutable is looked at again at the next refresh",
    code: "target_immutable",
    waitMs: phaseMs - now.monotonicMs,
  },
];
for (const { name, wish, code, failures: inARow = 1, retryAfterMs, waitMs } of failures)
  test(name, () => {
    const failure = new Failure(code, "x", retryAfterMs === undefined ? {} : { retryAfterMs });
    assert.equal(afterFailure(externalSecret(wish), now, failure, inARow).atMs, now.monotonicMs + waitMs);
  });

test("a refresh that comes before the end of the backoff is not given up", () => {
  const quick = externalSecret({ spec: { refreshIntervalMs: 30_000 } });
  const { atMs } = afterFailure(quick, now, new Failure("store_unreachable", "x"), 20);
  assert.equal(atMs, now.monotonicMs + untilPhaseMs(quick, wallMs));
});

const ages: readonly { name: string; wish?: Wish; first?: boolean; demandedFromMs?: number; want: number }[] = [
  { name: "a periodic refresh accepts answers younger than 90 % of the interval", want: 5_000 - 0.9 * hourMs },
  { name: "a first sync accepts 30 seconds", first: true, want: 5_000 - 30_000 },
  {
    name: "or less, where the interval is shorter",
    wish: { spec: { refreshIntervalMs: 10_000 } },
    first: true,
    want: 5_000 - 9_000,
  },
  { name: "a demand accepts nothing from before it", demandedFromMs: 4_000, want: 4_000 },
  { name: "an old demand does not make old answers young", demandedFromMs: -1e9, want: 5_000 - 0.9 * hourMs },
  {
    name: "a source that is not followed is as good as ever",
    wish: { spec: { refreshIntervalMs: 0 } },
    want: -Infinity,
  },
];
for (const { name, wish, first = false, demandedFromMs, want } of ages)
  test(name, () => assert.equal(acceptBegunFromMs(externalSecret(wish), 5_000, { first, demandedFromMs }), want));

const restarts: readonly { name: string; lastRefreshMs: number; wish?: Wish; atMs: number }[] = [
  { name: "a restart within the interval moves nothing", lastRefreshMs: wallMs - 0.5 * hourMs, atMs: phaseMs },
  { name: "a refresh that was missed meanwhile is made at once", lastRefreshMs: wallMs - hourMs - 1_000, atMs: 5_000 },
  {
    name: "a refresh in the future (the clock was set back) is no reason to read",
    lastRefreshMs: wallMs + 400 * 24 * hourMs,
    atMs: phaseMs,
  },
  {
    name: "interval 0 is not read after a restart",
    lastRefreshMs: 0,
    wish: { spec: { refreshIntervalMs: 0 } },
    atMs: Infinity,
  },
];
for (const { name, lastRefreshMs, wish, atMs } of restarts)
  test(name, () => assert.equal(afterRestart(externalSecret(wish), now, lastRefreshMs, hourMs).atMs, atMs));

test("with short intervals the recorded refresh may lag by a heartbeat without causing a read", () => {
  const quick = externalSecret({ spec: { refreshIntervalMs: 30_000 } });
  const next = afterRestart(quick, now, wallMs - 0.9 * hourMs, hourMs);
  assert.equal(next.atMs, now.monotonicMs + untilPhaseMs(quick, wallMs));
});

test("what demands a fetch: spec, labels, annotations and force-sync, but none of our other annotations", () => {
  const stamp = (meta: Wish["meta"]): string => fetchStamp(externalSecret({ meta: meta ?? {} }).meta);
  assert.equal(stamp({ annotations: { "keyferry.dev/adopt": "Merge" } }), stamp({}));
  assert.notEqual(stamp({ annotations: { "keyferry.dev/force-sync": "1" } }), stamp({}));
  assert.notEqual(stamp({ annotations: { note: "1" } }), stamp({}));
  assert.notEqual(stamp({ labels: { a: "1" } }), stamp({}));
  assert.notEqual(stamp({ generation: 2 }), stamp({}));
});

test("backoff doubles from 1 s to 5 min", () => {
  assert.deepEqual([1, 2, 3, 9, 10, 11, 5_000].map(backoffMs), [1e3, 2e3, 4e3, 256e3, 300e3, 300e3, 300e3]);
});

test("repairs are spaced 0.1, 1, 5, 30 s and never stop", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 1_000].map(repairWaitMs), [0, 100, 1e3, 5e3, 30e3, 30e3, 30e3]);
});
