/** Logins: when, how many, and what a refusal means. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import { createLoginOutcomes } from "../../plugin/read/login-outcomes.ts";
import { FakeClock } from "../fakes/clock.ts";
import { storeManifest } from "./fake-cluster.ts";
import { answerOf } from "./fake-server.ts";
import { failureOf, pod, readBench, requestFor, simpleBench } from "./read-bench.ts";
import type { Bench } from "./read-bench.ts";

function tokenBench(): Bench {
  const bench = readBench();
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "token" }));
  return bench;
}

const denied = (): never => {
  throw new Failure("store_denied", "no");
};
const loginDenied = (): never => {
  throw new Failure("store_login_denied", "refused role");
};

const renewals = [
  { name: "a session is used for 80 % of its life", atMs: 79_999, logins: 1 },
  { name: "after 80 % of its life the next use logs in first", atMs: 80_000, logins: 2 },
] as const;

for (const { name, atMs, logins } of renewals)
  test(name, async () => {
    const bench = simpleBench();
    bench.server.onLogin = () => bench.clock.nowMs() + 100_000;
    await bench.read(requestFor("a"));
    await bench.clock.advance(atMs);
    await bench.read(requestFor("a"));
    assert.equal(bench.server.logins.length, logins);
    assert.equal(bench.server.requests.at(-1)!.login, logins);
  });

const minuteMs = 60_000;

/** Sessions of 100 s that can be renewed; the renewal gives `renewedMs`, or is refused. */
function renewBench(renewedMs: number | "store_denied" | "store_error"): Bench {
  const bench = readBench();
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "none", renew: true }));
  bench.server.onLogin = () => bench.clock.nowMs() + 100_000;
  bench.server.onRenew = () => {
    if (typeof renewedMs === "string") throw new Failure(renewedMs, "not renewed");
    return bench.clock.nowMs() + renewedMs;
  };
  return bench;
}

const lives = [
  { name: "is renewed, and is the same session then", renewedMs: 100_000, logins: 1 },
  { name: "that is given half of its first life is still renewed", renewedMs: 50_000, logins: 1 },
  { name: "near the end of all its lives is replaced by a login", renewedMs: 49_999, logins: 2 },
  { name: "that may not be renewed is replaced by a login", renewedMs: "store_denied", logins: 2 },
  { name: "whose renewal does not work is replaced by a login", renewedMs: "store_error", logins: 2 },
] as const;

for (const { name, renewedMs, logins } of lives)
  test(`a session ${name}`, async () => {
    const bench = renewBench(renewedMs);
    await bench.read(requestFor("a"));
    await bench.clock.advance(79_999);
    await bench.read(requestFor("a"));
    assert.equal(bench.server.renewals.length, 0, "not before 80 % of its life");
    await bench.clock.advance(1);
    await bench.read(requestFor("a"));
    assert.deepEqual([bench.server.renewals, bench.server.logins.length], [[1], logins]);
    assert.equal(bench.server.requests.at(-1)!.login, logins);
  });

test("a session lives on from renewal to renewal, and is not renewed for nobody", async () => {
  const bench = renewBench(100_000);
  for (let i = 0; i < 5; i++) {
    await bench.read(requestFor("a"));
    await bench.clock.advance(80_000);
  }
  assert.deepEqual([bench.server.renewals.length, bench.server.logins.length], [4, 1]);
  await bench.clock.advance(60 * minuteMs);
  assert.equal(bench.server.renewals.length, 4);
  await bench.read(requestFor("a"));
  assert.deepEqual([bench.server.renewals.length, bench.server.logins.length], [4, 2], "an ended one is not renewed");
});

test("a session that is refused is not renewed, but replaced", async () => {
  const bench = renewBench(100_000);
  await bench.read(requestFor("a"));
  await bench.clock.advance(90_000);
  bench.server.onRead = ({ login }) => (login === 1 ? denied() : answerOf("v"));
  await bench.read(requestFor("a"));
  assert.deepEqual([bench.server.renewals, bench.server.logins.length], [[1], 2]);
});

test("concurrent readers of a session near its end renew it once", async () => {
  const bench = renewBench(100_000);
  await bench.read(requestFor("a"));
  await bench.clock.advance(80_000);
  bench.server.latencyMs = 10;
  const readings = ["a", "b", "c"].map((key) => bench.read(requestFor(key)));
  await bench.clock.advance(100);
  await Promise.all(readings);
  assert.equal(bench.server.renewals.length, 1);
});

test("a session without an end is kept until it is refused", async () => {
  const bench = simpleBench();
  await bench.read(requestFor("a"));
  await bench.clock.advance(86_400_000);
  await bench.read(requestFor("a"));
  assert.equal(bench.server.logins.length, 1);
});

