/** An aws store opened on a real sender, for tests: what it counts is kept. */
import assert from "node:assert/strict";
import type { Clock } from "../../../plugin/core/clock.ts";
import type { OpenedStore, Proof, Ref, Store, StoreAnswer, StoreContext } from "../../../plugin/stores/contract.ts";
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
  readonly ownIdentity?: Readonly<Record<string, string>>;
  /** Absent: `clients`. */
  readonly machine?: HttpClients;
  /** Absent: one that stands still. */
  readonly clock?: Clock;
}

export const inShop: StoreContext = { scope: "SecretStore", name: "aws", namespace: "shop" };
export const clusterWide: StoreContext = { scope: "ClusterSecretStore", name: "aws", namespace: "" };

/** `block` may leave out service and region. */
export function openAws(block: object, options: OpenOptions): Store {
  return openWhole(block, options).store;
}

export function openWhole(block: object, options: OpenOptions): OpenedStore {
  const { url, clients, calls = [], context = inShop, ownIdentity } = options;
  const names = ["SECRETSMANAGER", "SSM", "STS", "ACM"].map((service) => `AWS_${service}_ENDPOINT`);
  const opened = aws.open({ service: "SecretsManager", region: "eu-central-1", ...block }, context, {
    clock: options.clock ?? clock,
    http: (tls) => clients.send(tls),
    ...(options.machine && { machineHttp: options.machine.send({}) }),
    watchPath: () => () => undefined,
    plainHttp: true,
    endpoints: Object.fromEntries(names.map((name) => [name, url])),
    ...(ownIdentity && { ownIdentity }),
    countCall: (call, outcome, provider) => void calls.push(`${provider} ${call} ${outcome}`),
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value;
}

export const textOf = ({ value }: StoreAnswer): string => value.reveal().toString("utf8");
export const ref = (key: string, more: Partial<Ref> = {}): Ref => ({ key, metadataPolicy: "None", ...more });

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
