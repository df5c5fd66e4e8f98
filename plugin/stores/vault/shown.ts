/** The parts of a proof, as logins use them. */
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Proof } from "../contract.ts";

/** The read path collects what `proofNeed` names; a gap is a fault of this process, not of the user. */
export function shown(proof: Proof, secret: string): SecretValue {
  const value = proof.kind === "static" ? proof.secrets[secret] : undefined;
  if (!value) throw new Failure("internal", `the proof for the vault login lacks ${secret}`);
  return value;
}

/** Files and editors leave a line end behind a credential. */
export function trimmed(value: SecretValue): SecretValue {
  return SecretValue.fromText(value.reveal().toString("utf8").trim());
}

/** A password may begin or end with a space, but nobody can type a line end. */
export function withoutLineEnd(value: SecretValue): SecretValue {
  return SecretValue.fromText(
    value
      .reveal()
      .toString("utf8")
      .replace(/[\r\n]+$/, ""),
  );
}
