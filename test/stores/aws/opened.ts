/** An aws store opened on a real sender, for tests: what it counts is kept. */
import assert from "node:assert/strict";
import type { Proof, Store, StoreContext } from "../../../plugin/stores/contract.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { aws } from "../../../plugin/stores/aws/kind.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";

export const clock = new FakeClock();

export interface OpenOptions {
  readonly url: string;
  readonly clients: HttpClients;
  readonly calls?: string[];
  readonly context?: StoreContext;
}

export const inShop: StoreContext = { scope: "SecretStore", name: "aws", namespace: "shop" };

/** `block` may leave out service and region. */
export function openAws(block: object, { url, clients, calls = [], context = inShop }: OpenOptions): Store {
  const names = ["AWS_SECRETSMANAGER_ENDPOINT", "AWS_SSM_ENDPOINT", "AWS_STS_ENDPOINT"];
  const opened = aws.open({ service: "SecretsManager", region: "eu-central-1", ...block }, context, {
    clock,
    http: (tls) => clients.send(tls),
    watchPath: () => () => undefined,
    plainHttp: true,
    endpoints: Object.fromEntries(names.map((name) => [name, url])),
    countCall: (call, outcome, provider) => void calls.push(`${provider} ${call} ${outcome}`),
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}

/** A token of an account that is annotated with `role`, an ARN or a name. */
export function tokenProof(token: string, role?: string): Proof {
  const annotations = role === undefined ? {} : { "eks.amazonaws.com/role-arn": arnOf(role) };
  return { kind: "token", token: SecretValue.fromText(token), annotations };
}

export function keysProof(accessKeyId: string, secretAccessKey = "secret", sessionToken?: string): Proof {
  const texts = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  return {
    kind: "static",
    secrets: Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, SecretValue.fromText(text)])),
  };
}

export function arnOf(role: string): string {
  return role.startsWith("arn:") ? role : `arn:aws:iam::123456789012:role/${role}`;
}

const selector = (key: string) => ({ name: "keys", key });
export const byAccount = { auth: { jwt: { serviceAccountRef: { name: "shop" } } } };
export const byKeys = {
  auth: { secretRef: { accessKeyIDSecretRef: selector("id"), secretAccessKeySecretRef: selector("secret") } },
};
