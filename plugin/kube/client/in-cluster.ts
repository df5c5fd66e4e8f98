/** The connection of a Pod: address from the variables that kubelet sets, token and CA from the projected volume. */
import { join } from "node:path";
import { SecretValue } from "../../core/secret-value.ts";
import { createChangingFile } from "./changing-file.ts";
import type { KubeConnection, KubeCredentials } from "./connection.ts";

export interface InClusterPlace {
  /** KUBERNETES_SERVICE_HOST: a name, an IPv4 or an IPv6 address. */
  readonly host: string;
  /** KUBERNETES_SERVICE_PORT. */
  readonly port: string;
  /** Holds `token`, `ca.crt` and `namespace`. */
  readonly folder: string;
}

/** Where kubelet puts it. */
export const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

const wayOut = "does the Pod mount its service account token?";

/** Rejects with KubeFailure when the folder does not hold what it should. */
export async function openInCluster(place: InClusterPlace): Promise<KubeConnection> {
  const file = (name: string) => createChangingFile(join(place.folder, name), wayOut);
  const [token, ca] = [file("token"), file("ca.crt")];
  const host = place.host.includes(":") && !place.host.startsWith("[") ? `[${place.host}]` : place.host;
  let known: { readonly token: string; readonly ca: string; readonly credentials: KubeCredentials } | undefined;
  const credentials = async (refused?: KubeCredentials): Promise<KubeCredentials> => {
    const anew = refused !== undefined && refused === known?.credentials;
    const now = { token: await token.text(anew), ca: await ca.text(anew) };
    if (known && known.token === now.token && known.ca === now.ca) return known.credentials;
    const tls = known?.ca === now.ca ? known.credentials.tls : { ca: now.ca };
    known = { ...now, credentials: { tls, authorization: SecretValue.fromText(`Bearer ${now.token}`) } };
    return known.credentials;
  };
  await credentials();
  const namespace = await file("namespace").text();
  return { server: new URL(`https://${host}:${place.port}`), namespace, credentials };
}
