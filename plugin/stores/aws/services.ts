/** What each service is called, and where its part of the SDK is. */
import type { StoreDeps } from "../contract.ts";
import type { AwsConfig } from "./config.ts";
import type { ServiceReads } from "./reads.ts";
import type { Credentials, SdkTarget } from "./sdk.ts";

export interface Service {
  /** Loaded at the first login: a process without such a store does not pay for it. */
  readonly load: () => Promise<
    (target: SdkTarget, credentials: Credentials, clock: StoreDeps["clock"]) => ServiceReads
  >;
  /** The environment variable of an address in place of the service's own. */
  readonly endpoint: string;
  /** ESO's label in its metrics. */
  readonly label: string;
  /** Names that one call for several takes, by AWS's quota; absent where there is no such call. */
  readonly most?: number;
}

export const services: Readonly<Record<AwsConfig["service"], Service>> = {
  SecretsManager: {
    load: async () => (await import("./secrets-manager.ts")).openReads,
    endpoint: "AWS_SECRETSMANAGER_ENDPOINT",
    label: "AWS/SecretsManager",
    most: 20,
  },
  ParameterStore: {
    load: async () => (await import("./parameter-store.ts")).openReads,
    endpoint: "AWS_SSM_ENDPOINT",
    label: "AWS/ParameterStore",
    most: 10,
  },
  CertificateManager: {
    load: async () => (await import("./certificate-manager.ts")).openReads,
    endpoint: "AWS_ACM_ENDPOINT",
    label: "AWS/CertificateManager",
  },
};
