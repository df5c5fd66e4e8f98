/** A ServiceAccount as a process sees it: the projected folder of a pod, the pod's environment, and a kubeconfig on both. */
import { mkdtemp, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KubeAdmin } from "./admin.ts";
import { kubeconfigText } from "./cluster-files.ts";
import { objectPath } from "./objects.ts";

export interface AccountOptions {
  /** Where the process finds the API server, e.g. a fault proxy's URL. Default the API server itself. */
  readonly server?: string;
  /** Default the API server's own audience. */
  readonly audiences?: readonly string[];
  /** At least 600; default 3600. */
  readonly expirationSeconds?: number;
}

export interface Account {
  /** `system:serviceaccount:NAMESPACE:NAME`, the user in the audit log. */
  readonly user: string;
  /** Holds `token`, `ca.crt` and `namespace`, as /var/run/secrets/kubernetes.io/serviceaccount does. */
  readonly folder: string;
  readonly tokenFile: string;
  /** Path of a kubeconfig that names the folder's files. */
  readonly kubeconfig: string;
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. */
  readonly environment: Readonly<Record<string, string>>;
  /** The token in the file now. */
  token(): string;
  /** Puts a fresh token into the file, by rename. */
  renew(): Promise<void>;
}

export async function makeAccount(
  cluster: {
    readonly url: string;
    readonly authority: string;
    readonly folder: string;
    readonly admin: KubeAdmin;
  },
  { namespace, name }: { namespace: string; name: string },
  options: AccountOptions = {},
): Promise<Account> {
  const folder = await mkdtemp(join(cluster.folder, `account-${namespace}-${name}-`));
  const server = options.server ?? cluster.url;
  const at = (file: string): string => join(folder, file);
  let token = "";
  const renew = async (): Promise<void> => {
    token = await requestToken(cluster.admin, { namespace, name }, options);
    await writeFile(at(".token"), token, { mode: 0o600 });
    await rename(at(".token"), at("token"));
  };
  await renew();
  await writeFile(at("ca.crt"), cluster.authority);
  await writeFile(at("namespace"), namespace);
  const files = { "certificate-authority": at("ca.crt"), server };
  await writeFile(at("kubeconfig"), kubeconfigText(files, { tokenFile: at("token") }, namespace));
  const { hostname, port } = new URL(server);
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    folder,
    tokenFile: at("token"),
    kubeconfig: at("kubeconfig"),
    environment: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    token: () => token,
    renew,
  };
}

/** A token of the account, by TokenRequest. */
export async function requestToken(
  admin: KubeAdmin,
  { namespace, name }: { namespace: string; name: string },
  { audiences, expirationSeconds = 3600 }: AccountOptions = {},
): Promise<string> {
  const answer = await admin.request("POST", `${objectPath("v1", "serviceaccounts", namespace, name)}/token`, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { expirationSeconds, ...(audiences ? { audiences } : {}) },
  });
  if (answer.status !== 201) throw new Error(`no token for ${namespace}/${name}: ${answer.text}`);
  return (JSON.parse(answer.text) as { status: { token: string } }).status.token;
}
