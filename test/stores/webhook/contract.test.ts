import type { Store, StoreDeps } from "../../../plugin/stores/contract.ts";
import { webhook } from "../../../plugin/stores/webhook/kind.ts";
import { canaries, runContractSuite } from "../contract-suite.ts";
import { secretsProof } from "./opened.ts";

const json = (status: number, body: unknown) => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

runContractSuite("webhook", {
  open(server, deps: StoreDeps): Store {
    const block = {
      url: `${server}/secrets/{{ .remoteRef.key }}?v={{ .remoteRef.version }}`,
      headers: { Authorization: "Bearer {{ .auth.token }}" },
      result: { jsonPath: "$.data.{{ .remoteRef.property }}" },
      secrets: [{ name: "auth", secretRef: { name: "api-token" } }],
    };
    const context = { scope: "SecretStore", name: "api", namespace: "shop" } as const;
    const opened = webhook.open(block, context, deps);
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
    return opened.value.store;
  },
  ref: { key: "payments/db", property: "password", metadataPolicy: "None" },
  proof: secretsProof({ token: canaries.proof }),
  value: canaries.value,
  version: "",
  good: json(200, { data: { password: canaries.value } }),
  notFound: {
    "with JSON": json(404, { error: canaries.upstream }),
    "without a body": { status: 404 },
  },
  notReallyMissing: {},
});
