/** Parameters of Parameter Manager: how they are named, and what comes back when they are rendered. */
import assert from "node:assert/strict";
import { after, before, beforeEach, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Ref, StoreAnswer } from "../../../plugin/stores/contract.ts";
import { locate } from "../../../plugin/stores/gcp/address.ts";
import { renderParameter } from "../../../plugin/stores/gcp/parameters.ts";
import type { GcpSession } from "../../../plugin/stores/gcp/store.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { createGcpIdentities } from "../../fakes/gcp-identities.ts";
import { startGcpRest } from "../../fakes/gcp-rest.ts";
import type { GcpRest } from "../../fakes/gcp-rest.ts";
import { createGcpSecrets, GcpProblem } from "../../fakes/gcp-secrets.ts";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import { byKey, clock, openGcp } from "./opened.ts";

const { signal } = new AbortController();
const secrets = createGcpSecrets();
const identities = createGcpIdentities();
const name = "projects/shop/locations/global/parameters/conf";
let clients: HttpClients;
let google: GcpRest;
let calls: string[];

before(async () => {
  clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  google = await startGcpRest(secrets, identities);
  secrets.set("db", { versions: ["hunter2"] });
  const reference = "__REF__(//secretmanager.googleapis.com/projects/shop/secrets/db/versions/latest)";
  secrets.setParameter(`${name}/versions/v1`, `{"user": "ana", "password": "${reference}"}`);
});
after(async () => {
  await clients.close();
  await google.close();
});
beforeEach(() => void (calls = []));

const ref = (key: string, more: Partial<Ref> = {}): Ref => ({ key, metadataPolicy: "None", ...more });
const sessionOf = (principal: string): GcpSession => ({
  authorization: SecretValue.fromText(`Bearer ${identities.grant(principal)}`),
});
async function read(key: string, principal = "ana", url = google.url): Promise<StoreAnswer> {
  const store = openGcp(byKey, { url, clients, calls });
  return store.fetch(store.locate(ref(key)), sessionOf(principal), signal);
}

suite("the name of a parameter", () => {
  test("is its address, without the version", () => {
    const located = { address: name, method: "GET", arguments: "", version: "v1" };
    assert.deepEqual(locate({ project: "shop" }, ref(`${name}/versions/v1`)), located);
    assert.deepEqual(locate({ project: "shop" }, ref(name, { version: "v1" })), located);
  });
  const refused: readonly [key: string, why: RegExp, more?: Partial<Ref>][] = [
    [name, /no version of the parameter/],
    [`${name}/versions/v1`, /keep one/, { version: "v2" }],
    [`${name}/versions/v1`, /metadataPolicy/, { metadataPolicy: "Fetch" }],
    ["projects/other/locations/global/parameters/conf/versions/v1", /another project/],
    ["projects/shop/locations/EU#/parameters/conf/versions/v1", /no location/],
    ["projects/shop/locations/global/parameters/a.b/versions/v1", /name that a parameter can have/],
    ["projects/shop/parameters/conf/versions/v1", /no resource name/],
    [`${name}/versions/v1:x`, /no version of the parameter/],
  ];
  for (const [key, why, more] of refused)
    test(`is not ${JSON.stringify({ key, ...more })}`, () =>
      assert.throws(
        () => locate({ project: "shop" }, ref(key, more)),
        (thrown: unknown) => thrown instanceof Failure && thrown.code === "ref_invalid" && why.test(thrown.message),
      ));
});

suite("a rendered parameter", { timeout: 30_000 }, () => {
  test("has the secrets in it that it refers to", async () => {
    const { value, version, requestId } = await read(`${name}/versions/v1`);
    assert.equal(value.reveal().toString(), '{"user": "ana", "password": "hunter2"}');
    assert.equal(version, "v1");
    const { path, headers } = google.requests.at(-1)!;
    assert.equal(path, `/v1/${name}/versions/v1:render`);
    assert.equal(headers["x-goog-request-reason"], requestId);
    assert.deepEqual(calls, ["GCP/SecretManager RenderParameterVersion success"]);
  });
  test("is read by who asks, each with a token of its own", async () => {
    await Promise.all(["ana", "bob", "ana", "bob", "eve"].map((who) => read(`${name}/versions/v1`, who)));
    const asked = secrets.calls.filter(({ method }) => method === "renderParameter").slice(-5);
    assert.deepEqual(asked.map(({ principal }) => principal).toSorted(), ["ana", "ana", "bob", "bob", "eve"]);
  });
  test("comes from the server of its place", async () => {
    const hosts: string[] = [];
    const send = (request: { readonly url: URL }) => {
      hosts.push(request.url.host);
      return Promise.reject(new Failure("store_unreachable", "nobody there"));
    };
    const deps = {
      send,
      authorization: SecretValue.fromText("Bearer t"),
      clock,
      countCall: () => undefined,
      endpoints: {},
    };
    for (const place of ["global", "europe-west3"]) {
      const located = locate({ project: "shop" }, ref(`projects/shop/locations/${place}/parameters/conf/versions/v1`));
      await assert.rejects(renderParameter(located, deps, signal), { code: "store_unreachable" });
    }
    assert.deepEqual(hosts, ["parametermanager.googleapis.com", "parametermanager.europe-west3.rep.googleapis.com"]);
  });
  test("that is not there is not found; a refusal names the right and the API", async () => {
    await assert.rejects(read(`${name}/versions/v2`), { code: "ref_not_found", message: /no version "v2"/ });
    secrets.limit("eve", []);
    await assert.rejects(read(`${name}/versions/v1`, "eve"), {
      code: "store_denied",
      message: /parametermanager\.parameterVersions\.render.*Parameter Manager API/,
    });
    secrets.failAfter(0, new GcpProblem("RESOURCE_EXHAUSTED", "Quota exceeded"));
    await assert.rejects(read(`${name}/versions/v1`), { code: "store_throttled" });
  });
  const odd: readonly [what: string, body: object][] = [
    ["another parameter", { parameterVersion: `${name}/versions/v2`, renderedPayload: "YQ==" }],
    ["no payload", { parameterVersion: `${name}/versions/v1` }],
    ["a payload that is no base64", { parameterVersion: `${name}/versions/v1`, renderedPayload: "{}" }],
  ];
  for (const [what, body] of odd)
    test(`is not ${what}`, async () => {
      const hostile = await startHostileServer(() => canned({ status: 200, body: JSON.stringify(body) }));
      try {
        await assert.rejects(read(`${name}/versions/v1`, "ana", hostile.url), { code: "answer_invalid" });
      } finally {
        await hostile.close();
      }
    });
});
