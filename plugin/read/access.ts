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

export function openAccess(grant: Grant, { subject, proof }: Proven, parts: readonly KeyPart[]): Access {
  const facts = { grant, subject };
  return { ...facts, proof, answerKey: answerKey(facts, parts), sessionKey: sessionKey(facts, parts) };
}
