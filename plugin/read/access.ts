/** One allowed and proven read of one address: what sessions, answers and last-good are asked with. */
import type { Proof, Subject } from "../stores/contract.ts";
import type { Grant } from "./authorize.ts";
import { answerKey, sessionKey } from "./key.ts";
import type { KeyPart } from "./key.ts";
import type { Proven } from "./prove.ts";

export interface Access {
  readonly grant: Grant;
  readonly subject: Subject;
  readonly proof: Proof;
  readonly answerKey: string;
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
  return { grant, ...identity, answerKey: answerKey({ grant, subject: identity.subject }, parts) };
}
