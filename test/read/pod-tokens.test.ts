import assert from "node:assert/strict";
import { test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose";
import { Failure } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import { loadTokenKeys, podTokens, type PodTokens, type TokenKeys } from "../../plugin/read/pod-tokens.ts";
import { FakeClock } from "../fakes/clock.ts";

const clock = new FakeClock();
const nowSeconds = Math.floor(clock.nowMs() / 1_000);
const facts = { namespace: "shop", podName: "web-0", podUid: "pod-uid", serviceAccountName: "checkout" };
const issuer = "https://kubernetes.default.svc.cluster.local";

interface Claims {
  iss: string;
  sub?: string;
  aud: unknown;
  exp?: unknown;
  nbf: number;
  "kubernetes.io"?: {
    namespace?: string;
    pod?: { name?: string; uid?: string };
    serviceaccount?: { name?: string; uid?: string };
  };
}

/** As the API server writes them for a pod. */
function goodClaims(audience = "vault"): Claims {
  return {
    iss: issuer,
    sub: "system:serviceaccount:shop:checkout",
    aud: [audience],
    exp: nowSeconds + 3_600,
    nbf: nowSeconds,
    "kubernetes.io": {
      namespace: "shop",
      pod: { name: "web-0", uid: "pod-uid" },
      serviceaccount: { name: "checkout", uid: "account-uid" },
    },
  };
}

const rsa = await generateKeyPair("RS256");
const ec = await generateKeyPair("ES256");
const stranger = await generateKeyPair("RS256");

function sign(
  claims: object,
  key: CryptoKey = rsa.privateKey,
  header: object = { alg: "RS256", kid: "rsa" },
): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader(header as { alg: string }).sign(key);
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const unsigned = (claims: object): string => `${part({ alg: "none" })}.${part(claims)}.`;

const rsaJwk = { ...(await exportJWK(rsa.publicKey)), kid: "rsa", alg: "RS256", use: "sig" };
const ecJwk = { ...(await exportJWK(ec.publicKey)), kid: "ec", alg: "ES256", use: "sig" };
const keys = loadTokenKeys(JSON.stringify({ keys: [rsaJwk, ecJwk] }));

/** kubelet's JSON. */
function tokensJson(tokens: Readonly<Record<string, string>>, expirationTimestamp = "2026-01-01T01:00:00Z"): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(tokens).map(([audience, token]) => [audience, { token, expirationTimestamp }])),
  );
}

function check(json: string | undefined, withKeys?: TokenKeys): Promise<PodTokens> {
  return podTokens({
    facts,
    clock,
    ...(json === undefined ? {} : { tokensJson: SecretValue.fromText(json) }),
    ...(withKeys ? { keys: withKeys } : {}),
  });
}

async function refusal(json: string, withKeys?: TokenKeys): Promise<string> {
  try {
    await check(json, withKeys);
  } catch (thrown) {
    assert.ok(thrown instanceof Failure);
    assert.equal(thrown.code, "not_allowed");
    return thrown.message;
  }
  assert.fail("was not refused");
}

test("no tokens at all: nothing is proven, nothing is refused", async () => {
  for (const json of [undefined, "null", "{}"]) {
    assert.deepEqual(await check(json, keys), { tokens: [], proven: false }, String(json));
  }
});

test("a verified token proves the pod", async () => {
  const token = await sign(goodClaims());
  const { tokens, proven } = await check(tokensJson({ vault: token }), keys);
  assert.equal(proven, true);
  assert.equal(tokens.length, 1);
  const [one] = tokens;
  assert.deepEqual(
    [one!.audience, one!.serviceAccountUid, one!.expiresAtMs, one!.token.reveal().toString()],
    ["vault", "account-uid", (nowSeconds + 3_600) * 1_000, token],
  );
});

test("without keys the claims are compared but prove nothing", async () => {
  const { tokens, proven } = await check(tokensJson({ vault: await sign(goodClaims(), stranger.privateKey) }));
  assert.deepEqual([proven, tokens[0]!.serviceAccountUid], [false, "account-uid"]);
});

test("an opaque token is taken as it is without keys", async () => {
  const { tokens, proven } = await check(tokensJson({ vault: "s3cret" }));
  const [one] = tokens;
  assert.deepEqual(
    [proven, one!.serviceAccountUid, one!.expiresAtMs, one!.token.reveal().toString()],
    [false, "opaque", Date.UTC(2026, 0, 1, 1), "s3cret"],
  );
});

test("an opaque token whose time stamp says nothing has no end", async () => {
  const { tokens } = await check(tokensJson({ vault: "s3cret" }, "soon"));
  assert.equal(tokens[0]!.expiresAtMs, undefined);
});

