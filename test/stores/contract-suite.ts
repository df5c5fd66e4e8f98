/**
 * What every kind of store must do, whatever it speaks: the mapping from a store's misbehaviour to a failure code, the
 * bounds on what it may cost, and that no failure says anything that the store or the caller did.
 *
 * A kind that speaks HTTP runs `runContractSuite`, a kind without a server `runLocalContractSuite`.
 */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { after, before, suite, test } from "node:test";
import { withDeadline } from "../../plugin/core/deadline.ts";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import type { Proof, Ref, Session, Store, StoreAnswer, StoreDeps } from "../../plugin/stores/contract.ts";
import { createHttpClients } from "../../plugin/wire/http.ts";
import type { HttpClients } from "../../plugin/wire/http.ts";
import { FakeClock } from "../fakes/clock.ts";
import { canned, silence, startHostileServer } from "../fakes/hostile-server.ts";
import type { CannedAnswer, HostileServer, ReceivedRequest, Reply } from "../fakes/hostile-server.ts";
import { httpRows } from "./contract-rows.ts";
import type { ContractRow, Phase, RowName } from "./contract-rows.ts";
import { facts } from "./facts.ts";

/** Planted wherever something secret or foreign could leak from; searched for in every failure. */
export const canaries = {
  proof: "canary-proof-5b1e",
  token: "canary-token-9c40",
  value: "canary-value-71aa",
  /** Error bodies, headers and Locations of the store. */
  upstream: "canary-upstream-e2d7",
} as const;

interface Expectations {
  readonly ref: Ref;
  /** Holds `canaries.proof`. */
  readonly proof: Proof;
  /** The text of a good answer; holds `canaries.value`. */
  readonly value: string;
  readonly version: string;
}

export interface HttpContractHarness extends Expectations {
  /** A store of this kind whose server is at `baseUrl`. */
  open(baseUrl: string, deps: StoreDeps): Store;
  /** Absent for a kind whose login sends nothing. The good answer grants `canaries.token`. */
  readonly login?: { readonly good: CannedAnswer; readonly isLogin: (request: ReceivedRequest) => boolean };
  /** How the server answers a read of `ref` well. */
  readonly good: CannedAnswer;
  /** How it answers a read of `ref` at a version, where the kind has versions. */
  readonly pinned?: {
    readonly version: string;
    /** How the request and the answer spell it, where that is another way. */
    readonly asked?: string;
    readonly answered?: string;
    readonly good: CannedAnswer;
    readonly gone: CannedAnswer;
  };
  /** Exactly the shapes that mean "there is no such secret". */
  readonly notFound: Readonly<Record<string, CannedAnswer>>;
  /** Shapes of "not found" that mean something else: a wrong engine, a proxy. */
  readonly notReallyMissing: Readonly<Record<string, readonly [CannedAnswer, FailureCode]>>;
  /** Where this kind rightly differs from the common code of a row. */
  readonly differs?: Partial<Record<RowName, Partial<Record<Phase, FailureCode>>>>;
}

export interface LocalContractHarness extends Expectations {
  open(deps: StoreDeps): Promise<Store> | Store;
  readonly missing: Ref;
}

export function runContractSuite(name: string, harness: HttpContractHarness): void {
  suite(`${name} keeps the store contract over HTTP`, { timeout: 60_000 }, () => {
    const bench = createBench(harness);
    before(bench.start);
    after(bench.stop);
    readsWell(bench, harness);
    for (const [shape, reply] of Object.entries(harness.notFound))
      test(`a 404 ${shape} is ref_not_found`, async () => {
        await fails(bench.read(canned(reply)), "ref_not_found");
      });
    for (const [shape, [reply, code]] of Object.entries(harness.notReallyMissing))
      test(`a 404 ${shape} is ${code}, not a missing secret`, async () => {
        await fails(bench.read(canned(reply)), code);
      });
    for (const row of httpRows) {
      test(`read: ${row.name} is ${codeOf(row, "read", harness)}`, hangs, () => drive(bench, row, "read", harness));
      if (harness.login)
        test(`login: ${row.name} is ${codeOf(row, "login", harness)}`, hangs, () =>
          drive(bench, row, "login", harness),
        );
    }
    endsWithTheSignal(bench, harness);
    test("a closed port is store_unreachable", async () => {
      const store = bench.openAt(await unusedUrl());
      const attempt = harness.login
        ? store.login(harness.proof, new AbortController().signal, facts)
        : readFrom(store, harness);
      await fails(attempt, "store_unreachable");
    });
  });
}

