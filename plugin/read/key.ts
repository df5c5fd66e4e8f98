/**
 * What makes two reads the same read.
 *
 * Everything that can change the answer is a named part here: a field added to a table splits entries, it never merges
 * two identities. `property` is no part: ten properties of one path are one fetch. Nor is anything of what is only a part
 * of an answer: ten parts of one whole are one fetch.
 */
import { hash } from "node:crypto";
import type { CallerFact, Located, Subject } from "../stores/contract.ts";
import type { Grant } from "./authorize.ts";

export interface KeyFacts {
  readonly grant: Grant;
  readonly subject: Subject;
}

export interface KeyPart {
  readonly name: string;
  /** Undefined when the part does not apply, which is not the same as empty. */
  readonly of: (facts: KeyFacts) => string | undefined;
  /** What is read, as against who asks: not part of a session's key. */
  readonly ofAddress?: true;
}

export const keyParts: readonly KeyPart[] = [
  { name: "storeConfig", of: ({ grant }) => grant.store.configHash },
  { name: "subject.namespace", of: ({ subject }) => account(subject)?.namespace },
  { name: "subject.serviceAccount", of: ({ subject }) => account(subject)?.name },
  { name: "subject.uid", of: ({ subject }) => account(subject)?.uid },
  { name: "subject.audience", of: ({ subject }) => account(subject)?.audience },
  { name: "subject.annotations", of: ({ subject }) => account(subject)?.annotations },
  { name: "subject.secrets", of: ({ subject }) => account(subject)?.digest },
  { name: "subject.credential", of: ({ subject }) => (subject.kind === "credential" ? subject.digest : undefined) },
  callerFact("namespace", ({ caller }) => caller.namespace),
  callerFact("storeName", ({ store }) => store.ref.name),
  callerFact("storeKind", ({ store }) => store.ref.kind),
  { name: "address", of: ({ grant }) => fetchedFor(grant.located).address, ofAddress: true },
  { name: "method", of: ({ grant }) => fetchedFor(grant.located).method, ofAddress: true },
  { name: "arguments", of: ({ grant }) => fetchedFor(grant.located).arguments, ofAddress: true },
  { name: "version", of: ({ grant }) => fetchedFor(grant.located).version, ofAddress: true },
  { name: "consumer", of: ({ grant }) => consumerOf(grant), ofAddress: true },
];

/** One key for an answer, hex. */
export function answerKey(facts: KeyFacts, parts: readonly KeyPart[]): string {
  return hashParts(facts, parts);
}

/** What goes on the wire for it: itself, or the whole that it is a part of. */
export function fetchedFor(located: Located): Located {
  return located.whole ?? located;
}

/** One key for what is read of the answer with this key: that key, or for a part one of its own. */
export function partKey({ grant: { located } }: KeyFacts, answer: string): string {
  if (!located.whole) return answer;
  const { address, method, arguments: args, version } = located;
  return JSON.stringify([answer, address, method, args, version]);
}

/** One key for a session, hex: that of the answers read with it, without what is read. */
export function sessionKey(facts: KeyFacts, parts: readonly KeyPart[]): string {
  return hashParts(
    facts,
    parts.filter((part) => !part.ofAddress),
  );
}

const lengthBytes = 4;

function hashParts(facts: KeyFacts, parts: readonly KeyPart[]): string {
  const texts = parts.map((part) => part.of(facts));
  const all = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + lengthBytes + Buffer.byteLength(text ?? ""), 0));
  let at = 0;
  for (const text of texts) {
    const bytes = text === undefined ? 0 : all.write(text, at + lengthBytes, "utf8");
    // The length in front keeps neighbours apart; no text is as long as the one that says "does not apply".
    all.writeUInt32BE(text === undefined ? 0xffffffff : bytes, at);
    at += lengthBytes + bytes;
  }
  return hash("sha256", all);
}

function account(subject: Subject): Extract<Subject, { kind: "serviceAccount" }> | undefined {
  return subject.kind === "serviceAccount" ? subject : undefined;
}

/** Left out where the kind says that it does not put the fact on the wire, and this store's configuration no other. */
function callerFact(fact: CallerFact, of: (grant: Grant) => string): KeyPart {
  return {
    name: `caller.${fact}`,
    of({ grant }) {
      const { kind, usedCallerFacts } = grant.store;
      return kind.unusedCallerFacts.includes(fact) && !usedCallerFacts?.includes(fact) ? undefined : of(grant);
    },
  };
}

/** Anything but a plain read may have made something for whoever asked, so it is nobody else's. */
function consumerOf({ located, caller }: Grant): string | undefined {
  if (fetchedFor(located).method === "GET") return undefined;
  return JSON.stringify([caller.kind, caller.namespace, caller.name, caller.uid]);
}
