/**
 * The keys that the API server signs service account tokens with, as it publishes them.
 *
 * Kept for some minutes, so that a key which is taken out of service stops counting; read anew for a key id that none
 * of them has, but not more often than every ten seconds, as anybody can plant a token. While the API server does not
 * answer the last ones stay in use.
 */
import type { Clock } from "../core/clock.ts";
import { joinUnderSignal, withDeadline } from "../core/deadline.ts";
import { Failure } from "../core/failure.ts";
import { isMap } from "../manifests/fields.ts";
import type { TokenKeys, TokenKeySource } from "../read/pod-token-keys.ts";
import type { KubeApi } from "./contract.ts";

export interface TokenKeyDeps {
  readonly api: Pick<KubeApi, "getPath">;
  readonly clock: Clock;
  /** Ends every request. */
  readonly ended: AbortSignal;
}

const keysPath = "/openid/v1/jwks";
const issuerPath = "/.well-known/openid-configuration";
const freshMs = 5 * 60_000;
const quietMs = 10_000;
const limitMs = 10_000;
/** How long a mount waits for newer keys when the ones at hand may do. */
const patienceMs = 3_000;

export function createTokenKeys({ api, clock, ended }: TokenKeyDeps): TokenKeySource {
  let known: { readonly keys: TokenKeys; readonly readAtMs: number } | undefined;
  let triedAtMs = -Infinity;
  let underway: Promise<TokenKeys> | undefined;

  /** Once for all who ask at the same time. */
  function read(): Promise<TokenKeys> {
    triedAtMs = clock.monotonicMs();
    underway ??= withDeadline(ended, limitMs, clock, "the token keys", (signal) => readKeys(api, signal))
      .then((keys) => {
        known = { keys, readAtMs: clock.monotonicMs() };
        return keys;
      })
      .finally(() => (underway = undefined));
    underway.catch(() => undefined);
    return underway;
  }

  async function first(): Promise<TokenKeys> {
    try {
      return await read();
    } catch (thrown) {
      const isTimeout = thrown instanceof Failure && thrown.code === "store_timeout";
      throw isTimeout ? new Failure("kube_unavailable", "the API server does not tell its token keys in time") : thrown;
    }
  }

  return {
    async keysFor(token) {
      if (!known) return first();
      const nowMs = clock.monotonicMs();
      const keyId = keyIdOf(token);
      const isKnown = keyId === undefined || known.keys.jwks.keys.some(({ kid }) => kid === keyId);
      const isWanted = !isKnown || nowMs - known.readAtMs >= freshMs;
      if (!isWanted || (!underway && nowMs - triedAtMs < quietMs)) return known.keys;
      try {
        const asked = read();
        return await withDeadline(ended, patienceMs, clock, "newer token keys", (signal) =>
          joinUnderSignal(asked, signal),
        );
      } catch {
        return known.keys;
      }
    },
  };
}

function keyIdOf(token: string): string | undefined {
  try {
    const header = JSON.parse(Buffer.from(token.split(".")[0]!, "base64url").toString("utf8")) as unknown;
    const kid = isMap(header) ? header["kid"] : undefined;
    return typeof kid === "string" ? kid : undefined;
  } catch {
    return undefined;
  }
}

async function readKeys(api: Pick<KubeApi, "getPath">, signal: AbortSignal): Promise<TokenKeys> {
  const [keySet, discovery] = await Promise.all([api.getPath(keysPath, signal), api.getPath(issuerPath, signal)]);
  const keys = isMap(keySet) && Array.isArray(keySet["keys"]) ? (keySet["keys"] as unknown[]).filter(isPublicKey) : [];
  const issuer = isMap(discovery) ? discovery["issuer"] : undefined;
  if (keys.length === 0 || typeof issuer !== "string")
    throw new Failure(
      "kube_unavailable",
      `the API server publishes no token keys at ${keysPath} and ${issuerPath}, so no pod can be verified`,
    );
  return { jwks: { keys }, issuer };
}

const publicKinds: readonly unknown[] = ["RSA", "EC", "OKP"];

function isPublicKey(key: unknown): key is TokenKeys["jwks"]["keys"][number] {
  return isMap(key) && publicKinds.includes(key["kty"]) && !("d" in key);
}
