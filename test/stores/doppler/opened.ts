/** A doppler store on a real sender, for tests: what it counts is kept. */
import assert from "node:assert/strict";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Proof, Session, Store, StoreAnswer, StoreContext } from "../../../plugin/stores/contract.ts";
import { doppler } from "../../../plugin/stores/doppler/kind.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { facts } from "../facts.ts";

export const inShop: StoreContext = { scope: "SecretStore", name: "doppler", namespace: "shop" };
export const bySecret = { auth: { secretRef: { dopplerToken: { name: "doppler-token" } } } };
export const byAccount = { auth: { oidcConfig: { identity: "id-1", serviceAccountRef: { name: "shop" } } } };
const { signal } = new AbortController();

export interface OpenOptions {
  readonly url: string;
  readonly clients: HttpClients;
  readonly clock?: FakeClock;
  readonly calls?: string[];
}

export function openDoppler(block: object, { url, clients, clock = new FakeClock(), calls = [] }: OpenOptions): Store {
  const opened = doppler.open(block, inShop, {
    clock,
    http: (tls) => clients.send(tls),
    watchPath: () => () => undefined,
    plainHttp: true,
    endpoints: { DOPPLER_BASE_URL: url },
    countCall: (call, outcome) => void calls.push(`${call} ${outcome}`),
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}

export function tokenProof(token: string): Proof {
  return { kind: "static", secrets: { token: SecretValue.fromText(token) } };
}

export function logIn(store: Store, token = "dp.st.shop"): Promise<Session> {
  return store.login(tokenProof(token), signal, facts);
}

/** As the read path does. */
export async function read(store: Store, key: string, session?: Session): Promise<StoreAnswer> {
  const located = store.locate({ key, metadataPolicy: "None" });
  const answer = await store.fetch(located.whole ?? located, session ?? (await logIn(store)), signal);
  return located.whole ? store.part!(located, answer) : answer;
}

export async function readText(store: Store, key: string, session?: Session): Promise<string> {
  return (await read(store, key, session)).value.reveal().toString("utf8");
}
