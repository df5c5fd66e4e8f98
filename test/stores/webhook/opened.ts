/** A webhook store opened on a real sender, for tests. */
import assert from "node:assert/strict";
import type { Proof, Ref, Store, StoreAnswer, StoreContext } from "../../../plugin/stores/contract.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { webhook } from "../../../plugin/stores/webhook/kind.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import type { FakeClock } from "../../fakes/clock.ts";
import { facts } from "../facts.ts";

type StaticProof = Extract<Proof, { kind: "static" }>;

export const inShop: StoreContext = { scope: "SecretStore", name: "api", namespace: "shop" };
export const nobody: Proof = { kind: "none" };
const { signal } = new AbortController();

interface Surroundings {
  readonly clients: HttpClients;
  readonly clock: FakeClock;
  readonly calls?: string[];
}

export function openWebhook(block: object, { clients, clock, calls = [] }: Surroundings): Store {
  const opened = webhook.open(block, inShop, {
    clock,
    http: (tls) => clients.send(tls),
    watchPath: () => () => undefined,
    plainHttp: true,
    countCall: (call, outcome) => void calls.push(`${call} ${outcome}`),
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}

/** What the read path shows for the Secrets of `secrets`, in their order. */
export function secretsProof(...secrets: readonly Readonly<Record<string, string>>[]): StaticProof {
  const whole = (keys: Readonly<Record<string, string>>): SecretValue =>
    SecretValue.fromText(
      JSON.stringify(
        Object.fromEntries(Object.entries(keys).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
      ),
    );
  return { kind: "static", secrets: Object.fromEntries(secrets.map((keys, i) => [`secrets[${i}]`, whole(keys)])) };
}

export type Asked = Partial<Ref> & { readonly namespace?: string };

export async function read(store: Store, asked: Asked = {}, proof = nobody): Promise<StoreAnswer> {
  const { namespace = facts.namespace, ...ref } = asked;
  const session = await store.login(proof, signal, { ...facts, namespace });
  return store.fetch(store.locate({ key: "db", metadataPolicy: "None", ...ref }), session, signal);
}

export async function readText(store: Store, asked: Asked = {}, proof = nobody): Promise<string> {
  return (await read(store, asked, proof)).value.reveal().toString("utf8");
}
