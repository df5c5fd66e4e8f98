/** The workload of several whole-program tests: the account and a pod of shop/checkout, and its ExternalSecret shop/db. */
import assert from "node:assert/strict";
import { type Program, until } from "./program.ts";

export const account = {
  namespace: "shop",
  serviceAccountName: "checkout",
  serviceAccountUid: "6c2c9f3c-7d38-4b10-a6f2-a3c6f4d2a001",
};

export const pod = {
  namespace: "shop",
  podName: "checkout-1",
  podUid: "0f2f6a31-5a8e-4d0e-9b4e-1f9b5f9d7a11",
  serviceAccountName: "checkout",
};

/** Manifest of the Secret that hands the account's token to standalone. */
export const accountTokenSecret = (token: string): string => `apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata:
  name: checkout-token
  namespace: shop
  annotations: {kubernetes.io/service-account.name: checkout}
stringData: {token: ${token}}`;

/** Resolves with what shop/db holds, once there is one. */
export const synced = (world: Program): Promise<Record<string, string>> => until(() => world.secret("shop", "db"));

/** Resolves with the Ready message of shop/db, once it has this code. */
export function untilRefused(world: Program, code: string): Promise<string> {
  return until(async () => {
    const ready = (await world.status("shop", "db")).conditions.find(({ type }) => type === "Ready");
    assert.match(ready?.message ?? "", new RegExp(`\\[${code}\\]`));
    return ready!.message;
  });
}
