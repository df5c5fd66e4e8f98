/** The claims of a service account token as the API server writes them, put beside what kubelet says about the pod. */
import { isJsonObject, isRawNumber, parseJson, type JsonObject, type JsonValue } from "../core/json.ts";

/** Who mounts, from kubelet's attributes. */
export interface PodFacts {
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
  readonly serviceAccountName: string;
}

export interface TokenClaims {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** Wall clock epoch milliseconds; undefined when the claim is missing or no number. */
  readonly expiresAtMs: number | undefined;
  readonly notBeforeMs: number | undefined;
  /** Empty where the claim is missing. */
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
  readonly serviceAccountName: string;
  readonly serviceAccountUid: string;
}

const threeParts = /^([\w-]+)\.([\w-]+)\.[\w-]*$/;

/** Undefined when the token is no JWT: an opaque token. Nothing is verified here. */
export function readClaims(token: string): TokenClaims | undefined {
  const parts = threeParts.exec(token);
  if (!parts || !jsonPart(parts[1]!)) return undefined;
  const payload = jsonPart(parts[2]!);
  if (!payload) return undefined;
  const bound = member(payload, "kubernetes.io");
  const pod = member(bound, "pod");
  const account = member(bound, "serviceaccount");
  const audiences = Array.isArray(payload.aud) ? payload.aud : [payload.aud];
  return {
    issuer: text(payload.iss),
    subject: text(payload.sub),
    audiences: audiences.filter((audience) => typeof audience === "string"),
    expiresAtMs: secondsToMs(payload.exp),
    notBeforeMs: secondsToMs(payload.nbf),
    namespace: text(bound.namespace),
    podName: text(pod.name),
    podUid: text(pod.uid),
    serviceAccountName: text(account.name),
    serviceAccountUid: text(account.uid),
  };
}

/** Clocks of node and API server may differ by this much before a fresh token is "not valid yet". */
const skewMs = 60_000;

/**
 * What is wrong with the claims, in words that hold nothing of the token; undefined when all agree with the facts.
 * An empty audience asks for the API server's own, whatever its name.
 */
export function claimProblem(
  claims: TokenClaims,
  facts: PodFacts,
  audience: string,
  nowMs: number,
): string | undefined {
  const subject = `system:serviceaccount:${facts.namespace}:${facts.serviceAccountName}`;
  const claimed: readonly (readonly [fact: string, claim: string, fromKubelet: string])[] = [
    ["namespace", claims.namespace, facts.namespace],
    ["service account name", claims.serviceAccountName, facts.serviceAccountName],
    ["subject", claims.subject, subject],
    ["pod name", claims.podName, facts.podName],
    ["pod uid", claims.podUid, facts.podUid],
  ];
  for (const [fact, claim, fromKubelet] of claimed) {
    if (claim === "") return `does not say its ${fact}`;
    if (claim !== fromKubelet) return `is for another ${fact}`;
  }
  if (claims.serviceAccountUid === "") return "does not say its service account uid";
  if (audience !== "" && !claims.audiences.includes(audience)) return "is for another audience";
  if (claims.expiresAtMs === undefined) return "does not say when it expires";
  if (claims.expiresAtMs <= nowMs) return "has expired";
  if ((claims.notBeforeMs ?? 0) > nowMs + skewMs) return "is not valid yet";
  return undefined;
}

function jsonPart(part: string): JsonObject | undefined {
  try {
    const value = parseJson(Buffer.from(part, "base64url").toString("utf8"));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function member(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isJsonObject(value) ? value : (Object.create(null) as JsonObject);
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function secondsToMs(value: JsonValue | undefined): number | undefined {
  return isRawNumber(value) ? Number(value.rawJSON) * 1_000 : undefined;
}
