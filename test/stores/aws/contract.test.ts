import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { aws } from "../../../plugin/stores/aws/kind.ts";
import type { Proof, Store, StoreDeps } from "../../../plugin/stores/contract.ts";
import type { CannedAnswer } from "../../fakes/hostile-server.ts";
import { canaries, runContractSuite } from "../contract-suite.ts";
import type { HttpContractHarness } from "../contract-suite.ts";

const versionId = "6f0c9d1e-0000-4000-8000-000000000001";

const json = (status: number, body: unknown): CannedAnswer => ({
  status,
  headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "0c1d2e3f-1111" },
  body: JSON.stringify(body),
});
const refusal = (type: string, message: string, status = 400): CannedAnswer =>
  json(status, { __type: type, Message: message });

function open(service: string, auth: unknown) {
  return (baseUrl: string, deps: StoreDeps): Store => {
    const context = { scope: "SecretStore", name: "aws", namespace: "shop" } as const;
    const names = ["AWS_SECRETSMANAGER_ENDPOINT", "AWS_SSM_ENDPOINT", "AWS_STS_ENDPOINT"];
    const endpoints = Object.fromEntries(names.map((name) => [name, baseUrl]));
    const opened = aws.open({ service, region: "eu-central-1", auth }, context, { ...deps, endpoints });
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
    return opened.value.store;
  };
}

const token: Proof = {
  kind: "token",
  token: SecretValue.fromText(canaries.proof),
  annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/shop" },
};
const keys: Proof = {
  kind: "static",
  secrets: {
    accessKeyId: SecretValue.fromText("AKIAEXAMPLE"),
    secretAccessKey: SecretValue.fromText(canaries.proof),
    sessionToken: SecretValue.fromText(canaries.token),
  },
};
const selector = { name: "keys", key: "k" };
const bySecret = {
  secretRef: { accessKeyIDSecretRef: selector, secretAccessKeySecretRef: selector, sessionTokenSecretRef: selector },
};
const byAccount = { jwt: { serviceAccountRef: { name: "shop" } } };

const login: NonNullable<HttpContractHarness["login"]> = {
  isLogin: ({ body }) => body.includes("Action=AssumeRoleWithWebIdentity"),
  good: {
    status: 200,
    headers: { "content-type": "text/xml" },
    body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>
      <SecretAccessKey>${canaries.token}</SecretAccessKey><SessionToken>${canaries.token}</SessionToken>
      <Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
      </AssumeRoleWithWebIdentityResponse>`,
  },
};

const secretsManager: Omit<HttpContractHarness, "open" | "proof"> = {
  ref: { key: "payments/db", metadataPolicy: "None" },
  value: `{"password":"${canaries.value}"}`,
  version: versionId,
  good: json(200, { Name: "payments/db", SecretString: `{"password":"${canaries.value}"}`, VersionId: versionId }),
  pinned: {
    version: `uuid/${versionId}`,
    asked: versionId,
    answered: versionId,
    good: json(200, { SecretString: canaries.value, VersionId: versionId }),
    gone: refusal(
      "ResourceNotFoundException",
      `Secrets Manager can't find the specified secret value for VersionId: ${canaries.upstream}`,
    ),
  },
  notFound: {
    "of a secret that is not there": refusal(
      "ResourceNotFoundException",
      `Secrets Manager can't find the specified secret. ${canaries.upstream}`,
    ),
    "with the status of an emulator": refusal("ResourceNotFoundException", canaries.upstream, 404),
    "of a secret that has no value yet": refusal(
      "ResourceNotFoundException",
      "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    ),
    "of a secret that is marked for deletion": refusal(
      "InvalidRequestException",
      "You can't perform this operation on the secret because it was marked for deletion.",
    ),
  },
  notReallyMissing: {
    "page of a proxy": [{ status: 404, body: `<html>${canaries.upstream}</html>` }, "answer_invalid"],
    "with JSON that is not AWS's": [json(404, { message: canaries.upstream }), "answer_invalid"],
    "of an operation that is not known": [refusal("UnknownOperationException", canaries.upstream, 404), "store_error"],
  },
};

const parameterStore: Omit<HttpContractHarness, "open" | "proof"> = {
  ref: { key: "/payments/db", metadataPolicy: "None" },
  value: canaries.value,
  version: "7",
  good: json(200, { Parameter: { Name: "/payments/db", Value: canaries.value, Version: 7, Type: "SecureString" } }),
  pinned: {
    version: "3",
    good: json(200, { Parameter: { Name: "/payments/db", Value: canaries.value, Version: 3 } }),
    gone: refusal("ParameterVersionNotFound", canaries.upstream),
  },
  notFound: { "of a parameter that is not there": refusal("ParameterNotFound", "") },
  notReallyMissing: {
    "page of a proxy": [{ status: 404, body: `<html>${canaries.upstream}</html>` }, "answer_invalid"],
  },
};

runContractSuite("aws Secrets Manager with a login", {
  ...secretsManager,
  open: open("SecretsManager", byAccount),
  proof: token,
  login,
});
runContractSuite("aws Parameter Store with a login", {
  ...parameterStore,
  open: open("ParameterStore", byAccount),
  proof: token,
  login,
});
runContractSuite("aws Secrets Manager with keys", {
  ...secretsManager,
  open: open("SecretsManager", bySecret),
  proof: keys,
});
