/** A `provider.kubernetes` block, parsed: plain data without a secret value, fit for a cache key. */
import type { ProofNeed } from "../contract.ts";

export interface KubernetesConfig {
  /** The API server, without a trailing slash; absent: the kubeconfig names it. */
  readonly server?: string;
  /** PEM that the block holds itself; absent: the proof has it, or the system's roots. */
  readonly ca?: string;
  /** Where the Secrets are. */
  readonly namespace: string;
  readonly login: KubernetesLogin;
}

export interface KubernetesLogin {
  readonly method: "serviceAccount" | "token" | "cert" | "kubeconfig";
  readonly proof: ProofNeed;
}

export const root = "spec.provider.kubernetes";

/** Fields of the block, as messages name them. */
export const fieldNames = {
  account: "auth.serviceAccount",
  token: "auth.token.bearerToken",
  certificate: "auth.cert.clientCert",
  key: "auth.cert.clientKey",
  kubeconfig: "authRef",
} as const;
