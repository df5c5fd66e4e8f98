import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { StoreContext } from "../../../plugin/stores/contract.ts";
import { parseVaultBlock } from "../../../plugin/stores/vault/block.ts";
import { createVaultStore } from "../../../plugin/stores/vault/store.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { makeCertificate } from "../../fakes/certificate.ts";

const inShop: StoreContext = { scope: "SecretStore", name: "vault", namespace: "shop" };
const cluster: StoreContext = { scope: "ClusterSecretStore", name: "vault", namespace: "" };
const server = "https://vault.example.com:8200";
const token = { tokenSecretRef: { name: "vault-token", key: "token" } };
const authority = makeCertificate({ name: "ca", notBeforeMs: 0, notAfterMs: 4_102_444_800_000, isAuthority: true });
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const configOf = (block: object, context = inShop) => {
  const parsed = parseVaultBlock({ server, auth: token, ...block }, context, false);
  if (!parsed.ok) assert.fail(JSON.stringify(parsed.problems));
  return parsed.value;
};

suite("a vault block", () => {
  test("has ESO's defaults", () => {
    assert.deepEqual(configOf({}), {
      server,
      path: "",
      version: "v2",
      namespace: "",
      login: {
        method: "token",
        namespace: "",
        proof: {
          kind: "static",
          method: "token",
          secrets: { token: { field: "spec.provider.vault.auth.tokenSecretRef", name: "vault-token", key: "token" } },
        },
      },
    });
  });
  const paths: readonly [version: "v1" | "v2", path: string, parsed: string][] = [
    ["v2", "secret", "secret"],
    ["v2", "kv/data", "kv"],
    ["v2", "/team/kv/data/", "team/kv"],
    ["v2", "data", "data"],
    ["v1", "kv/data", "kv/data"],
  ];
  for (const [version, path, parsed] of paths)
    test(`${version} path ${path} is the mount ${parsed}`, () =>
      assert.equal(configOf({ version, path }).path, parsed));
  test("a server is one text however it is spelled", () => {
    assert.equal(configOf({ server: "https://Vault.example.com:443/" }).server, "https://vault.example.com");
    assert.equal(configOf({ server: "https://vault.example.com/base/" }).server, "https://vault.example.com/base");
  });
  test("null and empty fields count as absent", () => {
    const unset = {
      path: null,
      namespace: null,
      caBundle: null,
      tls: {},
      headers: {},
      readYourWrites: false,
      caProvider: null,
    };
    assert.deepEqual(configOf(unset), configOf({}));
  });
  test("a CA bundle becomes PEM without its comments", () => {
    const { certificate } = authority;
    assert.equal(configOf({ caBundle: base64(`# made by us\n${certificate}`) }).ca, certificate.trim());
    const twice = configOf({ caBundle: base64(certificate + certificate) }).ca;
    assert.equal(twice, `${certificate.trim()}\n${certificate.trim()}`);
    const folded = base64(certificate).replace(/.{60}/g, "$&\n");
    assert.equal(configOf({ caBundle: folded }).ca, certificate.trim());
  });
  test("holds nothing secret", () => {
    assert.doesNotMatch(JSON.stringify(configOf({})), /SecretValue|reveal/);
  });
});

