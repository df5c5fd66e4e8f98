import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { StoreContext } from "../../../plugin/stores/contract.ts";
import { parseKubernetesBlock } from "../../../plugin/stores/kubernetes/block.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import { byAccount, byKubeconfig, byToken, inShop } from "./opened.ts";

const everywhere: StoreContext = { scope: "ClusterSecretStore", name: "other", namespace: "" };
const { certificate } = makeCertificate({ name: "ca", notBeforeMs: 0, notAfterMs: 4e12, isAuthority: true });
const caBundle = Buffer.from(certificate).toString("base64");
const pair = { clientCert: { name: "pair" }, clientKey: { name: "pair" } };

function config(block: object, context = inShop, plainHttp = false) {
  const parsed = parseKubernetesBlock(block, context, plainHttp);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

suite("a kubernetes block", () => {
  test("that names a login alone is for namespace default of this cluster", () => {
    const { server, namespace, login } = config(byToken);
    assert.deepEqual([server, namespace, login.method], ["https://kubernetes.default", "default", "token"]);
    assert.deepEqual(config({ ...byToken, remoteNamespace: "", server: {} }).namespace, "default");
  });
  const servers: Readonly<Record<string, string>> = {
    "kubernetes.default.svc:443": "https://kubernetes.default.svc",
    "https://10.0.0.1:6443/": "https://10.0.0.1:6443",
    "https://rancher.example.com/k8s/clusters/c-1/": "https://rancher.example.com/k8s/clusters/c-1",
  };
  for (const [url, server] of Object.entries(servers))
    test(`takes the server ${url}`, () => assert.equal(config({ ...byToken, server: { url } }).server, server));
  test("takes http:// where plain HTTP is allowed", () => {
    assert.equal(config({ ...byToken, server: { url: "http://a:1" } }, inShop, true).server, "http://a:1");
  });
  test("asks for the token of an account, by default with the API server's own audience", () => {
    const field = "spec.provider.kubernetes.auth.serviceAccount";
    const serviceAccount = { name: "reader" };
    assert.deepEqual(config(byAccount).login.proof, { kind: "token", field, serviceAccount, audience: "" });
    const auth = { serviceAccount: { name: "reader", namespace: "shop", audiences: ["east", "west"] } };
    assert.deepEqual(config({ auth }).login.proof, { kind: "token", field, serviceAccount, audience: "east" });
    const { proof } = config({ auth }, everywhere).login;
    assert.deepEqual(proof.kind === "token" && proof.serviceAccount, { name: "reader", namespace: "shop" });
  });
  test("asks for what its login shows, and for the CA beside it", () => {
    const server = { caProvider: { type: "ConfigMap", name: "kube-root-ca.crt", key: "ca.crt" } };
    const at = (field: string, name: string, key: string) => ({
      field: `spec.provider.kubernetes.${field}`,
      name,
      key,
    });
    const ca = { ...at("server.caProvider", "kube-root-ca.crt", "ca.crt"), kind: "ConfigMap" };
    const rows = [
      [byToken, { token: at("auth.token.bearerToken", "reader", "token") }],
      [
        { auth: { cert: pair } },
        {
          certificate: at("auth.cert.clientCert", "pair", "tls.crt"),
          key: at("auth.cert.clientKey", "pair", "tls.key"),
        },
      ],
    ] as const;
    for (const [block, secrets] of rows) {
      const { proof, method } = config({ ...block, server }).login;
      assert.deepEqual(proof, { kind: "static", method: `kubernetes ${method}`, secrets: { ...secrets, ca } });
    }
    const { proof } = config({ ...byAccount, server }).login;
    assert.deepEqual(proof.kind === "token" && proof.secrets, { ca });
    const kubeconfig = config(byKubeconfig);
    assert.deepEqual(kubeconfig.login.proof.kind === "static" && kubeconfig.login.proof.secrets, {
      kubeconfig: at("authRef", "reader", "config"),
    });
    assert.equal(kubeconfig.server, undefined);
  });
  test("keeps the PEM of its CA", () => {
    assert.equal(config({ ...byToken, server: { caBundle } }).ca, certificate.trim());
  });
});

const selector = { name: "reader", key: "config" };
const refused: readonly [what: string, block: object, path: string, problem: RegExp, context?: StoreContext][] = [
  ["no login", {}, "auth", /names no login; give one of serviceAccount, token, cert, or a kubeconfig in authRef/],
  ["an empty auth", { auth: {} }, "auth", /names no login/],
  ["no login in a ClusterSecretStore", {}, "auth", /names no login/, everywhere],
  ["two logins", { auth: { ...byToken.auth, ...byAccount.auth } }, "auth", /several logins \(token, serviceAccount\)/],
  ["a login beside a kubeconfig", { ...byToken, ...byKubeconfig }, "auth", /beside authRef \(token\); keep one/],
  ["a kubeconfig without its key", { authRef: { name: "a" } }, "authRef.key", /is missing/],
  ["a server beside a kubeconfig", { ...byKubeconfig, server: { url: "a" } }, "server.url", /stands beside authRef/],
  ["a CA beside a kubeconfig", { ...byKubeconfig, server: { caBundle } }, "server.caBundle", /stands beside authRef/],
  ["plain HTTP", { ...byToken, server: { url: "http://a" } }, "server.url", /must be https/],
  ["a server with a login in it", { ...byToken, server: { url: "https://a:b@c" } }, "server.url", /user name/],
  ["a server with a query", { ...byToken, server: { url: "https://a?b" } }, "server.url", /query/],
  ["what is no URL", { ...byToken, server: { url: "unix:///a" } }, "server.url", /must be the API server's URL/],
  [
    "two CAs",
    { ...byToken, server: { caBundle, caProvider: { type: "Secret", name: "a", key: "b" } } },
    "server.caProvider",
    /beside caBundle/,
  ],
  ["a CA that is none", { ...byToken, server: { caBundle: "YQ==" } }, "server.caBundle", /holds no certificate/],
  ["a namespace that is none", { ...byToken, remoteNamespace: "a/b" }, "remoteNamespace", /not a name/],
  ["a misspelt field", { ...byToken, remotenamespace: "a" }, "remotenamespace", /did you mean remoteNamespace/],
  ["half a certificate", { auth: { cert: { clientCert: pair.clientCert } } }, "auth.cert.clientKey", /is missing/],
  [
    "a foreign token",
    { auth: { token: { bearerToken: { name: "a", namespace: "b" } } } },
    "auth.token.bearerToken.namespace",
    /own namespace \(shop\)/,
  ],
  [
    "a foreign key",
    { auth: { cert: { ...pair, clientKey: { name: "a", namespace: "b" } } } },
    "auth.cert.clientKey.namespace",
    /own namespace/,
  ],
  [
    "a foreign account",
    { auth: { serviceAccount: { name: "a", namespace: "b" } } },
    "auth.serviceAccount.namespace",
    /own namespace/,
  ],
  ["a foreign kubeconfig", { authRef: { ...selector, namespace: "b" } }, "authRef.namespace", /own namespace/],
  [
    "a foreign CA",
    { ...byToken, server: { caProvider: { type: "Secret", name: "a", key: "b", namespace: "c" } } },
    "server.caProvider.namespace",
    /own namespace/,
  ],
];

suite("a kubernetes block is refused for", () => {
  for (const [what, block, path, problem, context = inShop] of refused)
    test(what, () => {
      const parsed = parseKubernetesBlock(block, context, false);
      assert.ok(!parsed.ok);
      assert.equal(parsed.problems.length, 1, JSON.stringify(parsed.problems));
      assert.equal(parsed.problems[0].path, path);
      assert.match(parsed.problems[0].problem, problem);
    });
});
