import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Store, StoreDeps } from "../../../plugin/stores/contract.ts";
import { kubernetes } from "../../../plugin/stores/kubernetes/kind.ts";
import { canaries, runContractSuite } from "../contract-suite.ts";
import type { HttpContractHarness } from "../contract-suite.ts";
import { byAccount, byKubeconfig, byToken, inShop } from "./opened.ts";

const json = (status: number, body: unknown) => ({
  status,
  headers: { "content-type": "application/json", "audit-id": "0a1b" },
  body: JSON.stringify(body),
});
const status = (code: number, reason: string, details: object) =>
  json(code, {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    reason,
    message: canaries.upstream,
    details,
    code,
  });

function open(block: object) {
  return (url: string, deps: StoreDeps): Store => {
    const opened = kubernetes.open({ ...block, ...("auth" in block ? { server: { url } } : {}) }, inShop, deps);
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
    return opened.value.store;
  };
}

const shared: Omit<HttpContractHarness, "open" | "proof"> = {
  ref: { key: "db", metadataPolicy: "None" },
  value: JSON.stringify({ password: canaries.value }),
  version: "7",
  good: json(200, {
    kind: "Secret",
    apiVersion: "v1",
    metadata: { name: "db", namespace: "default", resourceVersion: "7" },
    data: { password: Buffer.from(canaries.value).toString("base64") },
  }),
  notFound: { "for the Secret": status(404, "NotFound", { name: "db", kind: "secrets" }) },
  notReallyMissing: {
    "for the namespace": [status(404, "NotFound", { name: "default", kind: "namespaces" }), "answer_invalid"],
    "for another Secret": [status(404, "NotFound", { name: "other", kind: "secrets" }), "answer_invalid"],
    "for what is no Secret": [status(404, "NotFound", { name: "db", kind: "configmaps" }), "answer_invalid"],
    "with another reason": [status(404, "Gone", { name: "db", kind: "secrets" }), "answer_invalid"],
    "without details": [json(404, { kind: "Status", reason: "NotFound" }), "answer_invalid"],
    "page of a proxy": [{ status: 404, body: `<html>${canaries.upstream}</html>` }, "answer_invalid"],
    "of a path that is not there": [{ status: 404, body: "404 page not found\n" }, "answer_invalid"],
  },
};
const proof = SecretValue.fromText(canaries.proof);

runContractSuite("kubernetes with a token", {
  ...shared,
  open: open(byToken),
  proof: { kind: "static", secrets: { token: proof } },
});
runContractSuite("kubernetes with a service account", {
  ...shared,
  open: open(byAccount),
  proof: { kind: "token", token: proof },
});

/** The server stands in the credential, so the store learns of it only when it is opened at a server. */
function kubeconfigAt(url: string): SecretValue {
  return SecretValue.fromText(
    JSON.stringify({
      "current-context": "here",
      contexts: [{ name: "here", context: { cluster: "here", user: "me" } }],
      clusters: [{ name: "here", cluster: { server: url } }],
      users: [{ name: "me", user: { token: canaries.proof } }],
    }),
  );
}
runContractSuite("kubernetes with a kubeconfig", {
  ...shared,
  open(url, deps) {
    const store = open(byKubeconfig)(url, deps);
    const secrets = { kubeconfig: kubeconfigAt(url) };
    return { ...store, login: (_, signal, facts) => store.login({ kind: "static", secrets }, signal, facts) };
  },
  proof: { kind: "none" },
});
