import { Failure } from "../core/failure.ts";
import type { ReadEntry } from "./request.ts";

/** A failure as the part of a read that it is: under the entry's field, saying which store. */
export function entryFailure(entry: ReadEntry, storeId: string, failure: Failure): Failure {
  const ofEntry = failure.field?.startsWith(entry.field) ?? false;
  const store = failure.message.includes(storeId) ? "" : `${storeId}: `;
  const elsewhere = failure.field === undefined || ofEntry ? "" : `${failure.field}: `;
  return new Failure(failure.code, store + elsewhere + failure.message, {
    cause: failure,
    field: ofEntry ? failure.field! : entry.field,
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
  });
}
