/** What the SDK does by itself and must not do here. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { Failure } from "../../../plugin/core/failure.ts";
import type { Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { canned, silence, startHostileServer } from "../../fakes/hostile-server.ts";
import { facts } from "../facts.ts";
import { idOf, startFakeAzure } from "./fake-azure.ts";
import { bySecret, openAzure, secretsProof } from "./opened.ts";

interface Seen {
  readonly sent: readonly { readonly url: string; readonly headers: Readonly<Record<string, string>> }[];
  readonly opened: readonly string[];
}

const program = join(import.meta.dirname, "print-requests.ts");
let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), "keyferry-azure-"));
  await writeFile(join(home, "token"), "canary");
});
after(() => rm(home, { recursive: true }));

async function requestsUnder(environment: Readonly<Record<string, string>>): Promise<Seen> {
  const env = { PATH: process.env["PATH"] ?? "", ...environment };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { env });
  assert.equal(stderr, "", "nothing is printed beside the answer");
  return JSON.parse(stdout) as Seen;
}

suite("traps of Azure's client", { timeout: 60_000 }, () => {
  test("neither the environment nor files of this machine change what is sent, and no file is read", async () => {
    const plain = await requestsUnder({ HOME: "/nonexistent" });
    const hostile = await requestsUnder({
      HOME: home,
      AZURE_CLIENT_ID: "canary",
      AZURE_CLIENT_SECRET: "canary",
      AZURE_CLIENT_CERTIFICATE_PATH: join(home, "token"),
      AZURE_TENANT_ID: "canary",
      AZURE_USERNAME: "canary",
      AZURE_PASSWORD: "canary",
      AZURE_FEDERATED_TOKEN_FILE: join(home, "token"),
      AZURE_AUTHORITY_HOST: "http://canary.example",
      AZURE_POD_IDENTITY_AUTHORITY_HOST: "http://canary.example",
      AZURE_ENVIRONMENT: "AzureChinaCloud",
      AZURE_KEYVAULT_RESOURCE: "http://canary.example",
      AZURE_LOG_LEVEL: "verbose",
      AZURE_TRACING_DISABLED: "false",
      AZURE_HTTP_USER_AGENT: "canary",
      IDENTITY_ENDPOINT: "http://canary.example",
      IDENTITY_HEADER: "canary",
      MSI_ENDPOINT: "http://canary.example",
      MSI_SECRET: "canary",
      DEBUG: "*",
      HTTPS_PROXY: "http://canary.example:3128",
      HTTP_PROXY: "http://canary.example:3128",
      ALL_PROXY: "http://canary.example:3128",
      NO_PROXY: "*",
    });
    assert.deepEqual(hostile.sent, plain.sent);
    assert.deepEqual(
      hostile.opened.filter((path) => path.includes(home) || path.includes(".azure")),
      [],
    );
    const vault = "https://shop.vault.azure.net";
    const reads = [
      `${vault}/secrets/db/`,
      `${vault}/keys/db/`,
      `${vault}/certificates/db/`,
      `${vault}/secrets`,
      `${vault}/secrets`,
    ];
    const entra = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token";
    assert.deepEqual(
      plain.sent.map(({ url }) => url.replace(/\?.*/, "")),
      [entra, ...reads, entra, ...reads, "http://169.254.169.254/metadata/identity/oauth2/token", ...reads],
    );
    for (const { url, headers } of plain.sent) {
      const isRead = url.startsWith(vault);
      assert.equal(headers["authorization"] !== undefined, isRead, url);
      if (isRead) assert.deepEqual(Object.keys(headers).sort(), ["accept", "authorization", "user-agent"]);
    }
  });

  const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  after(() => clients.close());
  const { signal } = new AbortController();
  const proof = secretsProof({ clientId: "client", clientSecret: "secret" });
  const read = async (store: Store, within = signal): Promise<string> => {
    const session = await store.login(proof, signal, facts);
    const { value } = await store.fetch(store.locate({ key: "db", metadataPolicy: "None" }), session, within);
    return value.reveal().toString();
  };

  test("its sockets are the stores' own: an address that stores may not use is not reached", async (t) => {
    const server = await startHostileServer(() => canned({ status: 200 }));
    t.after(server.close);
    const guarded = createHttpClients({ allowLoopback: false, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    t.after(() => guarded.close());
    const store = openAzure(bySecret, { url: server.url, clients: guarded });
    await assert.rejects(read(store), { code: "store_unreachable", message: /loopback address/ });
    assert.equal(server.connections, 0);
  });
  test("sessions share connections", async (t) => {
    const server = await startFakeAzure();
    t.after(server.close);
    server.objects.set("secrets/db", [{ id: idOf("1"), content: { value: "v" } }]);
    const store = openAzure(bySecret, { url: server.url, clients });
    for (let i = 0; i < 6; i++) assert.equal(await read(store), "v");
    assert.ok(server.connections <= 2, `${server.connections} connections`);
  });
  test("a read that nobody waits for any more is not sent", async (t) => {
    const server = await startFakeAzure();
    t.after(server.close);
    const store = openAzure(bySecret, { url: server.url, clients });
    const reason = new Failure("store_timeout", "no longer");
    await assert.rejects(read(store, AbortSignal.abort(reason)), reason);
    assert.equal(server.requests.length, 1, "the login alone");
  });
  test("a read that is ended ends its request", async (t) => {
    const server = await startFakeAzure();
    t.after(server.close);
    const store = openAzure(bySecret, { url: server.url, clients });
    const session = await store.login(proof, signal, facts);
    server.answer(() => silence());
    const waiting = new AbortController();
    const reason = new Failure("store_timeout", "no longer");
    const going = store.fetch(store.locate({ key: "db", metadataPolicy: "None" }), session, waiting.signal);
    await server.requested(2);
    waiting.abort(reason);
    await assert.rejects(going, reason);
    await server.requests.at(-1)!.disconnected;
  });
});
