/** What the connections of one identity are made with: TLS by what its proof brought, and headers. */
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import { caOfProof } from "../ca-bundle.ts";
import { checkedPair } from "../client-certificate.ts";
import type { Proof, SecretKeyRef } from "../contract.ts";
import type { TlsOptions } from "../http.ts";
import { connectionSecrets, headerSecret } from "./config.ts";
import type { VaultConfig } from "./config.ts";
import { isHeaderValue } from "./connection-block.ts";

type Shown = Readonly<Record<string, SecretValue>>;
type References = Readonly<Record<string, SecretKeyRef>>;

/** Throws Failure `store_invalid` for a CA, a certificate or a key that cannot be used. */
export function tlsOf(config: VaultConfig, proof: Proof): TlsOptions {
  const shown = shownBy(proof);
  const references = referencesOf(config);
  const { ca: caName, certificate: certificateName, key: keyName } = connectionSecrets;
  const ca = config.ca ?? (shown[caName] && caOfProof(shown[caName], references[caName]!));
  const certificate = shown[certificateName];
  const key = shown[keyName];
  if (!certificate || !key) return ca === undefined ? {} : { ca };
  const cert = checkedPair(certificate, key, references[certificateName]!.field, references[keyName]!.field);
  return { ...(ca === undefined ? {} : { ca }), cert, key };
}

/** Beside those that every request has. Throws Failure `store_invalid` for a value that cannot be sent. */
export function headersOf(config: VaultConfig, proof: Proof): Readonly<Record<string, string | SecretValue>> {
  const secret = Object.entries(shownBy(proof)).flatMap(([name, value]) => {
    const header = name.startsWith(headerSecret("")) ? name.slice(headerSecret("").length) : undefined;
    if (header === undefined) return [];
    if (isHeaderValue(value.reveal().toString("latin1"))) return [[header, value] as const];
    const { field } = referencesOf(config)[name]!;
    throw new Failure("store_invalid", `${field}: the Secret's value must be one line of printable ASCII`);
  });
  return {
    ...config.headers,
    ...Object.fromEntries(secret),
    ...(config.forwardInconsistent ? { "x-vault-inconsistent": "forward-active-node" } : {}),
  };
}

function shownBy(proof: Proof): Shown {
  return proof.kind === "none" ? {} : (proof.secrets ?? {});
}

function referencesOf({ login: { proof } }: VaultConfig): References {
  return proof.kind === "none" ? {} : (proof.secrets ?? {});
}
