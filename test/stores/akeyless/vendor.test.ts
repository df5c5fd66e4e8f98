/** The vendor's own client against our server: what holds for it holds for the store. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, suite, test } from "node:test";
import { FakeClock } from "../../fakes/clock.ts";
import { startAkeyless } from "./fake-akeyless.ts";
import type { FakeAkeyless } from "./fake-akeyless.ts";

type Answer = Readonly<Record<string, unknown>>;
type Model = { constructFromObject(body: object): object };
interface Vendor {
  readonly ApiClient: new (url: string) => object;
  readonly V2Api: new (client: object) => Readonly<Record<string, (body: object) => Promise<Answer>>>;
  readonly [model: string]: unknown;
}

const vendor = createRequire(import.meta.url)("akeyless") as Vendor;
const clock = new FakeClock();
let server: FakeAkeyless;

before(async () => {
  server = await startAkeyless(clock);
  server.accounts.push(
    { accessId: "p-key", shows: { "access-key": "k" }, reads: "/" },
    { accessId: "p-k8s", shows: { "k8s-auth-config-name": "c", "k8s-service-account-token": "dA==" }, reads: "/shop/" },
    { accessId: "p-jwt", shows: { jwt: "j" }, reads: "/shop/", ttlSeconds: 60 },
  );
  server.items.set("/shop/static", { type: "STATIC_SECRET", versions: ["one", "two"], tags: ["team"] });
  server.items.set("/shop/other", { type: "STATIC_SECRET", versions: ["o"] });
  server.items.set("/shop/rotated", { type: "ROTATED_SECRET", versions: [{ username: "u", password: "p" }] });
  server.items.set("/shop/cert", { type: "CERTIFICATE", versions: [{ certificate_pem: "C", private_key_pem: "K" }] });
  server.items.set("/shop/dynamic", { type: "DYNAMIC_SECRET" });
});
after(() => server.close());

function call(operation: string, body: object): Promise<Answer> {
  const api = new vendor.V2Api(new vendor.ApiClient(server.url));
  const model = vendor[operation[0]!.toUpperCase() + operation.slice(1)] as Model;
  return api[operation]!.call(api, model.constructFromObject(body));
}

async function refused(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => assert.fail("was not refused"),
    (thrown: { status?: unknown; error?: { status?: unknown } }) => thrown.status ?? thrown.error?.status,
  );
}

const tokenOf = async (body: object): Promise<string> => String((await call("auth", body))["token"]);

suite("the vendor's client", () => {
  const logins: readonly [string, object][] = [
    ["an access key", { "access-id": "p-key", "access-key": "k" }],
    [
      "Kubernetes",
      { "access-id": "p-k8s", "access-type": "k8s", "k8s-auth-config-name": "c", "k8s-service-account-token": "dA==" },
    ],
    ["a JWT", { "access-id": "p-jwt", "access-type": "jwt", jwt: "j" }],
  ];
  for (const [name, body] of logins) test(`logs in by ${name}`, async () => assert.match(await tokenOf(body), /^t-/));
  test("is told when its token ends", async () => {
    const { expiration } = await call("auth", { "access-id": "p-jwt", "access-type": "jwt", jwt: "j" });
    assert.equal(expiration, String(clock.nowMs() / 1_000 + 60));
  });
  const reads: readonly [operation: string, body: object, answer: object][] = [
    ["getSecretValue", { names: ["/shop/static"] }, { "/shop/static": "two" }],
    ["getSecretValue", { names: ["/shop/static"], version: 1 }, { "/shop/static": "one" }],
    ["getSecretValue", { names: ["/shop/static", "/shop/other"] }, { "/shop/static": "two", "/shop/other": "o" }],
    ["getRotatedSecretValue", { names: "/shop/rotated" }, { value: { username: "u", password: "p" } }],
    [
      "getDynamicSecretValue",
      { name: "/shop/dynamic" },
      { id: "tmp.1", user: "u1", password: "p1", ttl_in_minutes: "60" },
    ],
  ];
  for (const [operation, body, answer] of reads)
    test(`${operation} ${JSON.stringify(body)}`, async () => {
      const token = await tokenOf({ "access-id": "p-key", "access-key": "k" });
      assert.deepEqual({ ...(await call(operation, { ...body, token })) }, answer);
    });
  test("getCertificateValue and describeItem fit their models", async () => {
    const token = await tokenOf({ "access-id": "p-key", "access-key": "k" });
    const certificate = await call("getCertificateValue", { name: "/shop/cert", token });
    assert.deepEqual([certificate["certificate_pem"], certificate["private_key_pem"]], ["C", "K"]);
    const item = await call("describeItem", { name: "/shop/static", token });
    assert.deepEqual([item["item_type"], item["last_version"], item["item_tags"]], ["STATIC_SECRET", 2, ["team"]]);
  });
  test("listItems goes from page to page", async () => {
    server.pageSize = 2;
    const token = await tokenOf({ "access-id": "p-key", "access-key": "k" });
    const asked = { token, type: ["static-secret", "dynamic-secret", "rotated-secret"], filter: "/shop/" };
    const first = await call("listItems", asked);
    const second = await call("listItems", { ...asked, "pagination-token": first["next_page"] });
    const names = [first, second].flatMap(({ items }) => (items as Answer[]).map((item) => item["item_name"]));
    assert.deepEqual(names, ["/shop/static", "/shop/other", "/shop/rotated", "/shop/dynamic"]);
    assert.equal(second["next_page"], "");
  });
  test("is refused with 401, 403 and 404", async () => {
    const token = await tokenOf({
      "access-id": "p-k8s",
      "access-type": "k8s",
      "k8s-auth-config-name": "c",
      "k8s-service-account-token": "dA==",
    });
    assert.equal(await refused(call("auth", { "access-id": "p-key", "access-key": "wrong" })), 401);
    assert.equal(await refused(call("describeItem", { name: "/shop/static", token: "t-none" })), 401);
    assert.equal(await refused(call("describeItem", { name: "/other", token })), 403);
    assert.equal(await refused(call("describeItem", { name: "/shop/none", token })), 404);
    // As a whole, because of one name.
    assert.equal(await refused(call("getSecretValue", { names: ["/shop/static", "/shop/none"], token })), 404);
    assert.equal(await refused(call("getSecretValue", { names: ["/shop/static", "/shop/dynamic"], token })), 400);
  });
});