const fine: readonly { name: string; json: () => Promise<string>; withKeys?: TokenKeys }[] = [
  {
    name: "an EC key",
    json: async () => tokensJson({ vault: await sign(goodClaims(), ec.privateKey, { alg: "ES256", kid: "ec" }) }),
    withKeys: keys,
  },
  {
    name: "no key id and two keys that fit",
    json: async () => tokensJson({ vault: await sign(goodClaims(), rsa.privateKey, { alg: "RS256" }) }),
    withKeys: loadTokenKeys(
      JSON.stringify({ keys: [{ ...(await exportJWK(stranger.publicKey)), kid: "old" }, rsaJwk] }),
    ),
  },
  {
    name: "one audience as text",
    json: async () => tokensJson({ vault: await sign({ ...goodClaims(), aud: "vault" }) }),
    withKeys: keys,
  },
  {
    name: "several tokens for several audiences",
    json: async () => tokensJson({ vault: await sign(goodClaims()), aws: await sign(goodClaims("aws")) }),
    withKeys: keys,
  },
  {
    name: "an empty audience asks for the API server's own",
    json: async () => tokensJson({ "": await sign(goodClaims("https://kubernetes.default.svc")) }),
    withKeys: keys,
  },
  {
    name: "a node clock a little behind the API server's",
    json: async () => tokensJson({ vault: await sign({ ...goodClaims(), nbf: nowSeconds + 30 }) }),
    withKeys: keys,
  },
  {
    name: "the issuer that the key file names",
    json: async () => tokensJson({ vault: await sign(goodClaims()) }),
    withKeys: loadTokenKeys(JSON.stringify({ issuer, keys: [rsaJwk] })),
  },
];
for (const { name, json, withKeys } of fine) {
  test(`accepted: ${name}`, async () => assert.equal((await check(await json(), withKeys)).proven, true));
}

const wrongClaims: readonly { name: string; change: (claims: Claims) => void; says: RegExp }[] = [
  { name: "another namespace", change: (c) => (c["kubernetes.io"]!.namespace = "canary"), says: /another namespace/ },
  {
    name: "another pod of the namespace",
    change: (c) => (c["kubernetes.io"]!.pod!.name = "canary"),
    says: /another pod name/,
  },
  {
    name: "an earlier pod of the same name",
    change: (c) => (c["kubernetes.io"]!.pod!.uid = "canary"),
    says: /another pod uid/,
  },
  {
    name: "another service account",
    change: (c) => (c["kubernetes.io"]!.serviceaccount!.name = "canary"),
    says: /another service account name/,
  },
  {
    name: "a subject that differs from the claims",
    change: (c) => (c.sub = "system:serviceaccount:canary:checkout"),
    says: /another subject/,
  },
  { name: "no pod claim", change: (c) => delete c["kubernetes.io"]!.pod, says: /does not say its pod name/ },
  {
    name: "no service account uid",
    change: (c) => delete c["kubernetes.io"]!.serviceaccount!.uid,
    says: /does not say its service account uid/,
  },
  { name: "no kubernetes.io claim", change: (c) => delete c["kubernetes.io"], says: /does not say its namespace/ },
  { name: "no subject", change: (c) => delete c.sub, says: /does not say its subject/ },
  { name: "another audience", change: (c) => (c.aud = ["canary"]), says: /another audience/ },
  { name: "no audience", change: (c) => (c.aud = []), says: /another audience/ },
  { name: "an expired token", change: (c) => (c.exp = nowSeconds), says: /has expired: check the clocks/ },
  { name: "no expiry", change: (c) => delete c.exp, says: /does not say when it expires/ },
  { name: "an expiry that is text", change: (c) => (c.exp = "canary"), says: /does not say when it expires/ },
  { name: "a token of tomorrow", change: (c) => (c.nbf = nowSeconds + 86_400), says: /not valid yet/ },
];
for (const { name, change, says } of wrongClaims) {
  for (const withKeys of [keys, undefined]) {
    test(`refused ${withKeys ? "with" : "without"} keys: ${name}`, async () => {
      const claims = goodClaims();
      change(claims);
      const token = await sign(claims);
      const message = await refusal(tokensJson({ vault: token }), withKeys);
      assert.match(message, says);
      assert.match(message, /audience "vault"/);
      assert.ok(!message.includes("canary") && !message.includes(token));
    });
  }
}

