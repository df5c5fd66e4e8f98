/** Where the API server is and how this process proves itself to it. Made by in-cluster.ts or kubeconfig.ts. */
import type { SecretValue } from "../../core/secret-value.ts";
import type { KubeTls } from "../http.ts";

export interface KubeCredentials {
  readonly tls: KubeTls;
  /** The whole Authorization header; absent where a client certificate is the proof. */
  readonly authorization?: SecretValue;
}

export interface KubeConnection {
  /** With the path prefix of a gateway, when there is one. */
  readonly server: URL;
  readonly namespace: string;
  /**
   * The credentials of now: the same object as long as nothing changed. `refused` are those that the API server just
   * answered with 401: they are looked up anew, unless somebody else has done so since.
   * Rejects with KubeFailure when there are none.
   */
  credentials(refused?: KubeCredentials): Promise<KubeCredentials>;
}
