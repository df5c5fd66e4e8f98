/** Doppler's own client reads from the server that these tests stand on, and sees what a doppler store sees. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { DopplerSDK, Unauthorized } from "@dopplerhq/node-sdk";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { startDoppler } from "./fake-doppler.ts";
import type { FakeDoppler } from "./fake-doppler.ts";
import { bySecret, logIn, openDoppler, readText } from "./opened.ts";

const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
const secrets = { DB_URL: "postgres://db", API_KEY: "k" };
let server: FakeDoppler;

before(async () => {
  server = await startDoppler();
  server.put("shop/prd", secrets);
  server.token("dp.st.shop", ["shop/prd"]);
});
after(async () => {
  await clients.close();
  await server.close();
});

function vendor(accessToken = "dp.st.shop"): DopplerSDK {
  const sdk = new DopplerSDK({ accessToken });
  sdk.setBaseUrl(server.url);
  return sdk;
}

suite("Doppler's client and ours", () => {
  test("download the same secrets", async () => {
    const theirs = (await vendor().secrets.download("shop", "prd", { format: "json" })) as Record<string, string>;
    const store = openDoppler({ ...bySecret, project: "shop", config: "prd" }, { url: server.url, clients });
    const session = await logIn(store);
    for (const name of ["DB_URL", "API_KEY", "DOPPLER_CONFIG"])
      assert.equal(await readText(store, name, session), theirs[name]);
  });
  test("have secrets renamed in the same way", async () => {
    const options = { format: "json", nameTransformer: "camel" } as const;
    const theirs = (await vendor().secrets.download("shop", "prd", options)) as Record<string, string>;
    const store = openDoppler({ ...bySecret, nameTransformer: "camel" }, { url: server.url, clients });
    const found = await store.find!.list({}, await logIn(store), new AbortController().signal);
    assert.deepEqual(found.map(({ name }) => name).sort(), Object.keys(theirs).sort());
  });
  test("ask about the token", async () => {
    assert.equal((await vendor().auth.me()).type_, "service");
    const store = openDoppler(bySecret, { url: server.url, clients });
    await store.check!(await logIn(store), new AbortController().signal);
  });
  test("are refused in the same form", async () => {
    await assert.rejects(vendor("nobody").secrets.download("shop", "prd"), Unauthorized);
  });
});
