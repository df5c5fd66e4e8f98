/** Tokens of service accounts, made by the API server for one audience each. */
import { Failure } from "../core/failure.ts";
import { SecretValue } from "../core/secret-value.ts";
import { isMap } from "../manifests/fields.ts";
import type { ServiceAccountToken } from "../read/ports.ts";
import { KubeFailure, type KubeApi, type KubeObject, type ObjectName } from "./contract.ts";
import { serviceAccounts } from "./resources.ts";

const expirationSeconds = 3_600;

/** Without an audience it is for the API server itself. Undefined when there is no such account. Rejects with KubeFailure, of status 403 where this process may not make it. */
export async function requestToken(
  api: KubeApi,
  name: ObjectName,
  audience: string,
  signal: AbortSignal,
): Promise<ServiceAccountToken | undefined> {
  const request: KubeObject = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    metadata: { ...name },
    spec: { ...(audience === "" ? {} : { audiences: [audience] }), expirationSeconds },
  };
  try {
    return tokenOf(await api.create(serviceAccounts, request, signal, { subresource: "token" }), name);
  } catch (thrown) {
    if (thrown instanceof KubeFailure && thrown.status === 404) return undefined;
    throw thrown;
  }
}

function tokenOf(answer: KubeObject, { namespace, name }: ObjectName): ServiceAccountToken {
  const { token, expirationTimestamp } = isMap(answer["status"]) ? answer["status"] : {};
  const serviceAccountUid = typeof token === "string" ? accountUid(token) : undefined;
  if (typeof token !== "string" || serviceAccountUid === undefined)
    throw new Failure(
      "kube_unavailable",
      `the API server's token for service account ${namespace}/${name} does not say the account's uid`,
    );
  const expiresAtMs = typeof expirationTimestamp === "string" ? Date.parse(expirationTimestamp) : NaN;
  return {
    token: SecretValue.fromText(token),
    serviceAccountUid,
    ...(!Number.isNaN(expiresAtMs) && { expiresAtMs }),
  };
}

/** The claim is read, not verified: the token comes straight from the API server. */
function accountUid(token: string): string | undefined {
  try {
    const payload = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as unknown;
    const bound = isMap(payload) ? payload["kubernetes.io"] : undefined;
    const account = isMap(bound) ? bound["serviceaccount"] : undefined;
    const uid = isMap(account) ? account["uid"] : undefined;
    return typeof uid === "string" && uid !== "" ? uid : undefined;
  } catch {
    return undefined;
  }
}
