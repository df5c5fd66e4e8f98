/** What a store's connections are made with: the server's CA, the client's certificate, the addresses that it may have. */
import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { after, suite, test } from "node:test";
import type { StoreManifest } from "../../../plugin/manifests/objects.ts";
import type { Proof } from "../../../plugin/stores/contract.ts";
import { kubernetes } from "../../../plugin/stores/kubernetes/kind.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { openStores } from "../../../plugin/wire/stores.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import type { Certificate } from "../../fakes/certificate.ts";
import { startKubeServer } from "../../fakes/kube-server.ts";
import { facts } from "../facts.ts";
import {
  byKubeconfig,
  byToken,
  fails,
  inShop,
  openKubernetes,
  read,
  readText,
  shownSecrets,
  signal,
} from "./opened.ts";

const life = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 3_600_000 };
const authority = makeCertificate({ name: "ca", isAuthority: true, ...life });
const serving = makeCertificate({ name: "kube", subjects: ["127.0.0.1"], issuer: authority, ...life });
const client = (name: string): Certificate => makeCertificate({ name, issuer: authority, ...life });

/** Answers each Secret with the name of whose certificate asked for it. */
const tls = { cert: serving.certificate, key: serving.key, ca: authority.certificate };
const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) => {
  const subject = (request.socket as TLSSocket).getPeerCertificate().subject as { CN?: string } | undefined;
  const asker = subject?.CN ?? request.headers.authorization ?? "";
  const name = request.url!.split("/").at(-1)!;
  const data = { asker: Buffer.from(asker).toString("base64") };
  response.end(JSON.stringify({ kind: "Secret", metadata: { name, resourceVersion: "1" }, data }));
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
after(async () => {
  await clients.close();
  server.close();
});

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const caBundle = base64(authority.certificate);
const byCert = { auth: { cert: { clientCert: { name: "pair" }, clientKey: { name: "pair" } } } };
const pairOf = ({ certificate, key }: Certificate): Proof => shownSecrets({ certificate, key });

async function asker(block: object, proof: Proof): Promise<string> {
  const store = openKubernetes(block, { clients });
  return readText(store, {}, await store.login(proof, signal, facts));
}

suite("a connection", () => {
  test("shows each identity's own certificate, however their reads are mixed", async () => {
    const store = openKubernetes({ ...byCert, server: { url, caBundle } }, { clients });
    const names = ["alpha", "beta", "gamma"];
    const sessions = await Promise.all(names.map((name) => store.login(pairOf(client(name)), signal, facts)));
    for (let round = 0; round < 5; round++) {
      const read = await Promise.all(sessions.map((session) => readText(store, {}, session)));
      assert.deepEqual(
        read,
        names.map((name) => JSON.stringify({ asker: name })),
      );
    }
  });
  test("is not made with a key of another certificate", async () => {
    const proof = shownSecrets({ certificate: client("a").certificate, key: client("b").key });
    const login = openKubernetes({ ...byCert, server: { url, caBundle } }, { clients }).login(proof, signal, facts);
    await fails(login, "store_invalid", /auth.cert.clientKey: the key is not that of the certificate/);
  });
  test("trusts the CA of caProvider, and no other", async () => {
    const caProvider = { type: "ConfigMap", name: "kube-root-ca.crt", key: "ca.crt" };
    const block = { ...byToken, server: { url, caProvider } };
    const shown = { token: "me", ca: authority.certificate };
    assert.equal(await asker(block, shownSecrets(shown)), '{"asker":"Bearer me"}');
    const other = makeCertificate({ name: "other", isAuthority: true, ...life });
    const wrong = asker(block, shownSecrets({ ...shown, ca: other.certificate }));
    await fails(wrong, "store_unreachable", /signed by an authority that is not trusted/);
    await fails(asker({ ...byToken, server: { url } }, shownSecrets(shown)), "store_unreachable", /not trusted/);
  });
  test("is that of a kubeconfig: its CA, and its certificate", async () => {
    const { certificate, key } = client("delta");
    const kubeconfig = (cluster: object, user: object): Proof =>
      shownSecrets({
        kubeconfig: JSON.stringify({
          "current-context": "a",
          contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
          clusters: [{ name: "a", cluster: { server: url, ...cluster } }],
          users: [{ name: "a", user }],
        }),
      });
    const user = { "client-certificate-data": base64(certificate), "client-key-data": base64(key) };
    assert.equal(
      await asker(byKubeconfig, kubeconfig({ "certificate-authority-data": caBundle }, user)),
      '{"asker":"delta"}',
    );
    await fails(asker(byKubeconfig, kubeconfig({}, user)), "store_unreachable", /not trusted/);
    const noCa = asker(byKubeconfig, kubeconfig({ "certificate-authority-data": base64("no") }, user));
    await fails(noCa, "store_invalid", /authRef: the kubeconfig's certificate-authority-data holds no certificate/);
    const halfKey = { ...user, "client-key-data": base64("canary") };
    const noKey = asker(byKubeconfig, kubeconfig({ "certificate-authority-data": caBundle }, halfKey));
    const { message } = await fails(
      noKey,
      "store_invalid",
      /\(client-key-data\): the Secret's value is no PEM private key/,
    );
    assert.doesNotMatch(message, /canary/);
  });
});

test("the program lets this kind alone reach its own API server", async (t) => {
  const kube = await startKubeServer();
  kube.put(
    { group: "", plural: "secrets" },
    { kind: "Secret", metadata: { name: "db", namespace: "default" }, data: {} },
  );
  const reach = {
    allowLoopback: true,
    allowPlainHttp: true,
    plainHttp: true,
    apiServer: ["127.0.0.1"],
    exemptCidrs: [],
  };
  const metrics = { storeCall: () => undefined };
  const stores = openStores({ storeRate: 1, storeBurst: 1, httpsProxy: undefined, noProxy: [] }, reach, {
    log: undefined as never,
    metrics,
  });
  t.after(async () => {
    await stores.close();
    await kube.close();
  });
  const raw = { ...byToken, server: { url: kube.url } };
  const deps = stores.depsOf(kubernetes, {
    kind: "SecretStore",
    meta: { name: "own", namespace: "shop", uid: "", labels: {}, annotations: {} },
    provider: { kind: "kubernetes", raw },
  } as unknown as StoreManifest);
  const opened = kubernetes.open(raw, inShop, deps);
  assert.ok(opened.ok);
  const { store } = opened.value;
  const session = await store.login(shownSecrets({ token: "mine" }), signal, facts);
  assert.equal((await read(store, {}, session)).value.reveal().toString(), "{}");
  assert.deepEqual(
    kube.requests.map(({ token }) => token),
    ["mine"],
  );
  const request = { method: "GET", url: new URL(kube.url), headers: {} };
  await fails(deps.http({})(request, signal), "store_unreachable", /the address of the API server/);
});
