/** What a store makes for one reader: its lease, its end, another life, and the session's own. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import type { Session, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { refusal, success } from "../../fakes/vault-answers.ts";
import type { VaultAnswer } from "../../fakes/vault-answers.ts";
import { facts } from "../facts.ts";
import { granted, openStore, ref, startWire, statics } from "./wire.ts";
import type { Wire } from "./wire.ts";

const { signal } = new AbortController();
const auth = { jwt: { secretRef: { name: "s", key: "jwt" } } };
let clients: HttpClients;
let wire: Wire;
let clock: FakeClock;
let calls: string[];

before(
  () =>
    void (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
);
after(() => clients.close());
beforeEach(async () => {
  wire = await startWire();
  clock = new FakeClock();
  calls = [];
});
afterEach(() => wire.close());

const inMs = (seconds: number): number => clock.nowMs() + seconds * 1_000;
const leased = (id: string, seconds: number, renewable = true): VaultAnswer =>
  success({ lease_id: id, lease_duration: seconds, renewable, data: { username: `u-${id}`, password: "p" } });

/** `life`: of the token, seconds; 0 = it does not end. */
async function opened(life: number, block: object = {}, more: object = {}): Promise<[Store, Session]> {
  const store = openStore({ version: "v1", auth, ...block }, { url: wire.url, clients, clock, calls });
  wire.answer = () => granted("t", { lease_duration: life, ...more });
  const session = await store.login(statics({ jwt: "j" }), signal, facts);
  wire.asked.length = 0;
  calls.length = 0;
  return [store, session];
}

suite("leased answers", () => {
  const read = async ([store, session]: [Store, Session], key: string) =>
    store.fetch(store.locate(ref(key)), session, signal);

  test("an answer that carries a lease names it and ends with it", async () => {
    const world = await opened(0);
    wire.answer = () => leased("database/creds/app/1", 60);
    const answer = await read(world, "database/creds/app");
    assert.deepEqual(answer.lease, { id: "database/creds/app/1", renewable: true });
    assert.equal(answer.expiresAtMs, inMs(60));
    assert.equal(world[0].locate(ref("database/creds/app")).method, "READ", "it is nobody else's");
  });
  test("it ends with the token that made it, if that is sooner", async () => {
    const world = await opened(600);
    wire.answer = () => leased("database/creds/app/1", 3_600, false);
    const answer = await read(world, "database/creds/app");
    assert.equal(answer.expiresAtMs, inMs(600));
    assert.equal(answer.lease?.renewable, false);
  });
  test("a lease without an end has that of the token, or none", async () => {
    const endless = await opened(0);
    wire.answer = () => leased("x/creds/y/1", 0);
    assert.equal((await read(endless, "x/creds/y")).expiresAtMs, undefined);
    const ending = await opened(600);
    wire.answer = () => leased("x/creds/y/1", 0);
    assert.equal((await read(ending, "x/creds/y")).expiresAtMs, inMs(600));
  });
  test("an answer without a lease does not end with the token", async () => {
    const world = await opened(600);
    wire.answer = () => success({ data: { a: "1" }, lease_duration: 2_764_800 });
    const answer = await read(world, "secret/x");
    assert.deepEqual([answer.lease, answer.expiresAtMs], [undefined, undefined]);
  });
  test("a credential that would be shared is given back and refused with the way out", async () => {
    const world = await opened(0, { path: "odd" });
    wire.answer = ({ path }) => (path === "odd/app" ? leased("odd/app/1", 60) : success({}, 204));
    await assert.rejects(read(world, "app"), {
      code: "store_invalid",
      message: /"odd\/app" makes a new credential for each read.*remove the store's path and name the mount in the key/,
    });
    assert.deepEqual(wire.lines(), ["GET odd/app", "POST sys/leases/revoke"]);
    assert.equal(wire.asked[1]!.body, '{"lease_id":"odd/app/1"}');
  });
  test("that refusal does not depend on whether it could be given back", async () => {
    const world = await opened(0, { path: "odd" });
    wire.answer = ({ path }) => (path === "odd/app" ? leased("odd/app/1", 60) : refusal(403, "permission denied"));
    await assert.rejects(read(world, "app"), { code: "store_invalid" });
  });
});

