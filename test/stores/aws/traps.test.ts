/** What the SDK does by itself and must not do here. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { Failure } from "../../../plugin/core/failure.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { canned, silence, startHostileServer } from "../../fakes/hostile-server.ts";
import { json } from "./fake-aws.ts";
import { byKeys, keysProof, openAws } from "./opened.ts";
import { facts } from "../facts.ts";

interface Seen {
  readonly sent: readonly {
    readonly url: string;
    readonly scope: string;
    readonly headers: Readonly<Record<string, string>>;
  }[];
  readonly opened: readonly string[];
}

const program = join(import.meta.dirname, "print-requests.ts");
let home: string;

before(async () => {
  home = await mkdtemp(join(tmpdir(), "keyferry-aws-"));
  await mkdir(join(home, ".aws"));
  const settings = [
    "region = us-west-2",
    "use_fips_endpoint = true",
    "use_dualstack_endpoint = true",
    "endpoint_url = http://canary.example",
    "max_attempts = 9",
    "sdk_ua_app_id = canary",
    "role_arn = arn:aws:iam::999999999999:role/canary",
    "aws_access_key_id = canary",
    "aws_secret_access_key = canary",
  ].join("\n");
  await writeFile(join(home, ".aws/config"), `[default]\n${settings}\n[profile canary]\n${settings}\n`);
  await writeFile(join(home, ".aws/credentials"), `[default]\n${settings}\n[canary]\n${settings}\n`);
});
after(() => rm(home, { recursive: true }));

async function requestsUnder(environment: Readonly<Record<string, string>>): Promise<Seen> {
  const env = { PATH: process.env["PATH"] ?? "", ...environment };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { env });
  assert.equal(stderr, "", "nothing is printed beside the answer");
  return JSON.parse(stdout) as Seen;
}

suite("traps of the AWS SDK", { timeout: 60_000 }, () => {
  test("neither the environment nor files of this machine change what is sent, and no file is read", async () => {
    const plain = await requestsUnder({ HOME: "/nonexistent" });
    const files = await requestsUnder({ HOME: home });
    const variables = await requestsUnder({
      HOME: home,
      AWS_CONFIG_FILE: join(home, ".aws/config"),
      AWS_SHARED_CREDENTIALS_FILE: join(home, ".aws/credentials"),
      AWS_PROFILE: "canary",
      AWS_REGION: "us-west-2",
      AWS_DEFAULT_REGION: "us-west-2",
      AWS_ACCESS_KEY_ID: "canary",
      AWS_SECRET_ACCESS_KEY: "canary",
      AWS_SESSION_TOKEN: "canary",
      AWS_ROLE_ARN: "arn:aws:iam::999999999999:role/canary",
      AWS_WEB_IDENTITY_TOKEN_FILE: join(home, ".aws/config"),
      AWS_ROLE_SESSION_NAME: "canary",
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(home, ".aws/config"),
      AWS_ENDPOINT_URL_ACM: "http://canary.example",
      AWS_ENDPOINT_URL: "http://canary.example",
      AWS_ENDPOINT_URL_STS: "http://canary.example",
      AWS_ENDPOINT_URL_SSM: "http://canary.example",
      AWS_ENDPOINT_URL_SECRETS_MANAGER: "http://canary.example",
      AWS_USE_FIPS_ENDPOINT: "true",
      AWS_USE_DUALSTACK_ENDPOINT: "true",
      AWS_STS_REGIONAL_ENDPOINTS: "legacy",
      AWS_MAX_ATTEMPTS: "9",
      AWS_RETRY_MODE: "adaptive",
      AWS_DEFAULTS_MODE: "auto",
      AWS_AUTH_SCHEME_PREFERENCE: "sigv4a",
      AWS_SIGV4A_SIGNING_REGION_SET: "*",
      AWS_SDK_UA_APP_ID: "canary",
      AWS_EXECUTION_ENV: "canary",
      AWS_LAMBDA_FUNCTION_NAME: "canary",
      _X_AMZN_TRACE_ID: "Root=canary",
      HTTPS_PROXY: "http://canary.example:3128",
    });
    for (const hostile of [files, variables]) {
      assert.deepEqual(hostile.sent, plain.sent);
      assert.deepEqual(
        hostile.opened.filter((path) => path.includes(home) || path.includes(".aws")),
        [],
      );
    }
    const login = [
      "https://sts.eu-central-1.amazonaws.com/ unsigned",
      "https://sts.eu-central-1.amazonaws.com/ eu-central-1/sts/aws4_request",
    ];
    assert.deepEqual(
      plain.sent.map(({ url, scope }) => `${url} ${scope}`),
      [
        ...login,
        "https://secretsmanager.eu-central-1.amazonaws.com/ eu-central-1/secretsmanager/aws4_request",
        "https://secretsmanager.eu-central-1.amazonaws.com/ eu-central-1/secretsmanager/aws4_request",
        "https://secretsmanager.eu-central-1.amazonaws.com/ eu-central-1/secretsmanager/aws4_request",
        ...login,
        "https://ssm.eu-central-1.amazonaws.com/ eu-central-1/ssm/aws4_request",
        "https://ssm.eu-central-1.amazonaws.com/ eu-central-1/ssm/aws4_request",
        "https://ssm.eu-central-1.amazonaws.com/ eu-central-1/ssm/aws4_request",
        ...login,
        "https://acm.eu-central-1.amazonaws.com/ eu-central-1/acm/aws4_request",
      ],
    );
    for (const { headers } of plain.sent) {
      assert.equal(headers["user-agent"], "keyferry");
      assert.equal(headers["x-amz-user-agent"], undefined);
    }
  });

  const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  after(() => clients.close());
  const { signal } = new AbortController();

  test("its sockets are the stores' own: an address that stores may not use is not reached", async (t) => {
    const server = await startHostileServer(() => canned(json(200, {})));
    t.after(server.close);
    const guarded = createHttpClients({ allowLoopback: false, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    t.after(() => guarded.close());
    const store = openAws(byKeys, { url: server.url, clients: guarded });
    const session = await store.login(keysProof("AKIA1"), signal, facts);
    const read = store.fetch(store.locate({ key: "db", metadataPolicy: "None" }), session, signal);
    await assert.rejects(read, { code: "store_unreachable", message: /loopback address/ });
    assert.equal(server.connections, 0);
  });
  test("sessions share connections", async (t) => {
    const server = await startHostileServer(() => canned(json(200, { SecretString: "v", VersionId: "1" })));
    t.after(server.close);
    const store = openAws(byKeys, { url: server.url, clients });
    for (const key of ["AKIA1", "AKIA2", "AKIA3", "AKIA4", "AKIA5", "AKIA6"])
      await store.fetch(
        store.locate({ key: "db", metadataPolicy: "None" }),
        await store.login(keysProof(key), signal, facts),
        signal,
      );
    assert.ok(server.connections <= 2, `${server.connections} connections`);
  });
  test("a read that nobody waits for any more is not sent", async (t) => {
    const server = await startHostileServer(() => silence());
    t.after(server.close);
    const store = openAws(byKeys, { url: server.url, clients });
    const session = await store.login(keysProof("AKIA1"), signal, facts);
    const reason = new Failure("store_timeout", "no longer");
    const read = store.fetch(store.locate({ key: "db", metadataPolicy: "None" }), session, AbortSignal.abort(reason));
    await assert.rejects(read, reason);
    assert.equal(server.requests.length, 0);
  });
  test("what it remembers of a clock that is off belongs to one session, and corrects the next request", async (t) => {
    const aDay = 86_400_000;
    const server = await startHostileServer(() =>
      canned(json(200, { SecretString: "v", VersionId: "1" }, { date: new Date(Date.now() + aDay).toUTCString() })),
    );
    t.after(server.close);
    const store = openAws(byKeys, { url: server.url, clients });
    const session = await store.login(keysProof("AKIA1"), signal, facts);
    const dayOf = (at: number): string => server.requests[at]!.headers["x-amz-date"]!.slice(0, 8);
    for (let i = 0; i < 2; i++) await store.fetch(store.locate({ key: "db", metadataPolicy: "None" }), session, signal);
    assert.notEqual(dayOf(0), dayOf(1));
  });
});
