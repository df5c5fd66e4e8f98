/** What Google's client does by itself and must not do here. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { Failure } from "../../../plugin/core/failure.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { GcpSession } from "../../../plugin/stores/gcp/store.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { canned, silence, startHostileServer } from "../../fakes/hostile-server.ts";
import { createGcpIdentities } from "../../fakes/gcp-identities.ts";
import { facts } from "../facts.ts";
import { byKey, openGcp, secretProof } from "./opened.ts";

interface Seen {
  readonly sent: readonly string[];
  readonly opened: readonly string[];
}

const email = "reader@shop.iam.gserviceaccount.com";
const program = join(import.meta.dirname, "print-requests.ts");
let home: string;

before(async () => {
  home = await mkdtemp(join(tmpdir(), "keyferry-gcp-"));
  const folder = join(home, ".config/gcloud");
  await mkdir(folder, { recursive: true });
  const user = { type: "authorized_user", client_id: "canary", client_secret: "canary", refresh_token: "canary" };
  await writeFile(join(folder, "application_default_credentials.json"), JSON.stringify(user));
});
after(() => rm(home, { recursive: true }));

async function requestsUnder(environment: Readonly<Record<string, string>>): Promise<Seen> {
  const env = { PATH: process.env["PATH"] ?? "", ...environment };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { env });
  assert.equal(stderr, "", "nothing is printed beside the answer");
  return JSON.parse(stdout) as Seen;
}

suite("traps of Google's client", { timeout: 60_000 }, () => {
  test("neither the environment nor files of this machine change what is sent or printed, and no file is read", async () => {
    const credentials = join(home, ".config/gcloud/application_default_credentials.json");
    const plain = await requestsUnder({ HOME: "/nonexistent" });
    const hostile = await requestsUnder({
      HOME: home,
      CLOUDSDK_CONFIG: join(home, ".config/gcloud"),
      CLOUDSDK_CORE_PROJECT: "canary",
      GOOGLE_APPLICATION_CREDENTIALS: credentials,
      GOOGLE_CLOUD_PROJECT: "canary",
      GCLOUD_PROJECT: "canary",
      GOOGLE_CLOUD_QUOTA_PROJECT: "canary",
      GOOGLE_CLOUD_UNIVERSE_DOMAIN: "canary.example",
      GOOGLE_API_USE_CLIENT_CERTIFICATE: "true",
      GOOGLE_API_USE_MTLS_ENDPOINT: "always",
      GOOGLE_SDK_NODE_LOGGING: "all",
      GOOGLE_SDK_NODE_ENABLE_TRACING: "true",
      GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: "1",
      GCE_METADATA_HOST: "canary.example",
      GCE_METADATA_IP: "192.0.2.1",
      METADATA_SERVER_DETECTION: "assume-present",
      NODE_DEBUG: "gcp",
      DEBUG_AUTH: "1",
      HTTPS_PROXY: "http://canary.example:3128",
      HTTP_PROXY: "http://canary.example:3128",
      https_proxy: "http://canary.example:3128",
    });
    assert.deepEqual(hostile.sent, plain.sent);
    assert.deepEqual(
      hostile.opened.filter((path) => path.includes(home) || path.includes("gcloud")),
      [],
    );
    const reads = (host: string, parent: string): readonly string[] => [
      `GET https://${host}/v1/${parent}/secrets/db/versions/latest:access`,
      `GET https://${host}/v1/${parent}/secrets/db`,
      `GET https://${host}/v1/${parent}/secrets`,
    ];
    const anywhere = reads("secretmanager.googleapis.com", "projects/shop");
    const regional = reads("secretmanager.europe-west3.rep.googleapis.com", "projects/shop/locations/europe-west3");
    assert.deepEqual(
      plain.sent.map((line) => line.replace(/\?.*/, "").split(" ").slice(0, 2).join(" ")),
      [
        "POST https://securetoken.googleapis.com/v1/identitybindingtoken",
        `POST https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateAccessToken`,
        ...anywhere,
        "POST https://sts.googleapis.com/v1/token",
        ...regional,
        "POST https://oauth2.googleapis.com/token",
        ...anywhere,
        "GET http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token",
        ...anywhere,
      ],
    );
    const told = /gl-node|grpc|gax|x-goog-api-client|x-goog-user-project/;
    for (const line of plain.sent) {
      assert.match(line, /"user-agent":"keyferry"/);
      assert.doesNotMatch(line, told, "nothing is said about this machine");
    }
  });

  const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  after(() => clients.close());
  const { signal } = new AbortController();
  const session = (): GcpSession => ({ authorization: SecretValue.fromText("Bearer token") });
  const good = canned({
    status: 200,
    body: JSON.stringify({ name: "projects/1/secrets/db/versions/3", payload: { data: "dg==" } }),
  });

  test("its sockets are the stores' own: an address that stores may not use is not reached", async (t) => {
    const server = await startHostileServer(() => good);
    t.after(server.close);
    const guarded = createHttpClients({ allowLoopback: false, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    t.after(() => guarded.close());
    const store = openGcp(byKey, { url: server.url, clients: guarded });
    const read = store.fetch(store.locate({ key: "db", metadataPolicy: "None" }), session(), signal);
    await assert.rejects(read, { code: "store_unreachable", message: /loopback address/ });
    assert.equal(server.connections, 0);
  });
  test("sessions share connections", async (t) => {
    const server = await startHostileServer(() => good);
    t.after(server.close);
    for (let i = 0; i < 6; i++) {
      const store = openGcp(byKey, { url: server.url, clients });
      await store.fetch(store.locate({ key: "db", metadataPolicy: "None" }), session(), signal);
    }
    assert.ok(server.connections <= 2, `${server.connections} connections`);
  });
  test("a read that nobody waits for any more is not sent", async (t) => {
    const server = await startHostileServer(() => silence());
    t.after(server.close);
    const store = openGcp(byKey, { url: server.url, clients });
    const reason = new Failure("store_timeout", "no longer");
    const located = store.locate({ key: "db", metadataPolicy: "None" });
    await assert.rejects(store.fetch(located, session(), AbortSignal.abort(reason)), reason);
    assert.equal(server.requests.length, 0);
  });
  test("a session holds its token and nothing of the client's", async (t) => {
    const server = await startHostileServer(() =>
      canned({ status: 200, body: '{"access_token":"token","expires_in":3600}' }),
    );
    t.after(server.close);
    const store = openGcp(byKey, { url: server.url, clients });
    const made = await store.login(secretProof("key", createGcpIdentities().makeKey(email)), signal, facts);
    assert.deepEqual(Object.keys(made).sort(), ["authorization", "expiresAtMs"]);
  });
});