test("while the login is out of order the old session serves to its end", async () => {
  const bench = simpleBench();
  bench.server.onLogin = () => bench.clock.nowMs() + 100_000;
  await bench.read(requestFor("a"));
  bench.server.onLogin = () => {
    throw new Failure("store_error", "login is broken");
  };
  await bench.clock.advance(90_000);
  await bench.read(requestFor("a"));
  assert.deepEqual([bench.server.logins.length, bench.server.requests.at(-1)!.login], [2, 1]);
  await bench.clock.advance(10_000);
  assert.equal((await failureOf(bench.read(requestFor("a")), bench.clock, 20_000)).code, "store_error");
});

test("concurrent first reads of one identity log in once", async () => {
  const bench = tokenBench();
  bench.server.latencyMs = 100;
  const readings = ["a", "b", "c"].map((key) => bench.read(requestFor(key), { caller: pod() }));
  await bench.clock.advance(200);
  await Promise.all(readings);
  assert.deepEqual([bench.server.logins.length, bench.server.requests.length], [1, 3]);
});

test("the first of those who wait for a login leaves: it goes on for the others", async () => {
  const bench = tokenBench();
  bench.server.latencyMs = 100;
  const leaving = new AbortController();
  const first = bench.read(requestFor("a"), { caller: pod() }, leaving.signal);
  const second = bench.read(requestFor("b"), { caller: pod() });
  await bench.clock.advance(50);
  leaving.abort(new Error("gone"));
  await assert.rejects(first, /gone/);
  await bench.clock.advance(150);
  await second;
  assert.equal(bench.server.logins.length, 1);
});

test("a session revoked under many readers is replaced once, and every one of them is served", async () => {
  const bench = tokenBench();
  await bench.read(requestFor("warm"), { caller: pod() });
  bench.server.latencyMs = 10;
  bench.server.onRead = ({ login }) => (login === 1 ? denied() : answerOf("v"));
  const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
  const readings = keys.map((key) => bench.read(requestFor(key), { caller: pod() }));
  await bench.clock.advance(5_000);
  await Promise.all(readings);
  assert.equal(bench.server.logins.length, 2);
});

test("a refusal that comes late, of a session replaced by now, costs no other login", async () => {
  const bench = tokenBench();
  await bench.read(requestFor("warm"), { caller: pod() });
  bench.server.onRead = ({ login }) => (login === 1 ? denied() : answerOf("v"));
  bench.server.latencyMs = 1_000;
  const late = bench.read(requestFor("a"), { caller: pod() });
  await bench.clock.advance(10);
  bench.server.latencyMs = 10;
  const early = bench.read(requestFor("b"), { caller: pod() });
  await bench.clock.advance(2_000);
  await Promise.all([late, early]);
  assert.equal(bench.server.logins.length, 2);
});

test("a second refusal is the store's word: one login for all, then store_denied", async () => {
  const bench = tokenBench();
  await bench.read(requestFor("warm"), { caller: pod() });
  bench.server.latencyMs = 10;
  bench.server.onRead = denied;
  const readings = ["a", "b", "c"].map((key) => failureOf(bench.read(requestFor(key), { caller: pod() })));
  await bench.clock.advance(1_000);
  assert.deepEqual(
    (await Promise.all(readings)).map(({ code }) => code),
    ["store_denied", "store_denied", "store_denied"],
  );
  assert.equal(bench.server.logins.length, 2);
});

test("a refusal right after the login is the store's word at once", async () => {
  const bench = tokenBench();
  bench.server.onRead = denied;
  assert.equal((await failureOf(bench.read(requestFor("a"), { caller: pod() }))).code, "store_denied");
  assert.deepEqual([bench.server.logins.length, bench.server.requests.length], [1, 1]);
});

test("one identity's refusal leaves the others' sessions alone", async () => {
  const bench = tokenBench();
  const one = { caller: pod("shop", "one") };
  const two = { caller: pod("shop", "two") };
  await bench.read(requestFor("a"), one);
  await bench.read(requestFor("a"), two);
  bench.server.onRead = ({ shown }) => (shown.includes("one") ? denied() : answerOf("v"));
  await failureOf(bench.read(requestFor("b"), one));
  await bench.read(requestFor("b"), two);
  assert.equal(bench.server.logins.filter(({ shown }) => shown.includes("two")).length, 1);
});

test("the session memory is bounded", async () => {
  const bench = readBench({ limits: { sessions: 2 } });
  bench.cluster.putStore(storeManifest("main", { server: "x", auth: "token" }));
  for (const [i, account] of ["one", "two", "three", "one"].entries())
    await bench.read(requestFor(`k${i}`), { caller: pod("shop", account) });
  assert.equal(bench.server.logins.length, 4);
});

