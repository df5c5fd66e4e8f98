/** One audit line for each distinct answer in a result. */
import type { AuditEntry } from "../observe/audit.ts";
import type { Caller } from "./caller.ts";
import type { Result } from "./last-good.ts";
import type { ReadTerms } from "./request.ts";
import { storeId } from "./store-id.ts";

/** `nowMs`: monotonic. */
export function auditLines({ bundle, parts }: Result, terms: ReadTerms, nowMs: number): readonly AuditEntry[] {
  const { kind, namespace, name, uid } = terms.caller;
  return bundle.sources.map((source, i) => ({
    delivery: terms.delivery,
    consumer: { kind, namespace, name, uid },
    serviceAccount: accountOf(terms.caller, parts[i]!.account),
    store: storeId(source.store.kind, source.storeNamespace, source.store.name),
    address: source.address,
    version: source.version,
    digest: parts[i]!.answer.digest,
    storeRequestId: source.requestId ?? "",
    cache: source.cache,
    ageMs: Math.round(nowMs - source.begunAtMs),
    ...(parts[i]!.withheld === undefined ? {} : { withheld: parts[i]!.withheld }),
  }));
}

/** Of a pod its own, whatever was shown to the store: that is who the value is released to. */
function accountOf(caller: Caller, shown: string): string {
  if (caller.kind === "ExternalSecret") return shown;
  return `${caller.namespace}/${caller.serviceAccountName}${caller.proven ? "" : " (unproven)"}`;
}
