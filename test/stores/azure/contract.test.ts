import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { azurekv } from "../../../plugin/stores/azure/kind.ts";
import type { Proof, Store, StoreContext, StoreDeps } from "../../../plugin/stores/contract.ts";
import { canaries, runContractSuite } from "../contract-suite.ts";
import type { HttpContractHarness } from "../contract-suite.ts";
import { json, vaultError } from "./fake-azure.ts";
import { byAccount, byMachine, bySecret, cloudAt, forAll, inShop, secretsProof } from "./opened.ts";

const versionId = "0123456789abcdef0123456789abcdef";
const id = (collection: string): string => `https://shop.vault.azure.net/${collection}/db/${versionId}`;
const attributes = { enabled: true, created: 1_700_000_000, updated: 1_700_000_000 };

function open(block: object, context: StoreContext = inShop) {
  return (baseUrl: string, deps: StoreDeps): Store => {
    const endpoints = { AZURE_POD_IDENTITY_AUTHORITY_HOST: baseUrl };
    const opened = azurekv.open({ ...cloudAt(baseUrl), ...block }, context, { ...deps, endpoints });
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
    return opened.value.store;
  };
}

const token: Proof = {
  kind: "token",
  token: SecretValue.fromText(canaries.proof),
  annotations: { "azure.workload.identity/client-id": "client", "azure.workload.identity/tenant-id": "tenant" },
};
const login: NonNullable<HttpContractHarness["login"]> = {
  isLogin: ({ path }) => path.startsWith("/tenant/oauth2/v2.0/token"),
  good: json(200, { token_type: "Bearer", expires_in: 3599, access_token: canaries.token }),
};
const notReallyMissing: HttpContractHarness["notReallyMissing"] = {
  "page of a proxy": [{ status: 404, body: `<html>${canaries.upstream}</html>` }, "answer_invalid"],
  "with JSON that is not Azure's": [json(404, { message: canaries.upstream }), "answer_invalid"],
  "of another thing": [vaultError(404, "ResourceNotFound", undefined, canaries.upstream), "store_error"],
};

const secret: Omit<HttpContractHarness, "open" | "proof"> = {
  ref: { key: "db", metadataPolicy: "None" },
  value: `{"password":"${canaries.value}"}`,
  version: versionId,
  good: json(200, { value: `{"password":"${canaries.value}"}`, id: id("secrets"), attributes }),
  pinned: {
    version: versionId,
    good: json(200, { value: canaries.value, id: id("secrets"), attributes }),
    gone: vaultError(404, "SecretNotFound", undefined, canaries.upstream),
  },
  notFound: { "of a secret that is not there": vaultError(404, "SecretNotFound", undefined, canaries.upstream) },
  notReallyMissing: {
    ...notReallyMissing,
    "of a key": [vaultError(404, "KeyNotFound", undefined, canaries.upstream), "store_error"],
  },
};

runContractSuite("azurekv secrets by workload identity", { ...secret, open: open(byAccount), proof: token, login });
runContractSuite("azurekv secrets by client secret", {
  ...secret,
  open: open(bySecret),
  proof: secretsProof({ clientId: "client", clientSecret: canaries.proof }),
  login,
});
runContractSuite("azurekv secrets by managed identity", {
  ...secret,
  open: open(byMachine, forAll),
  proof: { kind: "none" },
  login: {
    isLogin: ({ path }) => path.startsWith("/metadata/identity/oauth2/token?"),
    good: json(200, { access_token: canaries.token, expires_in: "86399" }),
  },
});
runContractSuite("azurekv keys", {
  ref: { key: "key/db", metadataPolicy: "None" },
  value: `{"kid":"${id("keys")}","kty":"RSA","n":"${canaries.value}"}`,
  version: versionId,
  good: json(200, { key: { n: canaries.value, kty: "RSA", kid: id("keys") }, attributes }),
  pinned: {
    version: versionId,
    good: json(200, { key: { kid: id("keys") }, attributes }),
    gone: vaultError(404, "KeyNotFound", undefined, canaries.upstream),
  },
  notFound: { "of a key that is not there": vaultError(404, "KeyNotFound") },
  notReallyMissing,
  open: open(byAccount),
  proof: token,
  login,
});
runContractSuite("azurekv certificates", {
  ref: { key: "cert/db", metadataPolicy: "None" },
  value: canaries.value,
  version: versionId,
  good: json(200, { cer: Buffer.from(canaries.value).toString("base64"), id: id("certificates"), attributes }),
  notFound: { "of a certificate that is not there": vaultError(404, "CertificateNotFound") },
  notReallyMissing,
  open: open(byAccount),
  proof: token,
  login,
});
