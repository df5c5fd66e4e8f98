import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Store, StoreDeps } from "../../../plugin/stores/contract.ts";
import { onepassword } from "../../../plugin/stores/onepassword/kind.ts";
import { canaries, runContractSuite } from "../contract-suite.ts";
import type { HttpContractHarness } from "../contract-suite.ts";

const vaultId = "vaultprodaaaaaaaaaaaaaaaaa";
const itemId = "itemdbaaaaaaaaaaaaaaaaaaaa";

const json = (status: number, body: unknown) => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
const refusal = (status: number, message: string) => json(status, { status, message });
const login: HttpContractHarness["login"] = {
  isLogin: ({ path }) => path === "/v1/vaults",
  good: json(200, [{ id: vaultId, name: "prod", description: canaries.token }]),
};

function open(connectHost: string, deps: StoreDeps): Store {
  const context = { scope: "SecretStore", name: "connect", namespace: "shop" } as const;
  const auth = { secretRef: { connectTokenSecretRef: { name: "connect", key: "token" } } };
  const opened = onepassword.open({ connectHost, vaults: { prod: 1 }, auth }, context, deps);
  if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
  return opened.value.store;
}

const shared = {
  open,
  proof: { kind: "static", secrets: { token: SecretValue.fromText(canaries.proof) } },
  value: canaries.value,
  version: "7",
  login,
} as const;

runContractSuite("onepassword, a field", {
  ...shared,
  ref: { key: itemId, metadataPolicy: "None" },
  good: json(200, {
    id: itemId,
    title: canaries.upstream,
    vault: { id: vaultId },
    category: "LOGIN",
    version: 7,
    fields: [{ id: "password", type: "CONCEALED", label: "password", value: canaries.value }],
  }),
  notFound: { "of Connect for an item": refusal(404, `item ${itemId} not found`) },
  notReallyMissing: {
    "for the vault": [refusal(404, `vault ${vaultId} not found`), "store_denied"],
    "page of a proxy": [{ status: 404, body: `<html>${canaries.upstream}</html>` }, "answer_invalid"],
    "with JSON that is not Connect's": [json(404, { message: `item ${itemId} not found` }), "answer_invalid"],
    "of Connect for something else": [refusal(404, `${canaries.upstream} item not found`), "answer_invalid"],
  },
});
