/** A kubernetes store on a real sender, for tests: what it counts is kept. */
import assert from "node:assert/strict";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FailureCode } from "../../../plugin/core/failure.ts";
import { openEntry } from "../../../plugin/read/decode/decode.ts";
import type { RefEntry } from "../../../plugin/read/request.ts";
import type { Proof, Ref, Session, Store, StoreAnswer, StoreContext } from "../../../plugin/stores/contract.ts";
import { kubernetes } from "../../../plugin/stores/kubernetes/kind.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { facts } from "../facts.ts";

export const inShop: StoreContext = { scope: "SecretStore", name: "other", namespace: "shop" };
export const byToken = { auth: { token: { bearerToken: { name: "reader" } } } };
export const byAccount = { auth: { serviceAccount: { name: "reader" } } };
export const byKubeconfig = { authRef: { name: "reader", key: "config" } };
export const signal = new AbortController().signal;

export interface OpenOptions {
  readonly clients: HttpClients;
  /** Reaches the API server; the same unless given. */
  readonly apiServerClients?: HttpClients;
  readonly clock?: FakeClock;
  readonly calls?: string[];
}

export function openKubernetes(block: object, options: OpenOptions): Store {
  const { clients, apiServerClients, clock = new FakeClock(), calls = [] } = options;
  const opened = kubernetes.open(block, inShop, {
    clock,
    http: (tls) => clients.send(tls),
    ...(apiServerClients ? { apiServerHttp: (tls) => apiServerClients.send(tls) } : {}),
    watchPath: () => () => undefined,
    plainHttp: true,
    countCall: (call, outcome) => void calls.push(`${call} ${outcome}`),
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return opened.value.store;
}

export function shownSecrets(texts: Readonly<Record<string, string>>): Proof {
  const secrets = Object.entries(texts).map(([name, text]) => [name, SecretValue.fromText(text)] as const);
  return { kind: "static", secrets: Object.fromEntries(secrets) };
}

export function logIn(store: Store, token = "reader"): Promise<Session> {
  return store.login(shownSecrets({ token }), signal, facts);
}

export async function read(store: Store, ref: Partial<Ref> = {}, session?: Session): Promise<StoreAnswer> {
  const located = store.locate({ key: "db", metadataPolicy: "None", ...ref });
  return store.fetch(located, session ?? (await logIn(store)), signal);
}

export async function readText(store: Store, ref?: Partial<Ref>, session?: Session): Promise<string> {
  return (await read(store, ref, session)).value.reveal().toString("utf8");
}

/** What an entry gets of an answer, as the read path takes it out: one value, or all members. */
export function taken({ value }: StoreAnswer, property?: string, as: "value" | "map" = "value"): Map<string, Buffer> {
  const entry: RefEntry = {
    ...{ field: "spec.data[0]", store: { kind: "SecretStore", name: "other" }, optional: false },
    ...{ ref: { key: "db", metadataPolicy: "None" }, decoding: "None", nullBytes: "Ignore" },
    take: as === "value" ? { as, name: "it" } : { as, conversion: "Default" },
    ...(property === undefined ? {} : { property }),
  };
  return new Map(openEntry(entry, value, kubernetes.propertySyntax));
}

export async function fails(attempt: Promise<unknown>, code: FailureCode, words: RegExp): Promise<Failure> {
  const thrown: unknown = await attempt.then(
    () => assert.fail(`resolved instead of failing with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof Failure, String(thrown));
  assert.equal(thrown.code, code, thrown.message);
  assert.match(thrown.message, words);
  return thrown;
}
