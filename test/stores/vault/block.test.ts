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
const selector = (key: string) => ({ name: "s", key });
const awsKeys = { accessKeyIDSecretRef: selector("id"), secretAccessKeySecretRef: selector("key") };
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
  const secret = (rest: string, key: string) => ({ field: field(rest), name: "s", key });
  const rows: readonly (readonly [name: string, auth: object, login: object])[] = [
    [
      "userPass",
      { userPass: { username: "ferry", secretRef: selector("p") } },
      {
        method: "userPass",
        mount: "userpass",
        username: "ferry",
        proof: { kind: "static", method: "userPass", secrets: { password: secret("userPass.secretRef", "p") } },
      },
    ],
    [
      "ldap",
      { ldap: { path: "ad", username: "ferry", secretRef: selector("p") } },
      {
        method: "ldap",
        mount: "ad",
        username: "ferry",
        proof: { kind: "static", method: "ldap", secrets: { password: secret("ldap.secretRef", "p") } },
      },
    ],
    [
      "cert",
      { cert: { vaultRole: "web", clientCert: selector("crt"), secretRef: selector("key") } },
      {
        method: "cert",
        mount: "cert",
        role: "web",
        proof: {
          kind: "static",
          method: "cert",
          secrets: {
            clientCertificate: secret("cert.clientCert", "crt"),
            clientKey: secret("cert.secretRef", "key"),
          },
        },
      },
    ],
    [
      "iam with keys",
      { iam: { vaultRole: "web", secretRef: awsKeys } },
      {
        method: "iam",
        mount: "aws",
        role: "web",
        region: "us-east-1",
        proof: {
          kind: "static",
          method: "iam",
          secrets: {
            accessKeyId: secret("iam.secretRef.accessKeyIDSecretRef", "id"),
            secretAccessKey: secret("iam.secretRef.secretAccessKeySecretRef", "key"),
          },
        },
      },
    ],
    [
      "iam with an account",
      { iam: { vaultRole: "web", region: "eu-west-1", jwt: { serviceAccountRef: { name: "app" } } } },
      {
        method: "iam",
        mount: "aws",
        role: "web",
        region: "eu-west-1",
        proof: {
          kind: "token",
          field: field("iam.jwt.serviceAccountRef"),
          serviceAccount: { name: "app" },
          audience: "sts.amazonaws.com",
          annotations: {
            audience: "eks.amazonaws.com/audience",
            shown: ["eks.amazonaws.com/role-arn"],
            required: { "eks.amazonaws.com/role-arn": "annotate the account with the ARN of its role" },
          },
        },
      },
    ],
    [
      "gcp",
      { gcp: { role: "web", secretRef: { secretAccessKeySecretRef: selector("json") } } },
      {
        method: "gcp",
        mount: "gcp",
        role: "web",
        proof: {
          kind: "static",
          method: "gcp",
          secrets: { key: secret("gcp.secretRef.secretAccessKeySecretRef", "json") },
        },
      },
    ],
  ];
  for (const [name, auth, login] of rows)
    test(name, () => assert.deepEqual(loginOf(auth), { namespace: "reads", ...login }));
  test("iam without a way to AWS is that of a mounting pod: nothing of this machine is used", () => {
    const { proof } = loginOf({ iam: { vaultRole: "web" } });
    assert.ok(proof.kind === "token" && proof.serviceAccount === undefined);
  });
  test("iam with an account's own audience asks for no annotation of it", () => {
    const { proof } = loginOf({
      iam: { vaultRole: "r", jwt: { serviceAccountRef: { name: "a", audiences: ["own"] } } },
    });
    assert.ok(proof.kind === "token" && proof.audience === "own" && proof.annotations?.audience === undefined);
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

suite("the connection of a vault block", () => {
  const proofOf = (block: object, context = inShop) => configOf(block, context).login.proof;
  const at = (rest: string) => `spec.provider.vault.${rest}`;
  const kubernetes = { kubernetes: { role: "r", serviceAccountRef: { name: "app" } } };

  test("a CA, a certificate and a header of Secrets stand beside whatever the login shows", () => {
    const proof = proofOf({
      auth: kubernetes,
      caProvider: { type: "ConfigMap", name: "ca", key: "ca.crt" },
      tls: { certSecretRef: { name: "pair" }, keySecretRef: { name: "pair" } },
      headers: { "X-Team": { secretKeyRef: selector("h") } },
    });
    assert.equal(proof.kind, "token");
    assert.deepEqual("secrets" in proof && proof.secrets, {
      ca: { field: at("caProvider"), name: "ca", key: "ca.crt", kind: "ConfigMap" },
      "header x-team": { field: at("headers.X-Team.secretKeyRef"), name: "s", key: "h" },
      clientCertificate: { field: at("tls.certSecretRef"), name: "pair", key: "tls.crt" },
      clientKey: { field: at("tls.keySecretRef"), name: "pair", key: "tls.key" },
    });
  });
  test("they stand beside a token from a Secret, too", () => {
    const proof = proofOf({ caProvider: { type: "Secret", name: "ca", key: "ca.crt" } });
    assert.deepEqual(proof.kind === "static" && Object.keys(proof.secrets), ["token", "ca"]);
  });
  test("a login by certificate shows its own, not that of tls", () => {
    const auth = { cert: { clientCert: selector("crt"), secretRef: selector("key") } };
    const proof = proofOf({ auth, tls: { certSecretRef: { name: "x" }, keySecretRef: { name: "x" } } });
    assert.equal(proof.kind === "static" && proof.secrets["clientCertificate"]?.field, at("auth.cert.clientCert"));
  });
  test("headers are kept by one spelling", () => {
    const config = configOf({ headers: { "X-Team": "shop", "x-org": { value: "corp" } } });
    assert.deepEqual(config.headers, { "x-team": "shop", "x-org": "corp" });
  });
  test("what only writes look at is taken and dropped", () => {
    assert.deepEqual(configOf({ checkAndSet: { required: true } }), configOf({}));
  });
});

suite("problems of a vault block", () => {
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
    [
      "a login by Google without a key",
      { server, auth: { gcp: { role: "r" } } },
      "auth.gcp",
      "give secretRef.secretAccessKeySecretRef",
    ],
    [
      "a login by Google's workload identity",
      { server, auth: { gcp: { role: "r", workloadIdentity: { serviceAccountRef: { name: "a" } } } } },
      "auth.gcp.workloadIdentity",
      "not supported yet",
    ],
    [
      "a login by Google with an account",
      { server, auth: { gcp: { role: "r", serviceAccountRef: { name: "a" } } } },
      "auth.gcp.serviceAccountRef",
      "not supported yet",
    ],
    [
      "two ways to AWS",
      { server, auth: { iam: { vaultRole: "r", jwt: {}, secretRef: awsKeys } } },
      "auth.iam",
      "ESO would use jwt",
    ],
    [
      "a region that would be another host",
      { server, auth: { iam: { vaultRole: "r", region: "x.evil.example/", secretRef: awsKeys } } },
      "auth.iam.region",
      "is not a name that a region can have",
    ],
    [
      "a role that is no ARN",
      { server, auth: { iam: { vaultRole: "r", role: "vault", secretRef: awsKeys } } },
      "auth.iam.role",
      "is not the ARN of a role",
    ],
    [
      "an external id without a role",
      { server, auth: { iam: { vaultRole: "r", externalID: "x", secretRef: awsKeys } } },
      "auth.iam.externalID",
      "set role",
    ],
    [
      "a server id of two lines",
      { server, auth: { iam: { vaultRole: "r", vaultAwsIamServerID: "a\r\nb", secretRef: awsKeys } } },
      "auth.iam.vaultAwsIamServerID",
      "must be printable ASCII",
    ],
    ["no certificate", { server, auth: { cert: { secretRef: selector("k") } } }, "auth.cert.clientCert", "is missing"],
    [
      "a certificate without a key of the Secret",
      { server, auth: { cert: { clientCert: { name: "s" }, secretRef: selector("k") } } },
      "auth.cert.clientCert.key",
      "name a key of the Secret",
    ],
    ["no user", { server, auth: { ldap: { secretRef: selector("p") } } }, "auth.ldap.username", "is missing"],
    [
      "a user of spaces",
      { server, auth: { ldap: { username: " ", secretRef: selector("p") } } },
      "auth.ldap.username",
      "must not be empty",
    ],
    [
      "a user that climbs",
      { server, auth: { userPass: { username: "a/../../x", secretRef: selector("p") } } },
      "auth.userPass.username",
      '".."',
    ],
    ["no password", { server, auth: { userPass: { username: "u" } } }, "auth.userPass.secretRef", "is missing"],
    [
      "a password of another namespace",
      { server, auth: { userPass: { username: "u", secretRef: { ...selector("p"), namespace: "other" } } } },
      "auth.userPass.secretRef.namespace",
      "its own namespace",
    ],
    [
      "a certificate without its key",
      { server, auth: token, tls: { certSecretRef: { name: "x" } } },
      "tls",
      "has no keySecretRef",
    ],
    [
      "a key of another namespace",
      {
        server,
        auth: token,
        tls: { certSecretRef: { name: "x" }, keySecretRef: { name: "x", namespace: "other" } },
      },
      "tls.keySecretRef.namespace",
      "its own namespace",
    ],
    [
      "caProvider without a key",
      { server, auth: token, caProvider: { type: "Secret", name: "x" } },
      "caProvider.key",
      "is missing",
    ],
    [
      "caProvider of another kind",
      { server, auth: token, caProvider: { type: "File", name: "x", key: "k" } },
      "caProvider.type",
      "must be Secret or ConfigMap",
    ],
    [
      "two sources for the CA",
      {
        server,
        auth: token,
        caBundle: base64(authority.certificate),
        caProvider: { type: "Secret", name: "x", key: "k" },
      },
      "caProvider",
      "keep one of them",
    ],
    [
      "a header that says who asks",
      { server, auth: token, headers: { "X-Vault-Token": "x" } },
      "headers.X-Vault-Token",
      "set by this program",
    ],
    [
      "a header that says where",
      { server, auth: token, headers: { "x-vault-namespace": "x" } },
      "headers.x-vault-namespace",
      "set by this program",
    ],
    [
      "a header that frames",
      { server, auth: token, headers: { "Transfer-Encoding": "x" } },
      "headers.Transfer-Encoding",
      "set by this program",
    ],
    [
      "a header of two lines",
      { server, auth: token, headers: { "x-team": "a\r\nb: canary" } },
      "headers.x-team",
      "one line",
    ],
    ["a header without a name", { server, auth: token, headers: { "a b": "x" } }, "headers", "no HTTP header"],
    ["a header twice", { server, auth: token, headers: { "x-a": "1", "X-A": "2" } }, "headers.X-A", "keep one"],
    ["a header of no kind", { server, auth: token, headers: { "x-a": 7 } }, "headers.x-a", "must be a text"],
    [
      "a header with two values",
      { server, auth: token, headers: { "x-a": { value: "1", secretKeyRef: selector("h") } } },
      "headers.x-a",
      "either value or secretKeyRef",
    ],
    ["a flag that is text", { server, auth: token, readYourWrites: "yes" }, "readYourWrites", "must be true or false"],
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
      {
        server: 7,
        pth: "x",
        vrsion: "x",
        auth: { tokenSecretRef: { name: "X" }, kubernets: {}, ldap: { username: 7 } },
      },
      inShop,
      false,
    );
    const paths = parsed.ok ? [] : parsed.problems.map(({ path }) => path).sort();
    assert.deepEqual(paths, [
      "auth.kubernets",
      "auth.ldap.secretRef",
      "auth.ldap.username",
      "auth.tokenSecretRef.name",
      "pth",
      "server",
      "vrsion",
    ]);
  });
  test("plain http is fine where it is allowed", () => {
    assert.ok(parseVaultBlock({ server: "http://127.0.0.1:8200", auth: token }, inShop, true).ok);
  });
});
