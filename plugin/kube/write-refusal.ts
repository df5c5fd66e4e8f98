/** What the API server's no to a write of a Secret means to sync. */
import type { WriteOutcome, WriteRefusal } from "../sync/ports.ts";
import { KubeFailure } from "./contract.ts";

/** Rethrows whatever decides nothing: an outage, a throttled request, a token that is not accepted. */
export function refusedWrite(thrown: unknown, verb: "create" | "replace" | "remove"): WriteOutcome {
  if (!(thrown instanceof KubeFailure)) throw thrown;
  const refused = refusalOf(thrown, verb);
  if (refused) return { done: false, refused };
  if (thrown.status === 409 || (thrown.status === 404 && verb !== "create")) return { done: false };
  throw thrown;
}

function refusalOf({ refusal, status, fields, admission }: KubeFailure, verb: string): WriteRefusal | undefined {
  switch (refusal) {
    case "admission":
      return { because: "admission", ...(admission !== undefined && { by: admission }) };
    case "namespace_terminating":
      return { because: "namespace_ending" };
    case "namespace_missing":
      // A Secret that is to be replaced went with its namespace.
      return verb === "create" ? { because: "namespace_missing" } : undefined;
    case "rights":
      return { because: "forbidden" };
    case "immutable":
    case "quota":
    case "too_large":
      return { because: refusal };
    case undefined:
      break;
  }
  if (status === 404 && verb === "create") return { because: "namespace_missing" };
  if (status === 403) return { because: "forbidden" };
  if (status === 413) return { because: "too_large" };
  return status === 400 || status === 422 ? { because: "invalid", fields } : undefined;
}
