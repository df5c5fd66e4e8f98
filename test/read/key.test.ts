import assert from "node:assert/strict";
import { test } from "node:test";
import { answerKey, keyParts, sessionKey } from "../../plugin/read/key.ts";
import type { KeyFacts } from "../../plugin/read/key.ts";
import type { CallerFact, Located, Subject } from "../../plugin/stores/contract.ts";
import { externalSecret, pod } from "./read-bench.ts";

interface Changes {
  readonly configHash?: string;
  readonly storeName?: string;
  readonly storeKind?: "SecretStore" | "ClusterSecretStore";
  readonly namespace?: string;
  readonly consumer?: string;
  readonly located?: Partial<Record<keyof Located, string>>;
  readonly subject?: Subject;
  readonly unused?: readonly CallerFact[];
  readonly used?: readonly CallerFact[];
}

const account = { kind: "serviceAccount", namespace: "ns", name: "app", uid: "u", audience: "a" } as const;

function facts(changes: Changes = {}): KeyFacts {
  const { configHash = "c", storeName = "s", storeKind = "SecretStore", namespace = "ns", consumer = "es" } = changes;
  return {
    grant: {
      caller: externalSecret(namespace, consumer),
      store: {
        configHash,
        ref: { kind: storeKind, name: storeName },
        kind: { unusedCallerFacts: changes.unused ?? [] },
        ...(changes.used && { usedCallerFacts: changes.used }),
      },
      located: { address: "a", method: "GET", arguments: "", version: "", ...changes.located },
    } as unknown as KeyFacts["grant"],
    subject: changes.subject ?? account,
  };
}

const splitting: Readonly<Record<string, Changes>> = {
  configuration: { configHash: "d" },
  "account's namespace": { subject: { ...account, namespace: "other" } },
  "account's name": { subject: { ...account, name: "other" } },
  "account's uid": { subject: { ...account, uid: "other" } },
  audience: { subject: { ...account, audience: "other" } },
  "annotation of the account": { subject: { ...account, annotations: '{"role":"other"}' } },
  "value shown beside the token": { subject: { ...account, digest: "other" } },
  "kind of proof": { subject: { kind: "credential", digest: "d" } },
  "absence of a proof": { subject: { kind: "none" } },
  "caller's namespace": { namespace: "other" },
  "store's name": { storeName: "other" },
  "store's kind": { storeKind: "ClusterSecretStore" },
};
const splittingAnswers: Readonly<Record<string, Changes>> = {
  address: { located: { address: "b" } },
  method: { located: { method: "POST" } },
  arguments: { located: { arguments: "x" } },
  version: { located: { version: "1" } },
};

for (const [what, changes] of Object.entries({ ...splitting, ...splittingAnswers }))
  test(`another ${what} is another answer`, () => {
    assert.notEqual(answerKey(facts(changes), keyParts), answerKey(facts(), keyParts));
  });

for (const [what, changes] of Object.entries(splitting))
  test(`another ${what} is another session`, () => {
    assert.notEqual(sessionKey(facts(changes), keyParts), sessionKey(facts(), keyParts));
  });

for (const [what, changes] of Object.entries(splittingAnswers))
  test(`another ${what} is the same session`, () => {
    assert.equal(sessionKey(facts(changes), keyParts), sessionKey(facts(), keyParts));
  });

test("a fact that a store sends although its kind rarely does splits", () => {
  const common = { unused: ["namespace", "storeName", "storeKind"], used: ["namespace"] } as const;
  for (const keyOf of [answerKey, sessionKey]) {
    const key = (changes: Changes): string => keyOf(facts({ ...common, ...changes }), keyParts);
    assert.notEqual(key({ namespace: "other" }), key({}));
    assert.equal(key({ storeName: "other" }), key({}));
  }
});

test("facts that a kind never sends are left out", () => {
  const unused = ["namespace", "storeName", "storeKind"] as const;
  const other = facts({ unused, namespace: "other", storeName: "other", storeKind: "ClusterSecretStore" });
  assert.equal(answerKey(other, keyParts), answerKey(facts({ unused }), keyParts));
  assert.notEqual(
    answerKey(facts({ unused: ["storeName"], namespace: "other" }), keyParts),
    answerKey(facts({ unused: ["storeName"] }), keyParts),
  );
});

test("consumers share a plain read and nothing else", () => {
  const key = (consumer: string, method: string) => answerKey(facts({ consumer, located: { method } }), keyParts);
  assert.equal(key("one", "GET"), key("two", "GET"));
  assert.notEqual(key("one", "POST"), key("two", "POST"));
  assert.notEqual(
    answerKey(
      { ...facts(), grant: { ...facts().grant, caller: pod(), located: { ...facts().grant.located, method: "X" } } },
      keyParts,
    ),
    answerKey(
      { ...facts(), grant: { ...facts().grant, located: { ...facts().grant.located, method: "X" } } },
      keyParts,
    ),
  );
});

test("text cannot be shifted from one part to its neighbour", () => {
  const shifted = (address: string, method: string) =>
    answerKey(facts({ located: { address, method: "", arguments: method } }), keyParts);
  assert.notEqual(shifted("ab", "c"), shifted("a", "bc"));
  const absent = { subject: { kind: "none" } } as const;
  const empty = { subject: { ...account, namespace: "", name: "", uid: "", audience: "" } } as const;
  assert.notEqual(answerKey(facts(absent), keyParts), answerKey(facts(empty), keyParts));
});