export function runLocalContractSuite(name: string, harness: LocalContractHarness): void {
  suite(`${name} keeps the store contract`, { timeout: 30_000 }, () => {
    const never = new AbortController().signal;
    const open = async () => {
      const clients = createHttpClients({ allowLoopback: false, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
      return harness.open(depsWith(clients, new FakeClock()));
    };
    test("a read brings the whole value and the store's version", async () => {
      const answer = await readFrom(await open(), harness);
      assert.equal(answer.value.reveal().toString("utf8"), harness.value);
      assert.equal(answer.version, harness.version);
      assertSilent(answer);
    });
    test("locate is pure: the same ref has the same address", async () => {
      const store = await open();
      assert.deepEqual(store.locate(harness.ref), store.locate({ ...harness.ref }));
    });
    test("a secret that is not there is ref_not_found", async () => {
      const store = await open();
      const session = await store.login(harness.proof, never, facts);
      await fails((async () => store.fetch(store.locate(harness.missing), session, never))(), "ref_not_found");
    });
    test("an ended wait ends the read with the signal's own reason", async () => {
      const store = await open();
      const session = await store.login(harness.proof, never, facts);
      const reason = new Failure("store_timeout", "the test waits no longer");
      const read = (async () => store.fetch(store.locate(harness.ref), session, AbortSignal.abort(reason)))();
      await assert.rejects(read, reason);
    });
  });
}

/** Below the timeouts of the HTTP client: a connection that only those end was not ended by us. */
const hangs = { timeout: 10_000 };

/** One hostile server and one bystander that must never be asked anything. */
function createBench(harness: HttpContractHarness) {
  const clock = new FakeClock();
  let clients: HttpClients;
  let server: HostileServer;
  let bystander: HostileServer;
  const openAt = (url: string): Store => harness.open(url, depsWith(clients, clock));
  const loginReply = (request: ReceivedRequest): Reply | undefined =>
    harness.login?.isLogin(request) ? canned(harness.login.good) : undefined;
  return {
    clock,
    openAt,
    get server() {
      return server;
    },
    get bystander() {
      return bystander;
    },
    start: async () => {
      clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
      server = await startHostileServer();
      bystander = await startHostileServer(() => canned({ status: 200, body: "{}" }));
    },
    stop: async () => {
      await clients.close();
      await Promise.all([server.close(), bystander.close()]);
    },
    /** Logs in well and reads while the server answers reads with `reply`. */
    async read(reply: Reply, ref: Ref = harness.ref, signal = new AbortController().signal) {
      server.answer((request) => loginReply(request) ?? reply);
      const store = openAt(server.url);
      const session = await store.login(harness.proof, signal, facts);
      assertSilent(session);
      return readOne(store, ref, session, signal);
    },
    async login(reply: Reply, signal = new AbortController().signal) {
      server.answer(() => reply);
      return openAt(server.url).login(harness.proof, signal, facts);
    },
  };
}

type Bench = ReturnType<typeof createBench>;

function readsWell(bench: Bench, harness: HttpContractHarness): void {
  const { pinned, ref } = harness;
  test("a good answer brings the whole value and the store's version", async () => {
    const answer = await bench.read(canned(harness.good));
    assert.equal(answer.value.reveal().toString("utf8"), harness.value);
    assert.equal(answer.version, harness.version);
    assertSilent(answer);
  });
  test("a well-behaved server keeps its connection", async () => {
    await bench.read(canned(harness.good));
    const before = bench.server.connections;
    await bench.read(canned(harness.good));
    assert.equal(bench.server.connections, before);
  });
  if (!pinned) return;
  test("a version is passed through and answered with itself", async () => {
    const answer = await bench.read(canned(pinned.good), { ...ref, version: pinned.version });
    assert.equal(answer.version, pinned.answered ?? pinned.version);
    const { path, body } = bench.server.requests.at(-1)!;
    assert.ok(`${path} ${body}`.includes(pinned.asked ?? pinned.version), "the version is in the request");
  });
  test("a version that is gone is version_not_found", async () => {
    await fails(bench.read(canned(pinned.gone), { ...ref, version: pinned.version }), "version_not_found");
  });
}

async function drive(bench: Bench, row: ContractRow, phase: Phase, harness: HttpContractHarness): Promise<void> {
  const sentBefore = bench.server.sentBytes;
  const askedBefore = bench.server.requests.length;
  const reply = row.reply({ upstream: canaries.upstream, bystander: bench.bystander.url });
  const failure = await fails(phase === "read" ? bench.read(reply) : bench.login(reply), codeOf(row, phase, harness));
  if (row.retryAfterMs !== undefined) assert.equal(failure.retryAfterMs, row.retryAfterMs);
  if (row.dropsConnection) await bench.server.requests.at(-1)!.disconnected;
  if (row.sendsAtMostBytes !== undefined) assert.ok(bench.server.sentBytes - sentBefore < row.sendsAtMostBytes);
  assert.equal(bench.bystander.requests.length, 0, "no other host is asked");
  const logins = phase === "read" && harness.login ? 1 : 0;
  assert.equal(bench.server.requests.length - askedBefore, 1 + logins, "nothing is repeated");
}

function endsWithTheSignal(bench: Bench, harness: HttpContractHarness): void {
  const stuck: Readonly<Record<string, Reply>> = {
    "a server that says nothing": silence(),
    "a server that stops in the middle of a body": (socket) =>
      void socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"data":'),
  };
  const phases: readonly Phase[] = harness.login ? ["login", "read"] : ["read"];
  for (const phase of phases)
    for (const [what, reply] of Object.entries(stuck))
      test(`${phase}: ${what} costs its socket when the deadline ends the wait`, async () => {
        const asked = bench.server.requests.length + (phase === "read" && harness.login ? 2 : 1);
        const attempt = withDeadline(new AbortController().signal, 5_000, bench.clock, "the store", (signal) =>
          phase === "read" ? bench.read(reply, harness.ref, signal) : bench.login(reply, signal),
        );
        const failed = fails(attempt, "store_timeout");
        await bench.server.requested(asked);
        await bench.clock.advance(5_000);
        const failure = await failed;
        assert.match(failure.message, /^the store: no answer within 5000 ms$/, "the signal's own reason");
        await bench.server.requests.at(-1)!.disconnected;
        assert.equal(bench.clock.pending, 0);
      });
}

function codeOf(row: ContractRow, phase: Phase, harness: HttpContractHarness): FailureCode {
  return harness.differs?.[row.name as RowName]?.[phase] ?? row.code[phase];
}

async function readFrom(store: Store, { ref, proof }: Expectations) {
  const { signal } = new AbortController();
  return readOne(store, ref, await store.login(proof, signal, facts), signal);
}

/** As the read path does: what a larger answer alone holds is fetched with it and taken out. */
async function readOne(store: Store, ref: Ref, session: Session, signal: AbortSignal): Promise<StoreAnswer> {
  const located = store.locate(ref);
  const answer = await store.fetch(located.whole ?? located, session, signal);
  return located.whole ? store.part!(located, answer) : answer;
}

async function fails(attempt: Promise<unknown>, code: FailureCode): Promise<Failure> {
  const thrown = await attempt.then(
    () => assert.fail(`resolved instead of failing with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof Failure, inspect(thrown));
  assert.equal(thrown.code, code, thrown.message);
  assertSilent(thrown);
  return thrown;
}

/** No canary in any way to print `subject`, plain or encoded. */
function assertSilent(subject: unknown): void {
  const failure = subject instanceof Error ? [subject.message, subject.stack ?? ""] : [];
  const printed = [...failure, inspect(subject, { depth: 12, showHidden: true }), JSON.stringify(subject) ?? ""].join(
    "\n",
  );
  for (const [where, canary] of Object.entries(canaries)) {
    const bytes = Buffer.from(canary);
    const forms = [canary, bytes.toString("base64").slice(0, -4), bytes.toString("hex"), [...bytes].join(", ")];
    for (const form of forms) assert.ok(!printed.includes(form), `the ${where} canary is printed`);
  }
}

async function unusedUrl(): Promise<string> {
  const server = await startHostileServer();
  await server.close();
  return server.url;
}

function depsWith(clients: HttpClients, clock: FakeClock): StoreDeps {
  return {
    clock,
    http: (tls) => clients.send(tls),
    watchPath: () => () => undefined,
    fileStore: { base: "/" },
    plainHttp: true,
    countCall: () => undefined,
  };
}