const verdicts: readonly {
  name: string;
  /** Successes of the other and refusals of this identity, in milliseconds. */
  steps: readonly (readonly [atMs: number, who: "mine" | "other", outcome: "succeeds" | "refused"])[];
  verdict: boolean;
}[] = [
  { name: "nobody else logs in", steps: [[0, "mine", "refused"]], verdict: false },
  {
    name: "another logs in after the refusal, seen at the next refusal",
    steps: [
      [0, "mine", "refused"],
      [5_000, "other", "succeeds"],
      [10_000, "mine", "refused"],
    ],
    verdict: true,
  },
  {
    name: "another logged in within the minute before",
    steps: [
      [0, "other", "succeeds"],
      [60_000, "mine", "refused"],
    ],
    verdict: true,
  },
  {
    name: "another logged in earlier than that",
    steps: [
      [0, "other", "succeeds"],
      [60_001, "mine", "refused"],
    ],
    verdict: false,
  },
  {
    name: "the row of refusals starts with its first",
    steps: [
      [0, "mine", "refused"],
      [5_000, "other", "succeeds"],
      [200_000, "mine", "refused"],
    ],
    verdict: true,
  },
  {
    name: "one's own success is no witness",
    steps: [
      [0, "mine", "succeeds"],
      [1_000, "mine", "refused"],
    ],
    verdict: false,
  },
  {
    name: "one's own success ends the row",
    steps: [
      [0, "mine", "refused"],
      [1_000, "other", "succeeds"],
      [2_000, "mine", "succeeds"],
      [90_000, "mine", "refused"],
    ],
    verdict: false,
  },
  {
    name: "the other's success counts although one's own is later",
    steps: [
      [0, "other", "succeeds"],
      [1_000, "mine", "succeeds"],
      [2_000, "mine", "refused"],
    ],
    verdict: true,
  },
];

for (const { name, steps, verdict } of verdicts)
  test(`a refused login is ${verdict ? "a verdict" : "an outage"}: ${name}`, async () => {
    const clock = new FakeClock();
    const outcomes = createLoginOutcomes(clock);
    let last = false;
    for (const [atMs, who, outcome] of steps) {
      await clock.advance(atMs - clock.monotonicMs());
      if (outcome === "succeeds") outcomes.succeeded("realm", who);
      else last = outcomes.refused("realm", who);
    }
    assert.equal(last, verdict);
  });

test("outcomes at another realm say nothing", () => {
  const outcomes = createLoginOutcomes(new FakeClock());
  outcomes.succeeded("elsewhere", "other");
  assert.equal(outcomes.refused("realm", "mine"), false);
});

test("a login refused to one while others log in is store_denied, and counted", async () => {
  const bench = tokenBench();
  await bench.read(requestFor("a"), { caller: pod("shop", "other") });
  bench.server.onLogin = loginDenied;
  const failure = await failureOf(bench.read(requestFor("a"), { caller: pod("shop", "mine") }));
  assert.equal(failure.code, "store_denied");
  assert.match(failure.message, /refused role; others can log in there/);
  assert.deepEqual(bench.counted.authFailures, ["main"]);
});

test("a login refused to everybody is an outage, and not tried again within a read", async () => {
  const bench = tokenBench();
  bench.server.onLogin = loginDenied;
  const failure = await failureOf(bench.read(requestFor("a"), { caller: pod() }));
  assert.equal(failure.code, "store_login_denied");
  assert.equal(bench.server.logins.length, 1);
});

test("a verdict on an identity removes what it had read, and no one else's", async () => {
  const bench = tokenBench();
  const terms = (account: string) => ({ caller: pod("shop", account), acceptBegunFromMs: 0, maxStaleMs: 3_600_000 });
  bench.server.onLogin = () => bench.clock.nowMs() + 100_000;
  await bench.read(requestFor("a"), terms("mine"));
  await bench.read(requestFor("a"), terms("other"));
  await bench.clock.advance(100_000);
  await bench.read(requestFor("b"), terms("other"));
  bench.server.onLogin = (shown) => (shown.includes("mine") ? loginDenied() : bench.clock.nowMs() + 100_000);
  assert.equal((await failureOf(bench.read(requestFor("b"), terms("mine")))).code, "store_denied");
  assert.equal((await failureOf(bench.read(requestFor("a"), terms("mine")))).code, "store_denied");
  assert.equal((await bench.read(requestFor("a"), terms("other"))).sources[0]!.cache, "hit");
});

test("what an identity was reading when its verdict came is not kept, and nothing of it stands in later", async () => {
  const bench = tokenBench();
  const terms = { caller: pod("shop", "mine"), acceptBegunFromMs: 0, maxStaleMs: 3_600_000 };
  bench.server.onLogin = () => bench.clock.nowMs() + 100_000;
  await bench.read(requestFor("before"), terms);
  await bench.clock.advance(79_000);
  bench.server.latencyMs = 3_000;
  const slow = bench.read(requestFor("during"), terms);
  await bench.clock.advance(1_000);
  bench.server.latencyMs = 0;
  await bench.read(requestFor("a"), { caller: pod("shop", "other") });
  bench.server.onLogin = loginDenied;
  assert.equal((await failureOf(bench.read(requestFor("a"), terms))).code, "store_denied");
  await bench.clock.advance(2_000);
  assert.equal((await slow).sources.length, 1);

  bench.server.onLogin = () => {
    throw new Failure("store_sealed", "sealed");
  };
  for (const key of ["before", "during"])
    assert.equal((await failureOf(bench.read(requestFor(key), terms), bench.clock, 20_000)).code, "store_sealed");
});
