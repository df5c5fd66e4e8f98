/**
 * A pod's service account tokens, as kubelet hands them over, against what kubelet says about the pod.
 *
 * A pod's author can plant a token of their choice among the attributes, so one that disagrees in any point fails the
 * whole call as `not_allowed`. Messages name the audience and the point, never the token or a claim of it.
 */
import type { Clock } from "../core/clock.ts";
import { Failure } from "../core/failure.ts";
import { isJsonObject, parseJson, type JsonValue } from "../core/json.ts";
import { SecretValue } from "../core/secret-value.ts";
import type { PodToken } from "./caller.ts";
import { claimProblem, readClaims, type PodFacts } from "./pod-token-claims.ts";
import { isSignedBy, type TokenKeys, type TokenKeySource } from "./pod-token-keys.ts";

export { loadTokenKeys, type TokenKeys, type TokenKeySource } from "./pod-token-keys.ts";

export interface TokensGiven {
  readonly facts: PodFacts;
  /** JSON: audience → {token, expirationTimestamp}. Absent when the CSIDriver asks for no tokens. */
  readonly tokensJson?: SecretValue;
  /** Absent: claims are compared but not verified, and an opaque token is taken as it is. */
  readonly keys?: TokenKeys | TokenKeySource;
  readonly clock: Clock;
}

export interface PodTokens {
  readonly tokens: readonly PodToken[];
  /** True when there is a token and all of them are verified. */
  readonly proven: boolean;
}

/** Stands for the account uid of a token that does not show it. */
const opaqueUid = "opaque";
const attribute = "csi.storage.k8s.io/serviceAccount.tokens";
const wayOut = `only kubelet may write ${attribute}, so take it out of the pod's volumeAttributes`;
const timeWayOut = "check the clocks of this node and of the API server; kubelet's next call brings a fresh one";

/** Rejects with Failure `not_allowed`. */
export async function podTokens(given: TokensGiven): Promise<PodTokens> {
  if (!given.tokensJson) return { tokens: [], proven: false };
  const entries = parseEntries(given.tokensJson.reveal().toString("utf8"));
  const tokens = await Promise.all(entries.map((entry) => checked(entry, given)));
  return { tokens, proven: given.keys !== undefined && tokens.length > 0 };
}

interface TokenEntry {
  readonly audience: string;
  readonly token: string;
  /** Wall clock epoch milliseconds. */
  readonly expiresAtMs: number | undefined;
}

function parseEntries(tokensJson: string): TokenEntry[] {
  let parsed: JsonValue;
  try {
    parsed = parseJson(tokensJson);
  } catch {
    throw malformed();
  }
  if (parsed === null) return [];
  if (!isJsonObject(parsed)) throw malformed();
  return Object.entries(parsed).map(([audience, entry]) => {
    if (!isJsonObject(entry) || typeof entry.token !== "string" || entry.token === "") throw malformed();
    const stamp = entry.expirationTimestamp;
    const expiresAtMs = typeof stamp === "string" ? Date.parse(stamp) : NaN;
    return { audience, token: entry.token, expiresAtMs: Number.isNaN(expiresAtMs) ? undefined : expiresAtMs };
  });
}

async function checked(entry: TokenEntry, { facts, keys: given, clock }: TokensGiven): Promise<PodToken> {
  const { audience } = entry;
  const token = new SecretValue(Buffer.from(entry.token));
  const claims = readClaims(entry.token);
  if (!claims) {
    if (given) throw refused(audience, "is opaque, so it cannot be verified");
    if ((entry.expiresAtMs ?? Infinity) <= clock.nowMs()) throw refused(audience, "has expired");
    const expiry = entry.expiresAtMs === undefined ? {} : { expiresAtMs: entry.expiresAtMs };
    return { audience, token, serviceAccountUid: opaqueUid, ...expiry };
  }
  const keys = given && "keysFor" in given ? await given.keysFor(entry.token) : given;
  if (keys && !(await isSignedBy(keys, entry.token))) throw refused(audience, "is not signed by a key of this cluster");
  if (keys?.issuer !== undefined && claims.issuer !== keys.issuer) throw refused(audience, "is from another issuer");
  const problem = claimProblem(claims, facts, audience, clock.nowMs());
  if (problem !== undefined) throw refused(audience, problem);
  return {
    audience,
    token,
    serviceAccountUid: claims.serviceAccountUid,
    ...(claims.expiresAtMs === undefined ? {} : { expiresAtMs: claims.expiresAtMs }),
  };
}

function malformed(): Failure {
  return new Failure("not_allowed", `the pod's tokens are not the JSON that kubelet writes: ${wayOut}`);
}

function refused(audience: string, problem: string): Failure {
  const shown = JSON.stringify(audience.length > 100 ? `${audience.slice(0, 100)}…` : audience);
  const out = /expired|valid yet/.test(problem) ? timeWayOut : wayOut;
  return new Failure("not_allowed", `the pod's token for audience ${shown} ${problem}: ${out}`);
}
