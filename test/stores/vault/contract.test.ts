import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { vault } from "../../../plugin/stores/vault/kind.ts";
import type { Store, StoreDeps } from "../../../plugin/stores/contract.ts";
import { canaries, runContractSuite } from "../contract-suite.ts";
import type { HttpContractHarness } from "../contract-suite.ts";

const secretOf = (version: number, data: unknown) => ({
  request_id: "6f0c9d1e-0000-4000-8000-000000000001",
  data: { data, metadata: { version, created_time: "2026-01-01T00:00:00Z", deletion_time: "", destroyed: false } },
});
const json = (status: number, body: unknown) => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

function open(auth: unknown) {
  return (server: string, deps: StoreDeps): Store => {
    const context = { scope: "SecretStore", name: "vault", namespace: "shop" } as const;
    const opened = vault.open({ server, path: "secret", auth }, context, deps);
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
    return opened.value.store;
  };
}

const shared: Omit<HttpContractHarness, "open" | "proof"> = {
  ref: { key: "payments/db", metadataPolicy: "None" },
  value: `{"password":"${canaries.value}"}`,
  version: "7",
  good: json(200, secretOf(7, { password: canaries.value })),
  pinned: {
    version: "3",
    good: json(200, secretOf(3, { password: canaries.value })),
    gone: json(404, secretOf(3, null)),
  },
  notFound: {
    "with an empty list of errors": json(404, { errors: [] }),
    "for a deleted version": json(404, secretOf(7, null)),
  },
  notReallyMissing: {
    "of a path without an engine": [
      json(404, { errors: [`no handler for route "${canaries.upstream}". route entry not found.`] }),
      "store_invalid",
    ],
    "of an engine of the other version": [
      json(404, { data: null, warnings: ["Invalid path for a versioned K/V secrets engine."] }),
      "store_invalid",
    ],
    "page of a proxy": [{ status: 404, body: `<html>${canaries.upstream}</html>` }, "answer_invalid"],
    "with JSON that is not Vault's": [json(404, { message: canaries.upstream }), "answer_invalid"],
  },
};

runContractSuite("vault with a login", {
  ...shared,
  open: open({ kubernetes: { role: "payments", mountPath: "kubernetes" } }),
  proof: { kind: "token", token: SecretValue.fromText(canaries.proof) },
  login: {
    isLogin: ({ method }) => method === "POST",
    good: json(200, { auth: { client_token: canaries.token, lease_duration: 3600 } }),
  },
});

runContractSuite("vault with a token", {
  ...shared,
  open: open({ tokenSecretRef: { name: "vault-token", key: "token" } }),
  proof: { kind: "static", secrets: { token: SecretValue.fromText(canaries.proof) } },
});
