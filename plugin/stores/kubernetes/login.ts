/** What each request of one identity is made with: the server, the connection to it, and the credential it shows. */
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { bearer, bearerFromSecret } from "../bearer.ts";
import { caOfProof, readCaBundle } from "../ca-bundle.ts";
import { checkedPair } from "../client-certificate.ts";
import type { Proof, SecretKeyRef, Session } from "../contract.ts";
import type { HttpSend, TlsOptions } from "../http.ts";
import { fieldNames, root } from "./config.ts";
import type { KubernetesConfig } from "./config.ts";
import { readKubeconfig } from "./kubeconfig.ts";

export interface KubernetesSession extends Session {
  /** Without a trailing slash. */
  readonly server: string;
  readonly send: HttpSend;
  /** The Authorization header; absent where the connection's certificate says who asks. */
  readonly bearer?: SecretValue;
}

export interface LoginDeps {
  readonly http: (tls: TlsOptions) => HttpSend;
  readonly plainHttp: boolean;
}

/** Sends nothing. Throws Failure `store_invalid` for a credential that cannot be shown. */
export function openSession(config: KubernetesConfig, proof: Proof, deps: LoginDeps): KubernetesSession {
  if (config.login.method === "kubeconfig") return fromKubeconfig(proof, deps);
  const { server = "" } = config;
  const ca = caOf(config, proof);
  const tls = ca === undefined ? {} : { ca };
  switch (config.login.method) {
    case "serviceAccount":
      return { server, send: deps.http(tls), given: true, ...ofAccount(proof) };
    case "token":
      return { server, send: deps.http(tls), given: true, bearer: bearerFromSecret(proof, "token", fieldNames.token) };
    case "cert": {
      const key = shown(proof, "key");
      const cert = checkedPair(shown(proof, "certificate"), key, at(fieldNames.certificate), at(fieldNames.key));
      return { server, send: deps.http({ ...tls, cert, key }), given: true };
    }
  }
}

function fromKubeconfig(proof: Proof, { http, plainHttp }: LoginDeps): KubernetesSession {
  const field = at(fieldNames.kubeconfig);
  const read = readKubeconfig(shown(proof, "kubeconfig").reveal().toString("utf8"), plainHttp);
  if (!read.ok) throw new Failure("store_invalid", `${field}: the Secret's kubeconfig ${read.problem}`, { field });
  const { server, ca, token, pair } = read.value;
  const header = token === undefined ? undefined : bearer(token);
  if (token !== undefined && !header)
    throw new Failure("store_invalid", `${field}: the kubeconfig's token cannot be sent: it is no printable ASCII`);
  const tls = { ...ofAuthority(ca, field), ...(pair ? ofPair(pair, field) : {}) };
  return { server, send: http(tls), given: true, ...(header ? { bearer: header } : {}) };
}

function ofAuthority(ca: string | undefined, field: string): TlsOptions {
  if (ca === undefined) return {};
  const read = readCaBundle(Buffer.from(ca, "latin1").toString("base64"));
  if (read.ok) return { ca: read.value };
  throw new Failure("store_invalid", `${field}: the kubeconfig's certificate-authority-data holds no certificate`);
}

function ofPair(pair: { readonly certificate: string; readonly key: string }, field: string): TlsOptions {
  const key = SecretValue.fromText(pair.key);
  const certificate = SecretValue.fromText(pair.certificate);
  return {
    cert: checkedPair(certificate, key, `${field} (client-certificate-data)`, `${field} (client-key-data)`),
    key,
  };
}

function ofAccount(proof: Proof): Pick<KubernetesSession, "bearer" | "expiresAtMs"> {
  if (proof.kind !== "token") throw new Failure("internal", "the proof for the API server is no token");
  const token = proof.token.reveal().toString("utf8").trim();
  const header = bearer(token);
  if (!header) throw new Failure("store_login_denied", "the service account's token cannot be sent: it is no token");
  const endsAtMs = endOf(token);
  return { bearer: header, ...(endsAtMs === undefined ? {} : { expiresAtMs: endsAtMs }) };
}

/** The claim is read, not verified: it only says when to come with the next token. */
function endOf(token: string): number | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as unknown;
    const end = (claims as { readonly exp?: unknown } | null)?.exp;
    return typeof end === "number" && Number.isSafeInteger(end) ? end * 1_000 : undefined;
  } catch {
    return undefined;
  }
}

function caOf({ ca, login }: KubernetesConfig, proof: Proof): string | undefined {
  if (ca !== undefined || proof.kind === "none" || login.proof.kind === "none") return ca;
  const reference: SecretKeyRef | undefined = login.proof.secrets?.["ca"];
  const brought = proof.secrets?.["ca"];
  return reference && brought ? caOfProof(brought, reference) : undefined;
}

/** The read path collects what `proofNeed` names; a gap is a fault of this process, not of the user. */
function shown(proof: Proof, name: string): SecretValue {
  const value = proof.kind === "static" ? proof.secrets[name] : undefined;
  if (!value) throw new Failure("internal", `the proof for the API server lacks ${name}`);
  return value;
}

function at(field: string): string {
  return `${root}.${field}`;
}