suite("logins", () => {
  const loginOf = (auth: object, context = inShop) => configOf({ auth, namespace: "reads" }, context).login;
  const field = (rest: string): string => `spec.provider.vault.auth.${rest}`;

  test("kubernetes with a service account shows its token", () => {
    const auth = { kubernetes: { mountPath: "clusters/prod", role: " payments ", serviceAccountRef: { name: "app" } } };
    assert.deepEqual(loginOf(auth), {
      method: "kubernetes",
      namespace: "reads",
      mount: "clusters/prod",
      role: "payments",
      proof: { kind: "token", field: field("kubernetes.serviceAccountRef"), serviceAccount: { name: "app" } },
    });
  });
  test("kubernetes takes the first audience of the account", () => {
    const auth = { kubernetes: { role: "r", serviceAccountRef: { name: "app", audiences: ["one", "two"] } } };
    assert.equal((loginOf(auth).proof as { audience: string }).audience, "one");
  });
  test("kubernetes without an account names none", () => {
    const login = loginOf({ kubernetes: { role: "r" } });
    assert.deepEqual(login.proof, { kind: "token", field: field("kubernetes") });
    assert.equal((login as { mount: string }).mount, "kubernetes");
  });
  test("kubernetes with a Secret looks at its key token", () => {
    assert.deepEqual(loginOf({ kubernetes: { role: "r", secretRef: { name: "jwt" } } }).proof, {
      kind: "static",
      method: "kubernetes",
      secrets: { jwt: { field: field("kubernetes.secretRef"), name: "jwt", key: "token" } },
    });
  });
  test("kubernetes prefers the account over the Secret, as ESO does", () => {
    const auth = { kubernetes: { role: "r", secretRef: { name: "jwt" }, serviceAccountRef: { name: "app" } } };
    assert.equal(loginOf(auth).proof.kind, "token");
  });
  const audiences: readonly [
    own: readonly string[] | undefined,
    account: readonly string[] | undefined,
    used: string | undefined,
  ][] = [
    [undefined, undefined, "vault"],
    [undefined, ["account"], "vault"],
    [["own", "other"], ["account"], "own"],
    [[], ["account"], "account"],
    [[], undefined, undefined],
  ];
  for (const [own, account, used] of audiences)
    test(`jwt with audiences ${JSON.stringify(own)} and ${JSON.stringify(account)} shows ${used}`, () => {
      const wanted = {
        serviceAccountRef: { name: "app", ...(account ? { audiences: account } : {}) },
        ...(own ? { audiences: own } : {}),
        expirationSeconds: 600,
      };
      const { proof } = loginOf({ jwt: { role: "r", kubernetesServiceAccountToken: wanted } });
      assert.deepEqual(proof, {
        kind: "token",
        field: field("jwt.kubernetesServiceAccountToken"),
        serviceAccount: { name: "app" },
        ...(used ? { audience: used } : {}),
      });
    });
  test("jwt with a Secret", () => {
    const login = loginOf({ jwt: { path: "oidc", role: "r", secretRef: { name: "jwt", key: "jwt" } } });
    assert.equal((login as { mount: string }).mount, "oidc");
    assert.deepEqual(login.proof, {
      kind: "static",
      method: "jwt",
      secrets: { jwt: { field: field("jwt.secretRef"), name: "jwt", key: "jwt" } },
    });
  });
  test("appRole with a literal role id asks for the secret id alone", () => {
    const login = loginOf({ appRole: { path: "approle", roleId: " id ", secretRef: { name: "s", key: "k" } } });
    assert.deepEqual(login, {
      method: "appRole",
      namespace: "reads",
      mount: "approle",
      roleId: "id",
      proof: {
        kind: "static",
        method: "appRole",
        secrets: { secretId: { field: field("appRole.secretRef"), name: "s", key: "k" } },
      },
    });
  });
  test("appRole with a role reference asks for both", () => {
    const auth = { appRole: { roleRef: { name: "s", key: "id" }, secretRef: { name: "s", key: "k" } } };
    const { proof } = loginOf(auth);
    assert.deepEqual(proof.kind === "static" && Object.keys(proof.secrets), ["roleId", "secretId"]);
  });
  test("auth.namespace is that of the login alone", () => {
    const config = configOf({ auth: { ...token, namespace: "logins" }, namespace: "reads" });
    assert.equal(config.login.namespace, "logins");
    assert.equal(config.namespace, "reads");
  });
  test("a ClusterSecretStore keeps the namespace of a reference, or leaves it to whoever reads", () => {
    const named = loginOf({ tokenSecretRef: { ...token.tokenSecretRef, namespace: "vault" } }, cluster).proof;
    assert.equal(named.kind === "static" && named.secrets["token"]?.namespace, "vault");
    const referent = loginOf(token, cluster).proof;
    assert.equal(referent.kind === "static" && "namespace" in referent.secrets["token"]!, false);
    const account = loginOf(
      { kubernetes: { role: "r", serviceAccountRef: { name: "app", namespace: "apps" } } },
      cluster,
    );
    assert.deepEqual((account.proof as { serviceAccount: object }).serviceAccount, { name: "app", namespace: "apps" });
  });
  test("a SecretStore may name its own namespace", () => {
    const { proof } = loginOf({ tokenSecretRef: { ...token.tokenSecretRef, namespace: "shop" } });
    assert.equal(proof.kind === "static" && "namespace" in proof.secrets["token"]!, false);
  });
  test("the realm names server, namespace and login mount", () => {
    const realmOf = (auth: object): string => {
      const deps = {
        clock: new FakeClock(),
        http: () => () => assert.fail("nothing is sent"),
        countCall: () => undefined,
      };
      return createVaultStore(configOf({ auth, namespace: "reads" }), deps).loginRealm;
    };
    const realms = [
      realmOf({ kubernetes: { role: "a" } }),
      realmOf({ kubernetes: { role: "b" } }),
      realmOf({ kubernetes: { role: "a", mountPath: "other" } }),
      realmOf({ kubernetes: { role: "a" }, namespace: "logins" }),
      realmOf(token),
    ];
    assert.equal(realms[0], `${server} reads auth/kubernetes`);
    assert.equal(realms[0], realms[1]);
    assert.equal(new Set(realms).size, 4);
  });
});

