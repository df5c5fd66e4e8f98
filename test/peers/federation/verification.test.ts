/**
 * That the servers of these tests verify what the real ones do: each takes a good token of the account for its value,
 * and refuses it where the signature, the audience, the subject or the time is not right.
 *
 * They are asked through the store kinds themselves, so by the vendors' own clients.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, describe, test } from "node:test";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { fromWebToken } from "@aws-sdk/credential-provider-web-identity";
import { Failure } from "../../../plugin/core/failure.ts";
import { systemClock } from "../../../plugin/core/clock.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Store } from "../../../plugin/stores/contract.ts";
import { storeKinds } from "../../../plugin/stores/registry.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { startAwsServer } from "../../fakes/aws-server.ts";
import { createTokenIssuer, type TokenOptions } from "../../fakes/token-issuer.ts";
import { facts } from "../../stores/facts.ts";
import { startFederatedAws } from "./aws.ts";
import { startFederatedAzure } from "./azure.ts";
import type { Federation } from "./federation.ts";
import { startFederatedGcp } from "./gcp.ts";

const web = { namespace: "shop", name: "web" };
const [issuer, forger] = await Promise.all([createTokenIssuer(), createTokenIssuer()]);
const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
after(() => clients.close());

async function open({ provider, env }: Federation): Promise<Store> {
  const { [roots]: file, ...endpoints } = env;
  const ca = file === undefined ? {} : { ca: await readFile(file, "utf8") };
  const [[kind, block] = []] = Object.entries(provider("web"));
  const context = { scope: "SecretStore", name: "store", namespace: "shop" } as const;
  const opened = (await storeKinds[kind as keyof typeof storeKinds]()).open(block, context, {
    clock: systemClock,
    http: (tls) => clients.send({ ...tls, ...ca }),
    watchPath: () => () => undefined,
    plainHttp: true,
    endpoints,
    countCall: () => undefined,
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}
const roots = "NODE_EXTRA_CA_CERTS";

interface Row {
  readonly what: string;
  readonly by?: typeof issuer;
  readonly account?: Partial<typeof web>;
  readonly token?: TokenOptions;
}

const refused: readonly Row[] = [
  { what: "that another key signed under the same name", by: forger },
  { what: "for another audience", token: { audience: "elsewhere" } },
  { what: "of another account", account: { name: "app" } },
  { what: "of an account of this name in another namespace", account: { namespace: "bank" } },
  { what: "whose time is over", token: { lifetime: "-1m" } },
];

for (const start of [startFederatedAws, startFederatedGcp, startFederatedAzure]) {
  const federation = await start();
  after(() => federation.stop());
  describe(`${federation.name}: a token`, async () => {
    await federation.trust({ issuer: issuer.issuer, jwks: issuer.jwks, url: "", authority: "" }, "shop");
    const annotations = await federation.admit(web);
    const store = await open(federation);
    const login = async ({ by = issuer, account, token }: Omit<Row, "what">) => {
      const { namespace, name } = { ...web, ...account };
      const claims = { namespace, serviceAccountName: name, serviceAccountUid: "u-1" };
      const jwt = await by.sign(claims, { audience: federation.audience, ...token });
      const proof = { kind: "token", token: SecretValue.fromText(jwt), annotations } as const;
      return store.login(proof, AbortSignal.timeout(10_000), facts);
    };

    test("of the account for its audience brings its value", async () => {
      const { key, value } = federation.reads(web);
      const session = await login({});
      const located = store.locate({ key, metadataPolicy: "None" });
      const answer = await store.fetch(located, session, AbortSignal.timeout(10_000));
      assert.equal((federation.told ?? String)(answer.value.reveal().toString()), value);
    });

    for (const { what, ...row } of refused)
      test(`${what} is refused`, async () => {
        const thrown = await login(row).then(
          () => assert.fail("it logged in"),
          (reason: unknown) => reason,
        );
        assert.ok(thrown instanceof Failure, String(thrown));
        assert.equal(thrown.code, "store_login_denied", thrown.message);
      });
  });
}

test("Secrets Manager takes no request but one that credentials of a role signed, for what that role may read", async (t) => {
  const server = await startAwsServer();
  t.after(() => server.close());
  const audience = "sts.amazonaws.com";
  const RoleArn = "arn:aws:iam::123456789012:role/web";
  server.trust({ issuer: issuer.issuer, jwks: issuer.jwks, audiences: [audience] });
  server.role(RoleArn, { subject: "system:serviceaccount:shop:web", reads: ["db"] });
  for (const name of ["db", "api"]) server.put(name, "for {role}");
  const claims = { namespace: "shop", serviceAccountName: "web", serviceAccountUid: "u-1" };
  const endpoint = { region: "eu-central-1", endpoint: server.url };
  const credentials = await fromWebToken({
    roleArn: RoleArn,
    webIdentityToken: await issuer.sign(claims, { audience }),
    clientConfig: endpoint,
  })();
  const read = async (given: Partial<typeof credentials>, SecretId = "db"): Promise<string | undefined> => {
    const client = new SecretsManagerClient({ ...endpoint, credentials: { ...credentials, ...given }, maxAttempts: 1 });
    return (await client.send(new GetSecretValueCommand({ SecretId }))).SecretString;
  };
  assert.equal(await read({}), `for ${RoleArn}`);
  for (const forged of [{ accessKeyId: "ASIA9" }, { secretAccessKey: "made up" }, { sessionToken: "made up" }])
    await assert.rejects(read(forged), { name: "UnrecognizedClientException" });
  await assert.rejects(read({}, "api"), { name: "AccessDeniedException" });
});
