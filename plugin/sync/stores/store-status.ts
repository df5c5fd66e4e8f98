/**
 * The status of a store after a validation. Pure.
 *
 * Reasons and constant texts are ESO's; the cause and its stable code stand behind them.
 */
import type { Failure } from "../../core/failure.ts";
import type { StoreStatus } from "../../read/store-check.ts";
import { cutTo, failureWords, rfc3339 } from "../status.ts";
import type { StoreCondition, StoreItem, StoreObjectStatus } from "./ports.ts";

type Verdict = Pick<StoreCondition, "status" | "reason" | "message">;

const longestMessageBytes = 1_024;

export function verdictOf(item: StoreItem, { failure, unchecked }: StoreStatus): Verdict {
  if (failure) return { status: "False", ...failureTexts(item, failure) };
  if (unchecked === undefined) return { status: "True", reason: "Valid", message: "store validated" };
  const message = `could not determine validation status: validated as far as possible; ${unchecked}`;
  return { status: "True", reason: "ValidationUnknown", message };
}

function failureTexts({ parsed }: StoreItem, failure: Failure): Pick<Verdict, "reason" | "message"> {
  const isBroken = !parsed.ok;
  const text = isBroken ? "unable to validate store" : "unable to create client";
  const field = failure.field === undefined ? "" : `${failure.field}: `;
  const words = failureWords(failure).replace("] ", () => `] ${field}`);
  return {
    reason: isBroken ? "InvalidStoreConfiguration" : "InvalidProviderConfig",
    message: cutTo(`${text}: ${words}`, longestMessageBytes),
  };
}

/** Equal to `previous` in every member when nothing changed. */
export function storeStatusAfter(
  previous: StoreObjectStatus | undefined,
  verdict: Verdict,
  nowMs: number,
): StoreObjectStatus {
  const before = previous?.ready;
  const lastTransitionTime = before?.status === verdict.status ? before.lastTransitionTime : rfc3339(nowMs);
  return { ready: { type: "Ready", ...verdict, lastTransitionTime }, capabilities: "ReadOnly" };
}

export function isSameStatus(a: StoreObjectStatus | undefined, b: StoreObjectStatus): boolean {
  return a?.capabilities === b.capabilities && a?.ready !== undefined && saysSame(a.ready, b.ready!);
}

export function saysSame(a: StoreCondition, b: StoreCondition): boolean {
  return a.status === b.status && a.reason === b.reason && a.message === b.message;
}
