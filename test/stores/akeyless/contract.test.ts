import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { akeyless } from "../../../plugin/stores/akeyless/kind.ts";
import type { Store, StoreDeps } from "../../../plugin/stores/contract.ts";
import { canaries, runContractSuite } from "../contract-suite.ts";
import type { HttpContractHarness } from "../contract-suite.ts";

const json = (status: number, body: unknown) => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
/** What an item is and what it holds, in one: the same answer serves both calls. */
const item = { item_name: "/payments/db", item_type: "STATIC_SECRET", last_version: 7 };
const good = json(200, { ...item, "/payments/db": canaries.value });

function open(authSecretRef: object) {
  return (server: string, deps: StoreDeps): Store => {
    const context = { scope: "SecretStore", name: "akeyless", namespace: "shop" } as const;
    const opened = akeyless.open({ akeylessGWApiURL: server, authSecretRef }, context, deps);
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
    return opened.value.store;
  };
}

const shared: Omit<HttpContractHarness, "open" | "proof"> = {
  ref: { key: "payments/db", metadataPolicy: "None" },
  value: canaries.value,
  version: "7",
  good,
  pinned: { version: "3", good, gone: json(404, { error: "no such version" }) },
  notFound: { "with the API's own error": json(404, { error: canaries.upstream }) },
  notReallyMissing: {
    "page of a proxy": [{ status: 404, body: `<html>${canaries.upstream}</html>` }, "answer_invalid"],
    "of an API that is not there": [{ status: 404, body: "404 page not found" }, "answer_invalid"],
    "with JSON that is not Akeyless'": [json(404, { message: canaries.upstream }), "answer_invalid"],
  },
  login: { isLogin: ({ path }) => path === "/auth", good: json(200, { token: canaries.token }) },
};

runContractSuite("akeyless with a service account's token", {
  ...shared,
  open: open({ kubernetesAuth: { accessID: "p-1", k8sConfName: "conf" } }),
  proof: { kind: "token", token: SecretValue.fromText(canaries.proof) },
});

runContractSuite("akeyless with an access key", {
  ...shared,
  open: open({
    secretRef: {
      accessID: { name: "akeyless", key: "id" },
      accessType: { name: "akeyless", key: "type" },
      accessTypeParam: { name: "akeyless", key: "param" },
    },
  }),
  proof: {
    kind: "static",
    secrets: {
      accessId: SecretValue.fromText("p-1"),
      accessType: SecretValue.fromText("access_key"),
      accessTypeParam: SecretValue.fromText(canaries.proof),
    },
  },
});
