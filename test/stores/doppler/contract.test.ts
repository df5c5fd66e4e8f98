import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Store, StoreDeps } from "../../../plugin/stores/contract.ts";
import { doppler } from "../../../plugin/stores/doppler/kind.ts";
import { canaries, runContractSuite } from "../contract-suite.ts";
import type { HttpContractHarness } from "../contract-suite.ts";

const json = (status: number, body: unknown) => ({
  status,
  headers: { "content-type": "application/json", etag: 'W/"1"' },
  body: JSON.stringify(body),
});

function open(block: object) {
  return (url: string, deps: StoreDeps): Store => {
    const context = { scope: "SecretStore", name: "doppler", namespace: "shop" } as const;
    const opened = doppler.open(block, context, { ...deps, endpoints: { DOPPLER_BASE_URL: url } });
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
    return opened.value.store;
  };
}

const secrets = { DB_PASSWORD: canaries.value, DOPPLER_PROJECT: "shop" };
const shared: Omit<HttpContractHarness, "open" | "proof"> = {
  ref: { key: "DB_PASSWORD", metadataPolicy: "None" },
  value: canaries.value,
  version: "",
  good: json(200, secrets),
  notFound: { "is not what Doppler gives: a config without it": json(200, { DB_USER: canaries.value }) },
  notReallyMissing: {
    "for the config": [json(404, { messages: [canaries.upstream], success: false }), "store_invalid"],
    "page of a proxy": [{ status: 404, body: `<html>${canaries.upstream}</html>` }, "answer_invalid"],
    "with JSON that is not Doppler's": [json(404, { message: canaries.upstream }), "answer_invalid"],
  },
};
const bySecret = { secretRef: { dopplerToken: { name: "doppler" } } };
const token = { kind: "static", secrets: { token: SecretValue.fromText(canaries.proof) } } as const;

runContractSuite("doppler with a token", { ...shared, open: open({ auth: bySecret }), proof: token });

runContractSuite("doppler with a service account", {
  ...shared,
  open: open({ auth: { oidcConfig: { identity: "id-1", serviceAccountRef: { name: "shop" } } } }),
  proof: { kind: "token", token: SecretValue.fromText(canaries.proof) },
  login: {
    isLogin: ({ method }) => method === "POST",
    good: json(200, { success: true, token: canaries.token, expires_at: "2026-01-01T01:00:00Z" }),
  },
});

runContractSuite("doppler as a file", {
  ...shared,
  open: open({ auth: bySecret, format: "json" }),
  proof: token,
  ref: { key: "DOPPLER_SECRETS_FILE", metadataPolicy: "None" },
  value: JSON.stringify(secrets),
  notFound: {},
});
