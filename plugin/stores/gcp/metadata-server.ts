/** What the metadata server of a Google machine says about it. For ClusterSecretStores alone. */
import { Failure } from "../../core/failure.ts";
import type { Cluster } from "./config.ts";
import { clusterNamePattern, locationPattern } from "./names.ts";
import { answerInvalid, loginRefusal } from "./refusal.ts";
import { Refused } from "./refused.ts";
import { readGrant, requestToken } from "./token-request.ts";
import type { Granted, LoginDeps } from "./token-request.ts";

/** An address rather than a name: no DNS answer may stand in for it. */
const metadataServer = "http://169.254.169.254";
/** Without it the server does not answer, and a text that comes without it comes from something else. */
const flavor = { "metadata-flavor": "Google" } as const;

/** The access token of the machine, or of the service account that this process runs as. */
export async function nodeToken(deps: LoginDeps, signal: AbortSignal): Promise<Granted> {
  const step = {
    name: "GetMetadataToken",
    what: "the node's own token",
    knob: "check that the node, or the service account of this process, has a Google service account",
  };
  const url = urlOf("instance/service-accounts/default/token", deps);
  const { machineSend: send, clock, countCall } = deps;
  const request = { method: "GET", url, headers: flavor };
  return readGrant(await requestToken(step, request, { send, clock, countCall }, signal), clock);
}

/** Fills in what the store does not say about its cluster. */
export async function wholeCluster(cluster: Cluster, deps: LoginDeps, signal: AbortSignal): Promise<Required<Cluster>> {
  const { project } = cluster;
  const location = cluster.location ?? (await attribute("cluster-location", locationPattern, deps, signal));
  const name = cluster.name ?? (await attribute("cluster-name", clusterNamePattern, deps, signal));
  return { project, location, name };
}

async function attribute(key: string, pattern: RegExp, deps: LoginDeps, signal: AbortSignal): Promise<string> {
  const url = urlOf(`instance/attributes/${key}`, deps);
  const answer = await deps.machineSend({ method: "GET", url, headers: flavor }, signal);
  if (answer.status === 404)
    throw new Failure(
      "store_invalid",
      `the metadata server knows no ${key}: set clusterLocation and clusterName in auth.workloadIdentity`,
    );
  const step = { name: key, what: key, knob: "set clusterLocation and clusterName in auth.workloadIdentity" };
  if (answer.status !== 200) throw loginRefusal(new Refused(answer), step, deps.clock);
  const text = answer.body.reveal().toString("utf8").trim();
  if (answer.headers["metadata-flavor"] !== flavor["metadata-flavor"] || !pattern.test(text))
    throw answerInvalid("something that no metadata server says");
  return text;
}

function urlOf(path: string, { endpoints }: LoginDeps): URL {
  return new URL(`${endpoints["GCE_METADATA_HOST"] ?? metadataServer}/computeMetadata/v1/${path}`);
}