suite("leases", () => {
  const lease = { id: "database/creds/app/1", renewable: true };
  test("another life, in the namespace of the store", async () => {
    const [store, session] = await opened(0, { namespace: "team", auth: { ...auth, namespace: "logins" } });
    wire.answer = () => success({ lease_id: lease.id, lease_duration: 90, renewable: true });
    assert.equal(await store.leases!.renew(lease, session, signal), inMs(90));
    assert.deepEqual(wire.lines(), ["POST sys/leases/renew"]);
    assert.equal(wire.asked[0]!.body, `{"lease_id":"${lease.id}"}`);
    assert.equal(wire.asked[0]!.headers["x-vault-namespace"], "team");
    assert.deepEqual(calls, ["RenewLease success"]);
  });
  test("a renewed lease still ends with the token", async () => {
    const [store, session] = await opened(60);
    wire.answer = () => success({ lease_id: lease.id, lease_duration: 900, renewable: true });
    assert.equal(await store.leases!.renew(lease, session, signal), inMs(60));
  });
  for (const status of [200, 204])
    test(`its end, answered with ${status}`, async () => {
      const [store, session] = await opened(0);
      wire.answer = () => success({}, status);
      await store.leases!.revoke(lease, session, signal);
      assert.deepEqual(wire.lines(), ["POST sys/leases/revoke"]);
    });
  const refusals: readonly (readonly [act: "renew" | "revoke", status: number, code: string, words: RegExp])[] = [
    ["renew", 400, "ref_not_found", /cannot renew a lease \(400\): it has ended/],
    ["renew", 403, "store_denied", /update on sys\/leases\/renew/],
    ["revoke", 403, "store_denied", /update on sys\/leases\/revoke/],
    ["renew", 500, "store_error", /failed to renew a lease/],
    ["revoke", 429, "store_throttled", /throttling/],
  ];
  for (const [act, status, code, words] of refusals)
    test(`${act}: ${status} is ${code}, and the lease's id stays out of it`, async () => {
      const [store, session] = await opened(0);
      wire.answer = () => refusal(status, `canary ${lease.id}`);
      await assert.rejects(store.leases![act](lease, session, signal), (thrown) => {
        const failure = thrown as { code: string; message: string };
        assert.equal(failure.code, code);
        assert.match(failure.message, words);
        assert.doesNotMatch(failure.message, /canary|creds\/app/);
        return true;
      });
    });
  test("a renewal that says nothing of an end is no answer", async () => {
    const [store, session] = await opened(0);
    wire.answer = () => success({ data: {} });
    await assert.rejects(store.leases!.renew(lease, session, signal), { code: "answer_invalid" });
  });
});

suite("another life for the session", () => {
  test("the token asks for itself, where it comes from, and reads go on with it", async () => {
    const [store, session] = await opened(600, { namespace: "team", auth: { ...auth, namespace: "logins" } });
    await clock.advance(480_000);
    wire.answer = ({ method }) => (method === "POST" ? granted("t", { lease_duration: 600 }) : success({ data: {} }));
    const renewed = await store.renew!(session, signal);
    assert.equal(renewed.expiresAtMs, inMs(600));
    await store.fetch(store.locate(ref("x/y")), renewed, signal);
    assert.deepEqual(wire.lines(), ["POST auth/token/renew-self", "GET x/y"]);
    assert.deepEqual(
      wire.asked.map(({ headers }) => [headers["x-vault-token"], headers["x-vault-namespace"]]),
      [
        ["t", "logins"],
        ["t", "team"],
      ],
    );
  });
  test("a batch token is not asked about: it cannot be renewed", async () => {
    const [store, session] = await opened(600, {}, { renewable: false });
    await assert.rejects(store.renew!(session, signal), { code: "store_denied" });
    assert.equal(wire.asked.length, 0);
  });
  test("a token from a Secret is not renewed", async () => {
    const store = openStore({ auth: { tokenSecretRef: { name: "s", key: "t" } } }, { url: wire.url, clients });
    const session = await store.login(statics({ token: "t" }), signal, facts);
    await assert.rejects(store.renew!(session, signal), { code: "store_denied" });
    assert.equal(wire.asked.length, 0);
  });
  test("once its longest life runs out it is used to the end and not renewed again", async () => {
    const [store, session] = await opened(600);
    wire.answer = () => granted("t", { lease_duration: 200 });
    const last = await store.renew!(session, signal);
    assert.equal(last.expiresAtMs, inMs(200));
    await assert.rejects(store.renew!(last, signal), { code: "store_denied" });
    assert.equal(wire.asked.length, 1);
  });
  test("a token that is gone says so", async () => {
    const [store, session] = await opened(600);
    wire.answer = () => refusal(403, "canary");
    await assert.rejects(store.renew!(session, signal), { code: "store_denied", message: /auth\/token\/renew-self/ });
  });
});
