/** The keys that pod tokens are verified with, from the API server that signs them. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import { podTokens } from "../../plugin/read/pod-tokens.ts";
import { settle } from "../fakes/clock.ts";
import type { Bench } from "./client/bench.ts";
import { openRoles } from "./cluster-bench.ts";

const keysPath = "/openid/v1/jwks";
const issuerPath = "/.well-known/openid-configuration";
const issuer = "https://kubernetes.default.svc";

async function createKey(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" };
  const claims = (nowMs: number) => ({
    iss: issuer,
    sub: "system:serviceaccount:shop:checkout",
    aud: ["vault"],
    exp: nowMs / 1_000 + 36_000,
    "kubernetes.io": {
      namespace: "shop",
      pod: { name: "web-0", uid: "pod-uid" },
      serviceaccount: { name: "checkout", uid: "account-uid" },
    },
  });
  const sign = (nowMs: number, changes: object = {}): Promise<string> =>
    new SignJWT({ ...claims(nowMs), ...changes }).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey);
  return { jwk, sign, privateJwk: await exportJWK(privateKey) };
}
const first = await createKey("first");
const second = await createKey("second");
const forged = await createKey("first");

function publish({ server }: Pick<Bench, "server">, ...keys: readonly object[]): void {
  server.serve(keysPath, { keys });
  server.serve(issuerPath, { issuer, jwks_uri: "https://elsewhere/" });
}

async function open(t: TestContext, ...keys: readonly object[]) {
  const bench = await openRoles(t, ["mount"], (before) => publish(before, ...keys));
  const { cluster, clock, server } = bench;
  const asked = (): number => server.requests.filter(({ path }) => path === keysPath).length;
  /** `proven`, or the code of the failure. */
  const verify = async (token: string): Promise<string> => {
    const facts = { namespace: "shop", podName: "web-0", podUid: "pod-uid", serviceAccountName: "checkout" };
    const tokensJson = SecretValue.fromText(JSON.stringify({ vault: { token } }));
    try {
      const { proven } = await podTokens({ facts, tokensJson, keys: cluster.tokenKeys, clock });
      return proven ? "proven" : "unproven";
    } catch (thrown) {
      return (thrown as { code: string }).code;
    }
  };
  return { ...bench, asked, verify };
}

test("a pod's token is verified with the API server's keys and issuer, asked for once", async (t) => {
  const { verify, asked, clock } = await open(t, first.jwk);
  const now = clock.nowMs();
  const tokens = [first.sign(now), first.sign(now, { iss: "https://else" }), forged.sign(now)];
  const found = await Promise.all(tokens.map(async (token) => verify(await token)));
  assert.deepEqual(found, ["proven", "not_allowed", "not_allowed"]);
  assert.equal(asked(), 1);
});

test("an unknown key id has the keys read again, but not more often than every ten seconds", async (t) => {
  const { verify, asked, clock, server } = await open(t, first.jwk);
  const now = clock.nowMs();
  assert.equal(await verify(await first.sign(now)), "proven");
  publish({ server }, first.jwk, second.jwk);
  assert.equal(await verify(await second.sign(now)), "not_allowed", "read a moment ago");
  await clock.advance(10_000);
  assert.equal(await verify(await second.sign(now)), "proven");
  const planted = await createKey("planted");
  for (let n = 0; n < 5; n++) assert.equal(await verify(await planted.sign(now)), "not_allowed");
  assert.equal(asked(), 2);
});

test("a key that is taken out of service stops counting after five minutes", async (t) => {
  const { verify, asked, clock, server } = await open(t, first.jwk, second.jwk);
  const token = await second.sign(clock.nowMs());
  assert.equal(await verify(token), "proven");
  publish({ server }, first.jwk);
  await clock.advance(299_000);
  assert.deepEqual([await verify(token), asked()], ["proven", 1]);
  await clock.advance(1_000);
  assert.deepEqual([await verify(token), asked()], ["not_allowed", 2]);
});

test("through an outage the last keys stay in use, and nobody waits long", async (t) => {
  const { verify, asked, clock, server } = await open(t, first.jwk);
  const token = await first.sign(clock.nowMs());
  assert.equal(await verify(token), "proven");
  server.fail({ path: keysPath }, { status: 500 }, Infinity);
  await clock.advance(300_000);
  const verifying = verify(token);
  while (asked() < 2) await settle();
  await clock.advance(3_001);
  assert.equal(await verifying, "proven");
  server.mend();
  await clock.advance(60_000);
  publish({ server }, second.jwk);
  assert.equal(await verify(token), "not_allowed");
});

test("without keys nobody is let in, and it is an outage", async (t) => {
  const { verify, clock, server, asked } = await open(t, first.jwk);
  const token = await first.sign(clock.nowMs());
  server.fail({ path: keysPath }, "hold", Infinity);
  const verifying = verify(token);
  while (asked() < 1) await settle();
  await clock.advance(10_001);
  assert.equal(await verifying, "kube_unavailable");
  server.mend();
  assert.equal(await verify(token), "proven");
});

const unusable: readonly { name: string; keys: unknown; discovery: unknown }[] = [
  { name: "no keys", keys: { keys: [] }, discovery: { issuer } },
  { name: "no list of keys", keys: [], discovery: { issuer } },
  { name: "only a shared secret", keys: { keys: [{ kty: "oct", k: "AAAA", kid: "first" }] }, discovery: { issuer } },
  { name: "only private keys", keys: { keys: [{ ...first.privateJwk, kid: "first" }] }, discovery: { issuer } },
  { name: "no issuer", keys: { keys: [first.jwk] }, discovery: {} },
];
for (const { name, keys, discovery } of unusable)
  test(`an API server that publishes ${name} lets nobody in`, async (t) => {
    const { verify, clock, server } = await open(t);
    server.serve(keysPath, keys);
    server.serve(issuerPath, discovery);
    assert.equal(await verify(await first.sign(clock.nowMs())), "kube_unavailable");
  });

test("an opaque token is refused without asking anybody", async (t) => {
  const { verify, asked } = await open(t, first.jwk);
  assert.deepEqual([await verify("opaque"), asked()], ["not_allowed", 0]);
});