suite("problems of a vault block", () => {
  const soon = "not supported yet";
  const cases: readonly (readonly [name: string, block: unknown, path: string, words: RegExp | string])[] = [
    ["no block at all", null, "", "must be a block of fields"],
    ["a text for a block", "vault", "", "must be a block of fields"],
    ["no server", { auth: token }, "server", "is missing"],
    ["an empty server", { server: "", auth: token }, "server", "must not be empty"],
    ["a server that is no URL", { server: "vault:8200", auth: token }, "server", "https://vault.example.com:8200"],
    ["a server with another scheme", { server: "ftp://vault", auth: token }, "server", "must be a URL"],
    ["a plain http server", { server: "http://vault:8200", auth: token }, "server", "must be https://"],
    ["a server with a password", { server: "https://u:canary@vault", auth: token }, "server", "use auth"],
    ["a server with a query", { server: "https://vault/?a=b", auth: token }, "server", "query"],
    ["no auth", { server }, "auth", "names no login"],
    ["an empty auth", { server, auth: {} }, "auth", "names no login"],
    [
      "two logins",
      { server, auth: { ...token, kubernetes: { role: "r" } } },
      "auth",
      /tokenSecretRef, kubernetes.*ESO would use tokenSecretRef/,
    ],
    ["a misspelled field", { server, auth: token, nameSpace: "x" }, "nameSpace", "did you mean namespace?"],
    [
      "a misspelled login",
      { server, auth: { kubernets: { role: "r" } } },
      "auth.kubernets",
      "did you mean kubernetes?",
    ],
    [
      "a misspelled field deep down",
      { server, auth: { kubernetes: { role: "r", mountPth: "x" } } },
      "auth.kubernetes.mountPth",
      "did you mean mountPath?",
    ],
    ["a wrong version", { server, auth: token, version: "v3" }, "version", "must be v1 or v2"],
    ["a path that climbs", { server, auth: token, path: "kv/../sys" }, "path", '".."'],
    [
      "a mount path that climbs",
      { server, auth: { kubernetes: { role: "r", mountPath: "a/../../sys" } } },
      "auth.kubernetes.mountPath",
      '".."',
    ],
    ["a namespace with a line end", { server, auth: token, namespace: "a\r\nb" }, "namespace", "printable ASCII"],
    [
      "a login namespace with a space",
      { server, auth: { ...token, namespace: "a b" } },
      "auth.namespace",
      "printable ASCII",
    ],
    ["no role", { server, auth: { kubernetes: {} } }, "auth.kubernetes.role", "is missing"],
    ["no key", { server, auth: { tokenSecretRef: { name: "x" } } }, "auth.tokenSecretRef.key", "is missing"],
    ["no name", { server, auth: { tokenSecretRef: { key: "x" } } }, "auth.tokenSecretRef.name", "is missing"],
    [
      "a name that no Secret has",
      { server, auth: { tokenSecretRef: { name: "../x", key: "k" } } },
      "auth.tokenSecretRef.name",
      "is not a name",
    ],
    [
      "a key that no Secret has",
      { server, auth: { tokenSecretRef: { name: "x", key: "a/b" } } },
      "auth.tokenSecretRef.key",
      "is not a key",
    ],
    [
      "an appRole without an id",
      { server, auth: { appRole: { secretRef: { name: "x", key: "k" } } } },
      "auth.appRole",
      "roleId or roleRef",
    ],
    [
      "an appRole without a secret",
      { server, auth: { appRole: { roleId: "x" } } },
      "auth.appRole.secretRef",
      "is missing",
    ],
    [
      "a jwt without a source",
      { server, auth: { jwt: { role: "r" } } },
      "auth.jwt",
      "give secretRef or kubernetesServiceAccountToken",
    ],
    [
      "audiences that are no list",
      { server, auth: { kubernetes: { role: "r", serviceAccountRef: { name: "a", audiences: "vault" } } } },
      "auth.kubernetes.serviceAccountRef.audiences",
      "must be a",
    ],
    [
      "an audience that is no text",
      { server, auth: { kubernetes: { role: "r", serviceAccountRef: { name: "a", audiences: ["v", 1] } } } },
      "auth.kubernetes.serviceAccountRef.audiences[1]",
      "must be a string",
    ],
    [
      "a foreign namespace",
      { server, auth: { tokenSecretRef: { name: "x", key: "k", namespace: "kube-system" } } },
      "auth.tokenSecretRef.namespace",
      "its own namespace (shop)",
    ],
    [
      "a foreign account",
      { server, auth: { kubernetes: { role: "r", serviceAccountRef: { name: "x", namespace: "kube-system" } } } },
      "auth.kubernetes.serviceAccountRef.namespace",
      "its own namespace",
    ],
    [
      "a CA bundle that is PEM",
      { server, auth: token, caBundle: authority.certificate },
      "caBundle",
      "write the base64",
    ],
    ["a CA bundle that is not base64", { server, auth: token, caBundle: "not base64!" }, "caBundle", "is not base64"],
    [
      "a CA bundle without a certificate",
      { server, auth: token, caBundle: base64("hello") },
      "caBundle",
      "holds no certificate",
    ],
    [
      "a CA bundle with a broken certificate",
      { server, auth: token, caBundle: base64(authority.certificate.replace(/\nM/, "\nX")) },
      "caBundle",
      "certificate 1 of 1 cannot be read",
    ],
    ...["cert", "gcp", "iam", "ldap", "userPass"].map(
      (login) => [`the login ${login}`, { server, auth: { [login]: { path: "x" } } }, `auth.${login}`, soon] as const,
    ),
    ["client certificates", { server, auth: token, tls: { certSecretRef: { name: "x" } } }, "tls", soon],
    ["caProvider", { server, auth: token, caProvider: { type: "Secret", name: "x" } }, "caProvider", soon],
    ["headers", { server, auth: token, headers: { a: "b" } }, "headers", soon],
    ["readYourWrites", { server, auth: token, readYourWrites: true }, "readYourWrites", soon],
    ["forwardInconsistent", { server, auth: token, forwardInconsistent: true }, "forwardInconsistent", soon],
    ["checkAndSet", { server, auth: token, checkAndSet: { required: true } }, "checkAndSet", soon],
  ];
  for (const [name, block, path, words] of cases)
    test(`${name}: ${path || "(block)"}`, () => {
      const parsed = parseVaultBlock(block, inShop, false);
      assert.ok(!parsed.ok, "accepted");
      const found = parsed.problems.find((problem) => problem.path === path);
      assert.ok(found, JSON.stringify(parsed.problems));
      if (typeof words === "string") assert.ok(found.problem.includes(words), found.problem);
      else assert.match(found.problem, words);
      assert.doesNotMatch(JSON.stringify(parsed.problems), /canary/);
    });

  test("all of them are reported at once", () => {
    const parsed = parseVaultBlock(
      { server: 7, pth: "x", vrsion: "x", auth: { tokenSecretRef: { name: "X" }, kubernets: {}, ldap: { path: "x" } } },
      inShop,
      false,
    );
    const paths = parsed.ok ? [] : parsed.problems.map(({ path }) => path).sort();
    assert.deepEqual(paths, ["auth.kubernets", "auth.ldap", "auth.tokenSecretRef.name", "pth", "server", "vrsion"]);
  });
  test("plain http is fine where it is allowed", () => {
    assert.ok(parseVaultBlock({ server: "http://127.0.0.1:8200", auth: token }, inShop, true).ok);
  });
});
