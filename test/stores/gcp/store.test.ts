/** What goes to Secret Manager and comes back: values, versions, metadata, lists, and whose token goes with it. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { after, before, beforeEach, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { FindWish, Ref, Store, StoreAnswer } from "../../../plugin/stores/contract.ts";
import { findProperty } from "../../../plugin/read/decode/property.ts";
import { gcpsm } from "../../../plugin/stores/gcp/kind.ts";
import type { GcpSession } from "../../../plugin/stores/gcp/store.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { createGcpIdentities } from "../../fakes/gcp-identities.ts";
import { startGcpRest } from "../../fakes/gcp-rest.ts";
import type { GcpRest } from "../../fakes/gcp-rest.ts";
import { createGcpSecrets, GcpProblem } from "../../fakes/gcp-secrets.ts";
import { canned, silence, startHostileServer } from "../../fakes/hostile-server.ts";
import type { HostileServer } from "../../fakes/hostile-server.ts";
import { byKey, clock, openGcp } from "./opened.ts";

const { signal } = new AbortController();
const secrets = createGcpSecrets();
const identities = createGcpIdentities();
let clients: HttpClients;
let google: GcpRest;
let calls: string[];

before(async () => {
  clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  google = await startGcpRest(secrets, identities);
  secrets.set("db", { versions: ["one", "two", "three"], aliases: { stable: 2 } });
});
after(async () => {
  await clients.close();
  await google.close();
});
beforeEach(() => void (calls = []));

const openStore = (block: object = {}, url = google.url): Store =>
  openGcp({ ...byKey, ...block }, { url, clients, calls });
const sessionOf = (principal: string): GcpSession => ({
  authorization: SecretValue.fromText(`Bearer ${identities.grant(principal)}`),
});
const textOf = ({ value }: StoreAnswer): string => value.reveal().toString("utf8");
const ref = (key: string, more: Partial<Ref> = {}): Ref => ({ key, metadataPolicy: "None", ...more });
async function read(asked: Ref, block: object = {}, session = sessionOf("ana")): Promise<StoreAnswer> {
  const store = openStore(block);
  return store.fetch(store.locate(asked), session, signal);
}
const last = (): string => {
  const { method, name } = secrets.calls.at(-1)!;
  return `${method} ${name}`;
};

suite("a read from gcp", { timeout: 30_000 }, () => {
  test("brings the latest version, and the id under which Google's audit log has it", async () => {
    const answer = await read(ref("db"));
    assert.deepEqual([textOf(answer), answer.version], ["three", "3"]);
    assert.equal(last(), "accessSecretVersion projects/shop/secrets/db/versions/latest");
    const { headers } = google.requests.at(-1)!;
    assert.match(answer.requestId!, /^[0-9a-f-]{36}$/);
    assert.equal(headers["x-goog-request-reason"], answer.requestId);
    assert.equal(headers["user-agent"], "keyferry");
    assert.equal(
      headers["x-goog-request-params"],
      `name=${encodeURIComponent("projects/shop/secrets/db/versions/latest")}`,
    );
    assert.deepEqual(calls, ["GCP/SecretManager AccessSecretVersion success"]);
  });
  test("brings a version by number and by alias", async () => {
    assert.equal(textOf(await read(ref("db", { version: "1" }))), "one");
    const aliased = await read(ref("db", { version: "stable" }));
    assert.deepEqual([textOf(aliased), aliased.version], ["two", "2"]);
    assert.equal(textOf(await read(ref("projects/shop/secrets/db/versions/1"))), "one");
  });
  test("brings bytes as they are", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    secrets.set("bytes", { versions: [bytes] });
    assert.deepEqual((await read(ref("bytes"))).value.reveal(), bytes);
    secrets.set("nothing", { versions: [""] });
    assert.equal((await read(ref("nothing"))).value.byteLength, 0);
  });
  test("in a region reads that region's secret", async () => {
    secrets.set("db", { location: "europe-west3", versions: ["in Frankfurt"] });
    assert.equal(textOf(await read(ref("db"), { location: "europe-west3" })), "in Frankfurt");
    assert.equal(textOf(await read(ref("projects/shop/locations/europe-west3/secrets/db"))), "in Frankfurt");
  });
  test("brings annotations and labels when metadata are asked for", async () => {
    secrets.set("told", { labels: { team: "a" }, annotations: { "team.owner": "ana", tier: "1" } });
    const fetched = (key: string) => read(ref(key, { metadataPolicy: "Fetch" }));
    const answer = await fetched("told");
    assert.equal(
      textOf(answer),
      '{"annotations":{"team.owner":"ana","tier":"1"},"annotations.team.owner":"ana","labels":{"team":"a"}}',
    );
    const properties = { "annotations.team.owner": "ana", "annotations.tier": "1", "labels.team": "a" };
    for (const [property, text] of Object.entries({ ...properties, labels: '{"team":"a"}' })) {
      const found = findProperty(answer.value.reveal(), property, gcpsm.propertySyntax);
      assert.equal(found.outcome === "found" && found.bytes.toString(), text, property);
    }
    for (const property of ["team", "labels.owner", "annotations.team"])
      assert.equal(findProperty(answer.value.reveal(), property, gcpsm.propertySyntax).outcome, "absent", property);
    assert.equal(answer.version, "");
    assert.equal(textOf(await fetched("db")), '{"annotations":{},"labels":{}}');
    assert.deepEqual(calls[0], "GCP/SecretManager GetSecret success");
  });
});

suite("a version that is disabled or destroyed", { timeout: 30_000 }, () => {
  before(() => {
    // Twelve of them: by their numbers, the ninth comes before the tenth, as text it would not.
    secrets.set("rotated", { versions: Array.from({ length: 12 }, (_, i) => `value ${i + 1}`) });
    for (const number of [11, 12]) secrets.setState("projects/shop/secrets/rotated", number, "DISABLED");
    secrets.setState("projects/shop/secrets/rotated", 5, "DESTROYED");
    secrets.set("spent", { versions: ["gone"] });
    secrets.setState("projects/shop/secrets/spent", 1, "DESTROYED");
  });
  const orFetch = { secretVersionSelectionPolicy: "LatestOrFetch" };

  test("is version_not_found", async () => {
    for (const version of [undefined, "latest", "12", "5"])
      await assert.rejects(read(ref("rotated", version === undefined ? {} : { version })), {
        code: "version_not_found",
        message: /^version "(latest|12|5)" of "projects\/shop\/secrets\/rotated" is disabled or destroyed/,
      });
  });
  test("gives way to the newest enabled one where the store says LatestOrFetch", async () => {
    const answer = await read(ref("rotated"), orFetch);
    assert.deepEqual([textOf(answer), answer.version], ["value 10", "10"]);
    assert.ok(
      secrets.calls.some(({ method, filter }) => method === "listSecretVersions" && filter === "state:ENABLED"),
    );
    assert.equal(textOf(await read(ref("rotated", { version: "latest" }), orFetch)), "value 10");
  });
  test("does not give way when it was asked for by its number, or when none is enabled", async () => {
    for (const asked of [ref("rotated", { version: "12" }), ref("spent")])
      await assert.rejects(read(asked, orFetch), { code: "version_not_found" });
  });
  test("does not give way to an identity that may not list versions", async () => {
    secrets.limit("eve", ["accessSecretVersion projects/shop/secrets/rotated"]);
    await assert.rejects(read(ref("rotated"), orFetch, sessionOf("eve")), {
      code: "store_denied",
      message: /secretmanager\.versions\.list/,
    });
  });
  test("is asked for no more than once a read", async () => {
    const before = secrets.calls.length;
    await read(ref("db"), orFetch);
    assert.equal(secrets.calls.length - before, 1);
  });
});

suite("a find at gcp", { timeout: 30_000 }, () => {
  before(() => {
    for (const id of ["app-db", "app-mail", "app-x", "web-app-db"])
      secrets.set(id, { project: "many", labels: { team: id.startsWith("app") ? "a" : "b", env: "prod" } });
    secrets.set("app-db", { project: "many", location: "us-central1" });
  });
  async function find(wish: FindWish, block: object = {}): Promise<readonly string[]> {
    const store = openStore({ projectID: "many", ...block });
    const found = await store.find!.list(wish, sessionOf("ana"), signal);
    assert.ok(found.every(({ name, key, property }) => name === key && property === undefined));
    return found.map(({ key }) => key);
  }
  const name = (pattern: RegExp): FindWish => ({
    name: { source: pattern.source, matches: (text) => pattern.test(text) },
  });

  test("brings every secret, page by page", async () => {
    assert.deepEqual(await find({}), ["app-db", "app-mail", "app-x", "web-app-db"]);
    assert.deepEqual(calls, Array(2).fill("GCP/SecretManager ListSecrets success"));
  });
  test("goes by a name, by what it begins with and by labels, all at once", async () => {
    assert.deepEqual(await find(name(/db$/)), ["app-db", "web-app-db"]);
    assert.deepEqual(await find({ path: "app-" }), ["app-db", "app-mail", "app-x"]);
    assert.deepEqual(await find({ tags: { team: "b", env: "prod" } }), ["web-app-db"]);
    assert.deepEqual(await find({ path: "app-", tags: { team: "a" }, ...name(/db|x/) }), ["app-db", "app-x"]);
    assert.equal(secrets.calls.at(-1)!.filter, "labels.team=a name:app-");
    assert.deepEqual(await find({ tags: { team: "nobody" } }), []);
  });
  test("in a region lists that region's", async () => {
    assert.deepEqual(await find({}, { location: "us-central1" }), ["app-db"]);
    assert.equal(last(), "listSecrets projects/many/locations/us-central1");
  });
  test("can read what it has found", async () => {
    const store = openStore({ projectID: "many" });
    const [first] = await store.find!.list({}, sessionOf("ana"), signal);
    assert.equal(textOf(await store.fetch(store.locate(ref(first!.key)), sessionOf("ana"), signal)), "value of app-db");
  });
  test("that may not be is store_denied, and names the right", async () => {
    secrets.limit("eve", []);
    const list = openStore({ projectID: "many" }).find!.list({}, sessionOf("eve"), signal);
    await assert.rejects(list, { code: "store_denied", message: /"projects\/many".*secretmanager\.secrets\.list/ });
  });
  test("fails as a whole when a page does", async () => {
    secrets.failAfter(1, new GcpProblem("RESOURCE_EXHAUSTED", "quota"));
    await assert.rejects(find({}), { code: "store_throttled" });
  });
});

suite("identities at gcp", { timeout: 30_000 }, () => {
  test("never share a token, however their reads mingle", async () => {
    const who = ["ana", "ben", "cat", "dan"];
    secrets.set("mine", { versions: [(principal) => `for ${principal}`] });
    const store = openStore();
    const other = openStore();
    const sessions = who.map(sessionOf);
    for (let round = 0; round < 10; round++) {
      const order = round % 2 === 0 ? who : [...who].reverse();
      const seen = await Promise.all(
        order.map(async (name, i) => {
          const from = i % 2 === 0 ? store : other;
          const session = sessions[who.indexOf(name)]!;
          const metadataPolicy = round % 3 === 0 && i === 1 ? ("Fetch" as const) : ("None" as const);
          return [name, textOf(await from.fetch(from.locate(ref("mine", { metadataPolicy })), session, signal))];
        }),
      );
      for (const [name, text] of seen)
        assert.ok(text === `for ${name}` || text!.startsWith("{"), `${name} got ${text}`);
      // A new token in between changes nobody else.
      sessions[round % 4] = sessionOf(who[round % 4]!);
    }
  });
  test("a refusal of one is nobody else's", async () => {
    const store = openStore();
    const located = store.locate(ref("db"));
    const revoked: GcpSession = { authorization: SecretValue.fromText("Bearer revoked") };
    const all = [sessionOf("ana"), revoked, sessionOf("ben"), revoked].map((session) =>
      store.fetch(located, session, signal),
    );
    const outcomes = await Promise.allSettled(all);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled", "rejected"],
    );
  });
  test("an abort of one ends its request, and nobody else's read", { timeout: 5_000 }, async (t) => {
    const waits = await startHostileServer(() => silence());
    t.after(waits.close);
    const store = openStore({}, waits.url);
    const located = store.locate(ref("db"));
    const ends = new AbortController();
    const reason = new Failure("store_timeout", "no longer");
    const ended = store.fetch(located, sessionOf("ana"), ends.signal);
    const stays = store.fetch(located, sessionOf("ben"), signal);
    await waits.requested(2);
    ends.abort(reason);
    await assert.rejects(ended, reason);
    await Promise.race(waits.requests.map(({ disconnected }) => disconnected));
    const open = await Promise.race([
      stays.then(
        () => false,
        () => false,
      ),
      new Promise((resolve) => setImmediate(resolve, true)),
    ]);
    assert.equal(open, true);
    stays.catch(() => undefined);
  });
});

suite("a read that Google refuses", { timeout: 30_000 }, () => {
  let server: HostileServer;
  before(async () => void (server = await startHostileServer()));
  after(() => server.close());
  const about = '"projects/shop/secrets/db"';
  const body = (code: number, status: string, message = "canary") => ({ error: { code, status, message } });
  const rows: readonly (readonly [status: number, body: unknown, code: FailureCode, says: RegExp])[] = [
    [
      403,
      body(403, "PERMISSION_DENIED"),
      "store_denied",
      /\(403 PERMISSION_DENIED\).*secretmanager\.versions\.access.*API is on/,
    ],
    [403, body(403, "PERMISSION_DENIED", "canary is in DISABLED state"), "store_denied", /\(403 PERMISSION_DENIED\)/],
    [401, body(401, "UNAUTHENTICATED"), "store_denied", /access token \(401 UNAUTHENTICATED\)/],
    [429, body(429, "RESOURCE_EXHAUSTED"), "store_throttled", new RegExp(`throttling the read of ${about} \\(429 RES`)],
    [400, body(400, "INVALID_ARGUMENT"), "ref_invalid", /does not accept key or version/],
    [400, body(400, "FAILED_PRECONDITION"), "store_error", /failed the read/],
    [400, body(400, "FAILED_PRECONDITION", "The KMS key is DISABLED_X"), "store_error", /failed the read/],
    [409, body(409, "ABORTED"), "store_error", /\(409 ABORTED\)/],
    [503, body(503, "UNAVAILABLE"), "store_error", /\(503 UNAVAILABLE\)/],
    [500, body(500, "CANARY"), "store_error", /\(500\)$/],
  ];
  for (const [status, answer, code, says] of rows)
    test(`with ${status} ${JSON.stringify(answer).slice(10, 70)} is ${code}`, async () => {
      server.answer(() => canned({ status, headers: { "retry-after": "7" }, body: JSON.stringify(answer) }));
      const store = openStore({}, server.url);
      const before = server.requests.length;
      await assert.rejects(store.fetch(store.locate(ref("db")), sessionOf("ana"), signal), (thrown) => {
        assert.ok(thrown instanceof Failure && thrown.code === code, inspect(thrown));
        assert.match(thrown.message, says);
        assert.doesNotMatch(inspect(thrown, { depth: 9, showHidden: true }), /canary/i);
        if (/throttled|store_error/.test(code)) assert.equal(thrown.retryAfterMs, 7_000);
        return true;
      });
      assert.equal(server.requests.length - before, 1, "nothing is repeated");
      assert.deepEqual(calls, ["GCP/SecretManager AccessSecretVersion error"]);
    });

  const name = "projects/1/secrets/db/versions/3";
  const data = Buffer.from("value").toString("base64");
  const wrong: Readonly<Record<string, unknown>> = {
    "a payload that its checksum does not fit": { name, payload: { data, dataCrc32c: "1" } },
    "another secret": { name: "projects/1/secrets/other/versions/3", payload: { data } },
    "another version": { name: "projects/1/secrets/db/versions/4", payload: { data } },
    "no version": { name: "projects/1/secrets/db", payload: { data } },
    "no payload": { name },
    "a payload that is no base64": { name, payload: { data: 7 } },
    "a payload among more than anybody can use": { name, payload: { data }, more: Array<number>(200_000).fill(1) },
  };
  for (const [what, answer] of Object.entries(wrong))
    test(`${what} is answer_invalid`, async () => {
      server.answer(() => canned({ status: 200, body: JSON.stringify(answer) }));
      const store = openStore({}, server.url);
      const located = store.locate(ref("db", { version: "3" }));
      await assert.rejects(store.fetch(located, sessionOf("ana"), signal), { code: "answer_invalid" });
    });
  test("a list that never ends is answer_invalid", async () => {
    server.answer(() => canned({ status: 200, body: JSON.stringify({ nextPageToken: "again" }) }));
    await assert.rejects(openStore({}, server.url).find!.list({}, sessionOf("ana"), signal), {
      code: "answer_invalid",
    });
  });
  test("a list of something else is answer_invalid", async () => {
    server.answer(() => canned({ status: 200, body: JSON.stringify({ secrets: [{ name: "nobody/asked" }] }) }));
    await assert.rejects(openStore({}, server.url).find!.list({}, sessionOf("ana"), signal), {
      code: "answer_invalid",
    });
  });
});

test("no timer is left behind", () => assert.equal(clock.pending, 0));
