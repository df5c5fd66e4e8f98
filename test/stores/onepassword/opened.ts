/** A onepassword store on a real sender, for tests: what it counts is kept. */
import assert from "node:assert/strict";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Proof, Ref, Session, Store, StoreAnswer, StoreContext } from "../../../plugin/stores/contract.ts";
import { onepassword } from "../../../plugin/stores/onepassword/kind.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { facts } from "../facts.ts";

export const inShop: StoreContext = { scope: "SecretStore", name: "connect", namespace: "shop" };
export const auth = { secretRef: { connectTokenSecretRef: { name: "connect-token", key: "token" } } };
const { signal } = new AbortController();

export interface OpenOptions {
  readonly url: string;
  readonly clients: HttpClients;
  readonly clock?: FakeClock;
  readonly calls?: string[];
}

export function openConnect(
  vaults: Readonly<Record<string, number>>,
  { url, clients, clock = new FakeClock(), calls = [] }: OpenOptions,
): Store {
  const opened = onepassword.open({ connectHost: url, vaults, auth }, inShop, {
    clock,
    http: (tls) => clients.send(tls),
    watchPath: () => () => undefined,
    plainHttp: true,
    countCall: (call, outcome) => void calls.push(`${call} ${outcome}`),
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}

export function tokenProof(token: string): Proof {
  return { kind: "static", secrets: { token: SecretValue.fromText(token) } };
}

export function logIn(store: Store, token = "token"): Promise<Session> {
  return store.login(tokenProof(token), signal, facts);
}

export type Wish = Omit<Ref, "metadataPolicy">;

/** As the read path does. */
export async function read(store: Store, wish: Wish, session?: Session): Promise<StoreAnswer> {
  const located = store.locate({ metadataPolicy: "None", ...wish });
  const answer = await store.fetch(located.whole ?? located, session ?? (await logIn(store)), signal);
  return located.whole ? store.part!(located, answer) : answer;
}

export async function readText(store: Store, wish: Wish, session?: Session): Promise<string> {
  return (await read(store, wish, session)).value.reveal().toString("utf8");
}
