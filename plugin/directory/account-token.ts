/**
 * Which of an account's tokens to show, and whose it says it is.
 *
 * Claims are read, not verified: the token comes from the manifests, whose author could write any token, and the store
 * verifies it.
 */
import type { SecretValue } from "../core/secret-value.ts";
import { isMap } from "../manifests/fields.ts";
import type { ServiceAccountToken } from "../read/ports.ts";

export interface TokenSecret {
  readonly token: SecretValue;
  /** Source: annotation kubernetes.io/service-account.uid. */
  readonly annotatedUid?: string;
}

/** Uid of an account of which nothing says it: all opaque tokens of one account are one subject. */
const unknownUid = "opaque";

interface Claims {
  readonly audiences: readonly string[];
  readonly uid: string | undefined;
  readonly expiresAtMs: number | undefined;
}

/**
 * A living JWT for the audience before an opaque token (which serves any) before any other JWT: there the store says
 * best what it misses. Undefined when there is none at all.
 */
export function chooseToken(
  secrets: readonly TokenSecret[],
  audience: string,
  nowMs: number,
): ServiceAccountToken | undefined {
  const candidates = secrets.map((secret) => ({ ...secret, claims: readClaims(secret.token) }));
  const rank = ({ claims }: (typeof candidates)[number]): number => {
    if (!claims) return 1;
    const isAlive = claims.expiresAtMs === undefined || claims.expiresAtMs > nowMs;
    return isAlive ? (claims.audiences.includes(audience) ? 0 : 2) : 3;
  };
  const [best] = candidates.toSorted((a, b) => rank(a) - rank(b));
  if (!best) return undefined;
  const { token, annotatedUid, claims } = best;
  const serviceAccountUid = claims?.uid ?? annotatedUid ?? unknownUid;
  return {
    token,
    serviceAccountUid,
    ...(claims?.expiresAtMs === undefined ? {} : { expiresAtMs: claims.expiresAtMs }),
  };
}

/** Undefined for a token that is no JWT. */
function readClaims(token: SecretValue): Claims | undefined {
  const parts = token.reveal().toString("latin1").trim().split(".");
  if (parts.length !== 3) return undefined;
  try {
    const payload = JSON.parse(Buffer.from(parts[1]!, "base64url").toString("utf8")) as unknown;
    if (!isMap(payload)) return undefined;
    const { aud, exp } = payload;
    const audiences = (Array.isArray(aud) ? aud : [aud]).filter((one) => typeof one === "string");
    return { audiences, uid: accountUid(payload), expiresAtMs: typeof exp === "number" ? exp * 1_000 : undefined };
  } catch {
    return undefined;
  }
}

/** Bound tokens nest it; those made from a Secret have one flat claim. */
function accountUid(payload: Readonly<Record<string, unknown>>): string | undefined {
  const bound = payload["kubernetes.io"];
  const account = isMap(bound) ? bound.serviceaccount : undefined;
  const uid = isMap(account) ? account.uid : payload["kubernetes.io/serviceaccount/service-account.uid"];
  return typeof uid === "string" && uid !== "" ? uid : undefined;
}
