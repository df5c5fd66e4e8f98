/** A token of a Kubernetes service account, or of another issuer, for one of Google's (RFC 8693). */
import type { SecretValue } from "../../core/secret-value.ts";
import type { Cluster } from "./config.ts";
import { postForm, postJson, readGrant, requestToken, scope } from "./token-request.ts";
import type { Granted, LoginDeps } from "./token-request.ts";

const tokenTypes = "urn:ietf:params:oauth:token-type";
const exchange = {
  grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
  requested_token_type: `${tokenTypes}:access_token`,
  scope,
};

/** What an identity pool is told. */
export interface Subject {
  readonly token: SecretValue;
  /** `urn:ietf:params:oauth:token-type:jwt` where it is absent. */
  readonly type?: string;
}

/** Through the pool that GKE has for each project. Rejects with Failure, see `Store.login`. */
export async function tradeInCluster(
  { token }: Subject,
  { project, location, name }: Required<Cluster>,
  deps: LoginDeps,
  signal: AbortSignal,
): Promise<Granted> {
  const provider = `https://container.googleapis.com/v1/projects/${project}/locations/${location}/clusters/${name}`;
  const url =
    deps.endpoints["GAIA_TOKEN_EXCHANGE_ENDPOINT"] ?? "https://securetoken.googleapis.com/v1/identitybindingtoken";
  const step = {
    name: "GenerateIDBindToken",
    what: `a token of ${project}.svc.id.goog`,
    knob: "check that workload identity is on in the cluster, that clusterProjectID, clusterLocation and clusterName are its own, and that the token's audience is the pool",
  };
  const request = postJson(url, {
    ...exchange,
    subject_token: textOf(token),
    subject_token_type: `${tokenTypes}:jwt`,
    audience: `identitynamespace:${project}.svc.id.goog:${provider}`,
  });
  return readGrant(await requestToken(step, request, deps, signal), deps.clock);
}

/** Through a workload identity pool of one's own. Rejects with Failure, see `Store.login`. */
export async function tradeInPool(
  { token, type = `${tokenTypes}:jwt` }: Subject,
  audience: string,
  deps: LoginDeps,
  signal: AbortSignal,
): Promise<Granted> {
  const base = deps.endpoints["CLOUDSDK_API_ENDPOINT_OVERRIDES_STS"] ?? "https://sts.googleapis.com";
  const step = {
    name: "ExchangeToken",
    what: "the exchange of the token",
    knob: "check that audience names the pool's provider, that the provider trusts the token's issuer and expects its audience, and that its conditions admit the subject",
  };
  const request = postForm(`${base}/v1/token`, {
    ...exchange,
    subject_token: textOf(token),
    subject_token_type: type,
    audience,
  });
  return readGrant(await requestToken(step, request, deps, signal), deps.clock);
}

/** Files and editors leave a line end behind a token. */
function textOf(token: SecretValue): string {
  return token.reveal().toString("utf8").trim();
}
