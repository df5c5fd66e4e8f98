/** One allowed and proven read of one address: what sessions, answers and last-good are asked with. */
import type { Proof, Ref, StoreKind, Subject } from "../stores/contract.ts";
import type { Grant } from "./authorize.ts";
import { answerKey, partKey, sessionKey } from "./key.ts";
import type { KeyPart } from "./key.ts";
import type { Proven } from "./prove.ts";
import type { RefEntry } from "./request.ts";

export interface Access {
  readonly grant: Grant;
  readonly subject: Subject;
  readonly proof: Proof;
  /** Of what is fetched and kept. */
  readonly answerKey: string;
  /** Of what is read: the answer key, but where only a part of the answer is. */
  readonly partKey: string;
  readonly sessionKey: string;
}

/** A proof with the key of the sessions that it opens: the same for everything that one caller reads of one store. */
export interface Identity extends Proven {
  readonly sessionKey: string;
}

export function openIdentity(grant: Grant, proven: Proven, parts: readonly KeyPart[]): Identity {
  return { ...proven, sessionKey: sessionKey({ grant, subject: proven.subject }, parts) };
}

export function openAccess(grant: Grant, proven: Proven | Identity, parts: readonly KeyPart[]): Access {
  const identity = "sessionKey" in proven ? proven : openIdentity(grant, proven, parts);
  const facts = { grant, subject: identity.subject };
  const key = answerKey(facts, parts);
  return { grant, ...identity, answerKey: key, partKey: partKey(facts, key) };
}

/** What a store is to locate for an entry: with what is wanted of it where its kind takes that out itself. */
export function refFor({ ref, property, take }: Pick<RefEntry, "ref" | "property" | "take">, kind: StoreKind): Ref {
  if (kind.propertySyntax !== "own") return ref;
  return { ...ref, ...(property ? { property } : {}), ...(take.as === "map" ? { members: true } : {}) };
}