const forged: readonly { name: string; token: () => Promise<string> | string; says: RegExp }[] = [
  {
    name: "signed with a stranger's key under our key id",
    token: () => sign(goodClaims(), stranger.privateKey),
    says: /not signed/,
  },
  {
    name: "an unknown key id",
    token: () => sign(goodClaims(), stranger.privateKey, { alg: "RS256", kid: "stranger" }),
    says: /not signed/,
  },
  { name: "alg none", token: () => unsigned(goodClaims()), says: /not signed/ },
  {
    name: "a shared-secret signature made with the public key",
    token: () => sign(goodClaims(), Buffer.from(rsaJwk.n!) as unknown as CryptoKey, { alg: "HS256", kid: "rsa" }),
    says: /not signed/,
  },
  {
    name: "claims exchanged under a good signature",
    token: async () => {
      const [header, , signature] = (await sign({ ...goodClaims(), sub: "system:serviceaccount:other:other" })).split(
        ".",
      );
      return `${header}.${part(goodClaims())}.${signature}`;
    },
    says: /not signed/,
  },
  {
    name: "the signature cut off",
    token: async () => (await sign(goodClaims())).replace(/[^.]*$/, ""),
    says: /not signed/,
  },
  { name: "an opaque token", token: () => "s3cret", says: /opaque/ },
  { name: "three parts that are no JSON", token: () => "a.b.c", says: /opaque/ },
];
for (const { name, token, says } of forged) {
  test(`refused with keys: ${name}`, async () => {
    const text = await token();
    const message = await refusal(tokensJson({ vault: text }), keys);
    assert.match(message, says);
    assert.ok(!message.includes(text));
  });
}

test("a token under the wrong audience's entry is refused", async () => {
  const json = tokensJson({ vault: await sign(goodClaims("aws")), aws: await sign(goodClaims("aws")) });
  assert.match(await refusal(json, keys), /audience "vault" is for another audience/);
});

test("one bad token among good ones refuses the call", async () => {
  const json = tokensJson({ vault: await sign(goodClaims()), aws: unsigned(goodClaims("aws")) });
  assert.match(await refusal(json, keys), /audience "aws"/);
});

test("another issuer than the key file's is refused", async () => {
  const own = loadTokenKeys(JSON.stringify({ issuer: "https://elsewhere", keys: [rsaJwk] }));
  assert.match(await refusal(tokensJson({ vault: await sign(goodClaims()) }), own), /another issuer/);
});

test("an opaque token past its time stamp is refused", async () => {
  assert.match(await refusal(tokensJson({ vault: "s3cret" }, "2025-12-31T23:59:59Z")), /expired/);
});

const malformed: readonly string[] = [
  "canary",
  "",
  "[]",
  '"canary"',
  '{"vault":"canary"}',
  '{"vault":{"token":7}}',
  '{"vault":{"token":""}}',
  '{"vault":{}}',
  '{"vault":null}',
  "[".repeat(200),
];
for (const json of malformed) {
  test(`refused: ${JSON.stringify(json.slice(0, 30))} is not what kubelet writes`, async () => {
    const message = await refusal(json);
    assert.match(message, /not the JSON that kubelet writes.*volumeAttributes/);
    assert.doesNotMatch(message, /canary/);
  });
}

test("a long audience is cut in the message", async () => {
  const message = await refusal(tokensJson({ ["x".repeat(5_000)]: unsigned(goodClaims()) }), keys);
  assert.ok(message.length < 500);
});

const badFiles: readonly { name: string; text: string; says: RegExp }[] = [
  { name: "a PEM file", text: "-----BEGIN PUBLIC KEY-----\ncanary", says: /is not JSON/ },
  { name: "an object without keys", text: '{"canary":1}', says: /has no list "keys"/ },
  { name: "no key", text: '{"keys":[]}', says: /has no key/ },
  {
    name: "a shared secret",
    text: '{"keys":[{"kty":"oct","k":"canary"}]}',
    says: /no RSA, EC or OKP key at keys\[0\]/,
  },
  {
    name: "a private key",
    text: '{"keys":[{"kty":"RSA","n":"x","e":"AQAB","d":"canary"}]}',
    says: /private key at keys\[0\]/,
  },
  { name: "something else in the list", text: '{"keys":["canary"]}', says: /at keys\[0\]/ },
  { name: "an issuer that is no text", text: '{"issuer":7,"keys":[{"kty":"RSA"}]}', says: /"issuer"/ },
];
for (const { name, text, says } of badFiles) {
  test(`no key file: ${name}`, () => {
    assert.throws(
      () => loadTokenKeys(text),
      (thrown) => {
        assert.ok(thrown instanceof Failure);
        assert.equal(thrown.code, "manifest_invalid");
        assert.match(thrown.message, says);
        assert.match(thrown.message, /kubectl get --raw/);
        assert.doesNotMatch(thrown.message, /canary/);
        return true;
      },
    );
  });
}
