import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { StoreContext } from "../../../plugin/stores/contract.ts";
import { parseAkeylessBlock } from "../../../plugin/stores/akeyless/block.ts";

const inShop: StoreContext = { scope: "SecretStore", name: "akeyless", namespace: "shop" };
const cluster: StoreContext = { scope: "ClusterSecretStore", name: "akeyless", namespace: "" };
const sel = (key: string) => ({ name: "akeyless", key });
const secretRef = { accessID: sel("id"), accessType: sel("type"), accessTypeParam: sel("param") };
const kubernetesAuth = { accessID: "p-1", k8sConfName: "conf" };
const at = (field: string) => `spec.provider.akeyless.authSecretRef.${field}`;

function configOf(authSecretRef: object, block: object = {}, context = inShop) {
  const parsed = parseAkeylessBlock({ authSecretRef, ...block }, context, false);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

suite("an akeyless block", () => {
  test("asks the public API with what a Secret says", () => {
    const refs = {
      accessId: { field: at("secretRef.accessID"), name: "akeyless", key: "id" },
      accessType: { field: at("secretRef.accessType"), name: "akeyless", key: "type" },
      accessTypeParam: { field: at("secretRef.accessTypeParam"), name: "akeyless", key: "param" },
    };
    assert.deepEqual(configOf({ secretRef }), {
      server: "https://api.akeyless.io",
      ignoreCache: false,
      ca: {},
      login: { method: "secretRef", proof: { kind: "static", method: "secretRef", secrets: refs } },
    });
  });
  test("a gateway's address keeps its path", () =>
    assert.equal(
      configOf({ secretRef }, { akeylessGWApiURL: "https://GW.example.com:8000/api/v2/" }).server,
      "https://gw.example.com:8000/api/v2",
    ));
  test("kubernetesAuth alone wants the token of whoever mounts", () => {
    const { login } = configOf({ kubernetesAuth });
    assert.deepEqual(login, {
      method: "kubernetesAuth",
      accessId: "p-1",
      confName: "conf",
      proof: { kind: "token", field: at("kubernetesAuth") },
    });
  });
  test("a service account is asked for by name and first audience, a CA beside it", () => {
    const account = { name: "shop", namespace: "apps", audiences: ["akeyless", "other"] };
    const caProvider = { type: "ConfigMap", name: "ca", key: "ca.crt", namespace: "cas" };
    const { login } = configOf(
      { kubernetesAuth: { ...kubernetesAuth, serviceAccountRef: account } },
      { caProvider },
      cluster,
    );
    assert.deepEqual(login.proof, {
      kind: "token",
      field: at("kubernetesAuth.serviceAccountRef"),
      serviceAccount: { name: "shop", namespace: "apps" },
      audience: "akeyless",
      secrets: {
        ca: {
          field: "spec.provider.akeyless.caProvider",
          name: "ca",
          key: "ca.crt",
          namespace: "cas",
          kind: "ConfigMap",
        },
      },
    });
  });
  test("a token in a Secret is its key token", () => {
    const { login } = configOf({ kubernetesAuth: { ...kubernetesAuth, secretRef: { name: "jwt" } } });
    const field = at("kubernetesAuth.secretRef");
    assert.deepEqual(login.proof, {
      kind: "static",
      method: "kubernetesAuth",
      secrets: { jwt: { field, name: "jwt", key: "token" } },
    });
  });
  test("serviceAccountRef beside secretRef wants both", () => {
    const { login } = configOf({ secretRef, serviceAccountRef: { name: "shop" } });
    assert.ok(login.proof.kind === "token");
    assert.deepEqual(Object.keys(login.proof.secrets ?? {}), ["accessId", "accessType", "accessTypeParam"]);
  });
});

const refused: readonly [name: string, block: object, path: string, problem: RegExp][] = [
  ["an unknown field", { authSecretRef: { secretRef }, ignorecache: true }, "ignorecache", /did you mean ignoreCache/],
  ["no login", { authSecretRef: {} }, "authSecretRef", /names no login/],
  ["no auth block", {}, "authSecretRef", /missing/],
  [
    "two logins",
    { authSecretRef: { secretRef, kubernetesAuth } },
    "authSecretRef",
    /keep one: ESO would use kubernetesAuth/,
  ],
  [
    "a key that is not named",
    { authSecretRef: { secretRef: { ...secretRef, accessID: { name: "a" } } } },
    "authSecretRef.secretRef.accessID.key",
    /name a key/,
  ],
  [
    "a Secret of another namespace",
    { authSecretRef: { secretRef: { ...secretRef, accessType: { ...sel("t"), namespace: "b" } } } },
    "authSecretRef.secretRef.accessType.namespace",
    /only its own/,
  ],
  [
    "an account of another namespace",
    { authSecretRef: { kubernetesAuth: { ...kubernetesAuth, serviceAccountRef: { name: "a", namespace: "b" } } } },
    "authSecretRef.kubernetesAuth.serviceAccountRef.namespace",
    /only its own/,
  ],
  [
    "an account beside kubernetesAuth",
    { authSecretRef: { kubernetesAuth, serviceAccountRef: { name: "a" } } },
    "authSecretRef.serviceAccountRef",
    /belongs to secretRef/,
  ],
  ["plain http", { authSecretRef: { secretRef }, akeylessGWApiURL: "http://gw" }, "akeylessGWApiURL", /https/],
  [
    "a user in the URL",
    { authSecretRef: { secretRef }, akeylessGWApiURL: "https://a:b@gw" },
    "akeylessGWApiURL",
    /user name/,
  ],
  [
    "a query in the URL",
    { authSecretRef: { secretRef }, akeylessGWApiURL: "https://gw/?a" },
    "akeylessGWApiURL",
    /query/,
  ],
  ["no URL", { authSecretRef: { secretRef }, akeylessGWApiURL: "gw" }, "akeylessGWApiURL", /must be a URL/],
  ["a CA that is none", { authSecretRef: { secretRef }, caBundle: "?" }, "caBundle", /base64/],
];

suite("an akeyless block is refused for", () => {
  for (const [name, block, path, problem] of refused)
    test(name, () => {
      const parsed = parseAkeylessBlock(block, inShop, false);
      assert.ok(!parsed.ok);
      assert.deepEqual(
        parsed.problems.map((found) => found.path),
        [path],
      );
      assert.match(parsed.problems[0].problem, problem);
    });
});
