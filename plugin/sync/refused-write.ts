/** What the API server's refusal of a write means, and the way out. */
import { Failure } from "../core/failure.ts";
import type { ObjectKey, WriteRefusal } from "./ports.ts";

const shownFields = 5;
const longestName = 100;

/** Codes `target_refused`, `target_immutable` or `target_too_large`. */
export function refusedWrite(refusal: WriteRefusal, { namespace, name }: ObjectKey): Failure {
  const secret = `Secret ${name}`;
  switch (refusal.because) {
    case "quota":
      return refused(
        `the resource quota of namespace ${namespace} has no room for ${secret}; raise it, or delete what is not needed`,
      );
    case "namespace_ending":
      return endingNamespace(namespace, name);
    case "namespace_missing":
      return refused(`namespace ${namespace} does not exist; create it`);
    case "forbidden":
      return refused(
        `the account of this process may not write ${secret}; give it create, update and delete on Secrets of namespace ${namespace}`,
      );
    case "admission":
      return refused(
        `${admissionName(refusal.by)} does not let ${secret} be written; exempt the account of this process, or change what the policy finds wrong`,
      );
    case "immutable":
      return immutableTarget(name);
    case "too_large":
      return new Failure(
        "target_too_large",
        `${secret} is larger than the API server takes; spread the entries over several ExternalSecrets`,
      );
    case "invalid":
      return refused(
        `the API server does not find ${secret} valid${inFields(refusal.fields)}; correct the ExternalSecret that it is made from`,
      );
  }
}

export function endingNamespace(namespace: string, secretName: string): Failure {
  return refused(
    `namespace ${namespace} is being deleted, so Secret ${secretName} cannot be created in it; choose another namespace`,
  );
}

export function immutableTarget(secretName: string): Failure {
  return new Failure(
    "target_immutable",
    `Secret ${secretName} is immutable and its source has changed; delete it to have it made anew`,
  );
}

function refused(message: string): Failure {
  return new Failure("target_refused", message);
}

function admissionName(by: string | undefined): string {
  return by === undefined ? "an admission policy" : `admission policy ${JSON.stringify(by.slice(0, longestName))}`;
}

function inFields(fields: readonly string[]): string {
  if (fields.length === 0) return "";
  const more = fields.length > shownFields ? ` and ${fields.length - shownFields} more` : "";
  const names = fields.slice(0, shownFields).map((field) => field.slice(0, longestName));
  return ` in ${names.join(", ")}${more}`;
}
