/** Signs service account tokens as the API server does, under a key of its own. */
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";

export interface TokenIssuer {
  readonly issuer: string;
  /** The public key: PEM for a store's configuration, JWKS text for --token-jwks. */
  readonly publicPem: string;
  readonly jwks: string;
  sign(account: AccountFacts, options?: TokenOptions): Promise<string>;
}

export interface TokenOptions {
  readonly audience?: string;
  /** The audience as one text, in place of a list of one. */
  readonly plainAudience?: true;
  readonly lifetime?: string;
}

export interface AccountFacts {
  readonly namespace: string;
  readonly serviceAccountName: string;
  readonly serviceAccountUid: string;
  /** Present in tokens that kubelet makes for a pod. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

export async function createTokenIssuer(): Promise<TokenIssuer> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const kid = "test-key";
  const issuer = "https://kubernetes.default.svc.cluster.local";
  return {
    issuer,
    publicPem: await exportSPKI(publicKey),
    jwks: JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" }] }),
    sign: (
      { namespace, serviceAccountName: name, serviceAccountUid: uid, pod },
      { audience = "vault", lifetime = "1h", plainAudience } = {},
    ) =>
      new SignJWT({ "kubernetes.io": { namespace, serviceaccount: { name, uid }, ...(pod ? { pod } : {}) } })
        .setProtectedHeader({ alg: "RS256", kid })
        .setIssuer(issuer)
        .setSubject(`system:serviceaccount:${namespace}:${name}`)
        .setAudience(plainAudience ? audience : [audience])
        .setIssuedAt()
        .setNotBefore("-5s")
        .setExpirationTime(lifetime)
        .sign(privateKey),
  };
}
