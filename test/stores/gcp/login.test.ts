/** How the store logs in at Google's token servers, and what is told when they say no. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { after, before, beforeEach, suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import type { Proof } from "../../../plugin/stores/contract.ts";
import { gcpsm } from "../../../plugin/stores/gcp/kind.ts";
import type { GcpSession } from "../../../plugin/stores/gcp/store.ts";
import type { HttpSend } from "../../../plugin/stores/http.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { createGcpIdentities } from "../../fakes/gcp-identities.ts";
import { startGcpRest } from "../../fakes/gcp-rest.ts";
import type { GcpRest } from "../../fakes/gcp-rest.ts";
import { createGcpSecrets } from "../../fakes/gcp-secrets.ts";
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import type { HostileServer } from "../../fakes/hostile-server.ts";
import { createTokenIssuer } from "../../fakes/token-issuer.ts";
import type { TokenIssuer } from "../../fakes/token-issuer.ts";
import { facts } from "../facts.ts";
import {
  byCluster,
  byKey,
  byPool,
  clock,
  cluster,
  clusterAudience,
  clusterWide,
  endpointsAt,
  openGcp,
  poolAudience,
  secretProof,
  tokenProof,
} from "./opened.ts";

const { signal } = new AbortController();
const email = "reader@shop.iam.gserviceaccount.com";
const stranger = "stranger@shop.iam.gserviceaccount.com";
const account = { namespace: "shop", serviceAccountName: "checkout", serviceAccountUid: "u1" };
const subject = "system:serviceaccount:shop:checkout";

const identities = createGcpIdentities();
let clients: HttpClients;
let google: GcpRest;
let issuer: TokenIssuer;
let elsewhere: HostileServer;
let calls: string[];

before(async () => {
  clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  [google, issuer, elsewhere] = await Promise.all([
    startGcpRest(createGcpSecrets(), identities, () => clock.nowMs()),
    createTokenIssuer(),
    startHostileServer(),
  ]);
  const trusted = { jwks: issuer.jwks, issuer: issuer.issuer };
  identities.trust({
    ...trusted,
    audience: clusterAudience,
    tokenAudiences: ["shop.svc.id.goog"],
    principal: (who) => `cluster:${who}`,
  });
  identities.trust({
    ...trusted,
    audience: poolAudience,
    tokenAudiences: [`https:${poolAudience}`],
    principal: (who) => `pool:${who}`,
  });
  identities.letIn(email, [`cluster:${subject}`, `pool:${subject}`]);
  identities.letIn(stranger, []);
});
after(async () => {
  await clients.close();
  await Promise.all([google.close(), elsewhere.close()]);
});
beforeEach(() => void (calls = []));

async function login(block: object, proof: Proof, context?: typeof clusterWide): Promise<GcpSession> {
  const store = openGcp(block, { url: google.url, clients, calls, ...(context ? { context } : {}) });
  return (await store.login(proof, signal, facts)) as GcpSession;
}
const whoIs = ({ authorization }: GcpSession): string => identities.whose(authorization.reveal().toString("utf8"));
const tokenFor = (audience: string): Promise<string> => issuer.sign(account, { audience });
const inMs = ({ expiresAtMs }: GcpSession): number => expiresAtMs! - clock.nowMs();

suite("a login through the cluster's pool", { timeout: 30_000 }, () => {
  test("is the account itself when it is annotated with nothing", async () => {
    const session = await login(byCluster, tokenProof(`${await tokenFor("shop.svc.id.goog")}\n`));
    assert.equal(whoIs(session), `cluster:${subject}`);
    assert.equal(inMs(session), 3_599_000);
    assert.deepEqual(calls, ["GCP/SecretManager GenerateIDBindToken success"]);
    const { headers, path } = google.requests.at(-1)!;
    assert.deepEqual([path, headers["content-type"]], ["/v1/identitybindingtoken", "application/json"]);
  });
  test("is the Google service account that it is annotated with", async () => {
    const session = await login(byCluster, tokenProof(await tokenFor("shop.svc.id.goog"), email));
    assert.equal(whoIs(session), `serviceAccount:${email}`);
    assert.equal(inMs(session), 3_600_000);
    assert.equal(calls.at(-1), "GCP/SecretManager GenerateAccessToken success");
  });
  test("asks the metadata server about the cluster where a ClusterSecretStore does not say", async () => {
    const { clusterProjectID } = cluster;
    const block = { auth: { workloadIdentity: { serviceAccountRef: { name: "checkout" }, clusterProjectID } } };
    const proof = tokenProof(await tokenFor("shop.svc.id.goog"));
    await assert.rejects(login(block, proof, clusterWide), { code: "store_invalid", message: /clusterLocation/ });
    google.machine.attributes = { "cluster-location": "europe-west3", "cluster-name": "prod" };
    assert.equal(whoIs(await login(block, proof, clusterWide)), `cluster:${subject}`);
    google.machine.attributes = { "cluster-location": "europe-west3", "cluster-name": "x/../../y" };
    await assert.rejects(login(block, proof, clusterWide), { code: "answer_invalid" });
  });
});

suite("a login through a pool of one's own", { timeout: 30_000 }, () => {
  const fields = byPool.auth.workloadIdentityFederation;
  test("is what the pool makes of the account", async () => {
    const session = await login(byPool, tokenProof(await tokenFor(`https:${poolAudience}`)));
    assert.equal(whoIs(session), `pool:${subject}`);
    assert.deepEqual(calls, ["GCP/SecretManager ExchangeToken success"]);
  });
  test("speaks for the store's Google service account before the account's", async () => {
    const token = await tokenFor(`https:${poolAudience}`);
    assert.equal(whoIs(await login(byPool, tokenProof(token, email))), `serviceAccount:${email}`);
    const block = { auth: { workloadIdentityFederation: { ...fields, gcpServiceAccountEmail: email } } };
    assert.equal(whoIs(await login(block, tokenProof(token, stranger))), `serviceAccount:${email}`);
  });
});

suite("a login with a key", { timeout: 30_000 }, () => {
  test("signs for a token", async () => {
    const session = await login(byKey, secretProof("key", identities.makeKey(email)));
    assert.equal(whoIs(session), `serviceAccount:${email}`);
    assert.deepEqual(calls, ["GCP/SecretManager ExchangeKey success"]);
  });
  test("goes to Google whatever the key says", async () => {
    const key = { ...(JSON.parse(identities.makeKey(email)) as object), token_uri: elsewhere.url };
    assert.equal(whoIs(await login(byKey, secretProof("key", JSON.stringify(key)))), `serviceAccount:${email}`);
    assert.equal(elsewhere.requests.length, 0);
  });
  const broken: Readonly<Record<string, (key: Record<string, unknown>) => unknown>> = {
    "that is not JSON": () => "canary",
    "of a user": (key) => ({ ...key, type: "authorized_user" }),
    "without a key": (key) => ({ ...key, private_key: undefined }),
    "with a key that cannot be read": (key) => ({ ...key, private_key: "canary" }),
    "of another kind": (key) => ({ ...key, client_email: "canary@example.com" }),
    "of another universe": (key) => ({ ...key, universe_domain: "canary.example" }),
  };
  for (const [what, change] of Object.entries(broken))
    test(`${what} is told, and not shown`, async () => {
      const changed = change(JSON.parse(identities.makeKey(email)) as Record<string, unknown>);
      const attempt = login(byKey, secretProof("key", typeof changed === "string" ? changed : JSON.stringify(changed)));
      await assert.rejects(attempt, (thrown) => {
        assert.ok(thrown instanceof Failure && thrown.code === "store_invalid", inspect(thrown));
        assert.match(thrown.message, /^auth\.secretRef\.secretAccessKeySecretRef: the JSON key /);
        assert.doesNotMatch(inspect(thrown, { depth: 9, showHidden: true }), /canary|PRIVATE KEY/);
        return true;
      });
    });
});

suite("a login as an external account", { timeout: 30_000 }, () => {
  const file = (more: object = {}) => ({
    type: "external_account",
    audience: poolAudience,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    token_url: "https://sts.googleapis.com/v1/token",
    token_info_url: "https://sts.googleapis.com/v1/introspect",
    credential_source: { url: `${elsewhere.url}/token`, headers: { "x-asked-by": "keyferry" } },
    ...more,
  });
  const loginWith = (content: unknown, more: object = {}): Promise<GcpSession> => {
    const fields = { credConfig: { name: "pool", key: "f" }, externalTokenEndpoint: `${elsewhere.url}/token`, ...more };
    const proof = secretProof("credConfig", typeof content === "string" ? content : JSON.stringify(content));
    return login({ auth: { workloadIdentityFederation: fields } }, proof);
  };
  const answerToken = async (shape: (token: string) => string): Promise<void> => {
    const token = await tokenFor(`https:${poolAudience}`);
    elsewhere.answer(() => canned({ status: 200, body: shape(token) }));
  };

  test("takes the token from the URL that file and store name", async () => {
    await answerToken((token) => `${token}\n`);
    assert.equal(whoIs(await loginWith(file())), `pool:${subject}`);
    assert.equal(elsewhere.requests.at(-1)!.headers["x-asked-by"], "keyferry");
  });
  test("takes it from a member of a JSON answer", async () => {
    await answerToken((token) => JSON.stringify({ id: token }));
    const credential_source = {
      url: `${elsewhere.url}/token`,
      format: { type: "json", subject_token_field_name: "id" },
    };
    assert.equal(whoIs(await loginWith(file({ credential_source }))), `pool:${subject}`);
  });
  test("speaks for a Google service account, for as long as the file says", async () => {
    await answerToken((token) => token);
    const service_account_impersonation_url = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
    const service_account_impersonation = { token_lifetime_seconds: 1_200 };
    const session = await loginWith(file({ service_account_impersonation_url, service_account_impersonation }));
    assert.deepEqual([whoIs(session), inMs(session)], [`serviceAccount:${email}`, 1_200_000]);
    await assert.rejects(loginWith(file({ service_account_impersonation_url }), { gcpServiceAccountEmail: stranger }), {
      code: "store_login_denied",
      message: new RegExp(stranger),
    });
  });
  test("goes by the store's audience before the file's", async () => {
    await answerToken((token) => token);
    assert.equal(whoIs(await loginWith(file({ audience: "//other" }), { audience: poolAudience })), `pool:${subject}`);
  });

  const source = (more: object) => ({ credential_source: { url: "", ...more } });
  const broken: readonly (readonly [what: string, content: unknown, says: RegExp])[] = [
    ["that is not JSON", "canary", /no configuration of an external account/],
    ["of a key", { type: "service_account" }, /no configuration of an external account/],
    [
      "with a token server of its own",
      { token_url: "https://sts.canary.example/v1/token" },
      /token_url that is not Google's/,
    ],
    [
      "with an impersonation of its own",
      { service_account_impersonation_url: "https://canary.example/serviceAccounts/a:generateAccessToken" },
      /impersonation_url that is not Google's/,
    ],
    [
      "with a token from a file",
      source({ file: "/var/run/canary" }),
      /credential_source\.file, which is not read here; set serviceAccountRef/,
    ],
    ["with a token from a program", source({ executable: { command: "canary" } }), /credential_source\.executable/],
    ["with a token of AWS", source({ environment_id: "aws1" }), /credential_source\.environment_id/],
    [
      "with a token from elsewhere",
      source({ url: "https://canary.example/token" }),
      /not the store's externalTokenEndpoint/,
    ],
    ["without a source", { credential_source: undefined }, /no credential_source/],
    ["without an audience", { audience: undefined }, /no audience/],
    ["with a client", { client_id: "canary" }, /client_id, which is not supported yet/],
    ["of another universe", { universe_domain: "canary.example" }, /another universe/],
    ["with too long a life", { service_account_impersonation: { token_lifetime_seconds: 1e6 } }, /600 to 43200/],
  ];
  for (const [what, content, says] of broken)
    test(`${what} is told, and nothing is asked`, async () => {
      const asked = elsewhere.requests.length + google.requests.length;
      const whole = typeof content === "string" ? content : file(content as object);
      await assert.rejects(loginWith(whole), (thrown) => {
        assert.ok(thrown instanceof Failure && thrown.code === "store_invalid", inspect(thrown));
        assert.match(thrown.message, says);
        assert.doesNotMatch(thrown.message, /canary/);
        return true;
      });
      assert.equal(elsewhere.requests.length + google.requests.length, asked);
    });
});

suite("a login as the node", { timeout: 30_000 }, () => {
  test("takes the metadata server's token", async () => {
    const proof: Proof = { kind: "static", secrets: {} };
    google.machine.principal = "serviceAccount:node";
    const session = await login({}, proof, clusterWide);
    assert.deepEqual([whoIs(session), inMs(session)], ["serviceAccount:node", 3_000_000]);
    assert.deepEqual(calls, ["GCP/SecretManager GetMetadataToken success"]);
  });
  test("goes the way that is for metadata servers alone", async () => {
    const ways: string[] = [];
    const way = (name: string): HttpSend => {
      return (request, ended) => {
        ways.push(name);
        return clients.send({})(request, ended);
      };
    };
    const opened = gcpsm.open({ projectID: "shop" }, clusterWide, {
      clock,
      http: () => way("http"),
      machineHttp: way("machine"),
      watchPath: () => () => undefined,
      plainHttp: true,
      endpoints: endpointsAt(google.url),
      countCall: () => undefined,
    });
    assert.ok(opened.ok);
    google.machine.principal = "serviceAccount:node";
    await opened.value.store.login({ kind: "static", secrets: {} }, signal, facts);
    assert.deepEqual(ways, ["machine"]);
  });
});

suite("a login that Google refuses", { timeout: 30_000 }, () => {
  test("for the token's audience", async () => {
    await assert.rejects(login(byPool, tokenProof(await tokenFor("elsewhere"))), {
      code: "store_login_denied",
      message:
        /refused the exchange of the token \(400 invalid_grant\): check that audience names .* expects its audience/,
    });
    assert.deepEqual(calls, ["GCP/SecretManager ExchangeToken error"]);
  });
  test("for a pool that is not there", async () => {
    const workloadIdentityFederation = { ...byPool.auth.workloadIdentityFederation, audience: `${poolAudience}x` };
    const proof = tokenProof(await tokenFor(`https:${poolAudience}`));
    await assert.rejects(login({ auth: { workloadIdentityFederation } }, proof), { code: "store_invalid" });
  });
  test("for a key that is gone", async () => {
    const key = identities.makeKey(email);
    identities.forgetKey(email);
    await assert.rejects(login(byKey, secretProof("key", key)), {
      code: "store_login_denied",
      message: /the key of reader@shop.* \(400 invalid_grant\): check that the account and this key/,
    });
  });
  for (const [who, status] of [
    [stranger, "403 PERMISSION_DENIED"],
    ["nobody@shop.iam.gserviceaccount.com", "404 NOT_FOUND"],
  ] as const)
    test(`to speak for ${who}`, async () => {
      const proof = tokenProof(await tokenFor("shop.svc.id.goog"), who);
      await assert.rejects(login(byCluster, proof), {
        code: "store_login_denied",
        message: new RegExp(`a token for ${who} \\(${status}\\): .*roles/iam.workloadIdentityUser`),
      });
      assert.deepEqual(calls.at(-1), "GCP/SecretManager GenerateAccessToken error");
    });
  test("never goes on with an annotation that is no address", async () => {
    const proof = tokenProof(await tokenFor("shop.svc.id.goog"), "x/../../y");
    await assert.rejects(login(byCluster, proof), { code: "store_invalid" });
    assert.ok(google.requests.every(({ path }) => !path.includes("..")));
  });

  const answers: readonly (readonly [status: number, body: unknown, code: FailureCode])[] = [
    [400, { error: "invalid_request" }, "store_login_denied"],
    [401, { error: "invalid_client" }, "store_login_denied"],
    [400, { error: "invalid_scope" }, "store_invalid"],
    [403, { error: { code: 403, status: "PERMISSION_DENIED", message: "canary" } }, "store_login_denied"],
    [429, { error: { code: 429, status: "RESOURCE_EXHAUSTED", message: "canary" } }, "store_throttled"],
    [500, { error: "server_error" }, "store_error"],
    [400, "canary", "store_error"],
    [404, "canary", "answer_invalid"],
    [200, { access_token: "canary\nline", expires_in: 60 }, "answer_invalid"],
    [200, { access_token: "canary", expires_in: "soon" }, "answer_invalid"],
    [200, { access_token: "canary", expires_in: 0 }, "answer_invalid"],
  ];
  for (const [status, body, code] of answers)
    test(`with ${status} ${JSON.stringify(body)} is ${code}`, async () => {
      elsewhere.answer(() => canned({ status, headers: { "retry-after": "7" }, body: JSON.stringify(body) }));
      const store = openGcp(byPool, { url: elsewhere.url, clients });
      await assert.rejects(store.login(tokenProof("jwt"), signal, facts), (thrown) => {
        assert.ok(thrown instanceof Failure && thrown.code === code, inspect(thrown));
        assert.doesNotMatch(inspect(thrown, { depth: 9, showHidden: true }), /canary/);
        if (/throttled|store_error/.test(code)) assert.equal(thrown.retryAfterMs, 7_000);
        return true;
      });
    });
});

test("no timer is left behind", () => assert.equal(clock.pending, 0));
