/** Who asks for a value. Made once at the edge from facts that the asker cannot choose. */
import type { SecretValue } from "../core/secret-value.ts";

/** One service account token of a pod, already compared with (and where keys are known, verified against) the pod. */
export interface PodToken {
  readonly audience: string;
  readonly token: SecretValue;
  /** Verified or, without keys, claimed uid of the service account; a fixed word for an opaque token. */
  readonly serviceAccountUid: string;
  /** Wall clock epoch milliseconds; absent when the token does not say. */
  readonly expiresAtMs?: number;
}

/** From kubelet's attributes only. */
export interface PodCaller {
  readonly kind: "Pod";
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccountName: string;
  readonly tokens: readonly PodToken[];
  /** False when no token came, or none could be verified: audited as `unproven`. */
  readonly proven: boolean;
}

export interface ExternalSecretCaller {
  readonly kind: "ExternalSecret";
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export type Caller = PodCaller | ExternalSecretCaller;
