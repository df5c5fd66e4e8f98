/** Azure's own client, as it comes, against our vault: what ours takes for Azure's is what theirs takes for it. */
import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, suite, test } from "node:test";
import { SecretClient } from "@azure/keyvault-secrets";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { azurekv } from "../../../plugin/stores/azure/kind.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { facts } from "../facts.ts";
import { createFakeAzure, idOf } from "./fake-azure.ts";
import { bySecret, cloudAt, inShop, secretsProof } from "./opened.ts";

const resource = "https://vault.azure.net";
const span = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const authority = makeCertificate({ name: "authority", isAuthority: true, ...span });
const host = "127.0.0.1";
const own = makeCertificate({ name: host, subjects: [host], issuer: authority, ...span });
const ca = authority.certificate;

const fake = createFakeAzure({ resource, pageSize: 2 });
const asked: string[] = [];
let server: Server;
let url: string;
let clients: HttpClients;

before(async () => {
  const tags = { env: "prod" };
  const dates = { exp: 1_893_456_000 };
  fake.objects.set("secrets/db", [
    { id: idOf("1"), content: { value: "old" } },
    { id: idOf("2"), tags, dates, content: { value: "as {who}", contentType: "text/plain" } },
  ]);
  fake.objects.set("secrets/off", [{ id: idOf("1"), enabled: false, content: { value: "v" } }]);
  fake.objects.set("secrets/z", [{ id: idOf("1"), content: { value: "v" } }]);
  server = createServer({ cert: own.certificate, key: own.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      asked.push(`${method} ${path.replace(/\?.*/, "")}${headers.authorization === undefined ? "" : " with a token"}`);
      const given = {
        method,
        path,
        headers: headers as Record<string, string>,
        body: Buffer.concat(chunks).toString(),
      };
      const { status, headers: answered, body } = fake.answer(given, url);
      response.writeHead(status, { ...answered }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `https://${host}:${(server.address() as AddressInfo).port}`;
  clients = createHttpClients({ allowLoopback: true, allowPlainHttp: false, apiServer: [], exemptCidrs: [] });
});
after(async () => {
  await clients.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A credential that logs in as an application, without any code of ours. */
const credential = {
  async getToken(scopes: string | readonly string[]) {
    const form = { client_id: "theirs", client_secret: "s", scope: [scopes].flat()[0]! };
    const path = "/tenant/oauth2/v2.0/token";
    const body = new URLSearchParams(form).toString();
    const { body: answer } = fake.answer({ method: "POST", path, headers: {}, body }, url);
    const { access_token: token } = JSON.parse(String(answer)) as { access_token: string };
    return Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 });
  },
};

suite("our vault for Azure's own client", { timeout: 30_000 }, () => {
  const options = { tlsOptions: { ca }, retryOptions: { maxRetries: 0 }, disableChallengeResourceVerification: true };
  const theirs = (): SecretClient => new SecretClient(url, credential, options);

  test("logs in by the vault's challenge and reads value, version, tags and dates", async () => {
    asked.length = 0;
    const { value, properties } = await theirs().getSecret("db");
    assert.equal(value, "as theirs+s");
    const { version, tags, expiresOn, enabled, contentType } = properties;
    assert.deepEqual([version, tags, enabled, contentType], [idOf("2"), { env: "prod" }, true, "text/plain"]);
    assert.equal(expiresOn?.toISOString(), "2030-01-01T00:00:00.000Z");
    assert.deepEqual(asked, ["GET /secrets/db/", "GET /secrets/db/ with a token"]);
    assert.equal((await theirs().getSecret("db", { version: idOf("1") })).value, "old");
  });
  test("lists over pages", async () => {
    const names: string[] = [];
    for await (const { name, enabled } of theirs().listPropertiesOfSecrets()) names.push(`${name} ${enabled}`);
    assert.deepEqual(names, ["db true", "off false", "z true"]);
  });
  test("says no in the words that it knows", async () => {
    await assert.rejects(theirs().getSecret("none"), { statusCode: 404, code: "SecretNotFound" });
    await assert.rejects(theirs().getSecret("off"), { statusCode: 403, code: "Forbidden" });
  });
});

test("the same over TLS with the store's own client: as many requests as there are reads", async () => {
  const opened = azurekv.open({ ...cloudAt(url, resource), ...bySecret }, inShop, {
    clock: new FakeClock(),
    http: () => clients.send({ ca }),
    watchPath: () => () => undefined,
    plainHttp: false,
    countCall: () => undefined,
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  const { store } = opened.value;
  const { signal } = new AbortController();
  asked.length = 0;
  const session = await store.login(secretsProof({ clientId: "ours", clientSecret: "s" }), signal, facts);
  for (const version of [undefined, idOf("1")]) {
    const located = store.locate({ key: "db", metadataPolicy: "None", ...(version === undefined ? {} : { version }) });
    const { value } = await store.fetch(located, session, signal);
    assert.ok(value.equals(SecretValue.fromText(version === undefined ? "as ours+s" : "old")));
  }
  assert.deepEqual(asked, [
    "POST /tenant/oauth2/v2.0/token",
    "GET /secrets/db/ with a token",
    `GET /secrets/db/${idOf("1")} with a token`,
  ]);
});
