/** What a block says about the connection, beside any login: CA, client certificate, headers, consistency. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import { readCaSource } from "../ca-bundle.ts";
import { namespaceProblem } from "../provider-block.ts";
import { connectionSecrets, headerSecret } from "./config.ts";
import type { VaultConfig } from "./config.ts";
import { secretsOf } from "./login-proof.ts";
import type { BlockPlace, Secrets } from "./login-proof.ts";
import type { VaultBlock } from "./schema.ts";

export interface Connection extends Pick<VaultConfig, "ca" | "headers" | "readYourWrites" | "forwardInconsistent"> {
  /** For the proof, whatever the login. */
  readonly secrets: Secrets;
  /** For the proof of logins that have no certificate of their own. */
  readonly certificate: Secrets;
}

/** Headers that say who asks, where, or how long the request is: those are decided elsewhere. */
const reserved = new Set([
  "x-vault-token",
  "x-vault-namespace",
  "x-vault-index",
  "host",
  "connection",
  "content-length",
  "content-type",
  "transfer-encoding",
  "accept-encoding",
  "upgrade",
  "expect",
]);

/** Problems' paths start at the block. */
export function readConnection(given: VaultBlock, place: BlockPlace): Parsed<Connection> {
  const ca = readCaSource(given, place.root, place);
  const certificate = readCertificate(given.tls ?? {}, place);
  const headers = readHeaders(given.headers ?? {}, place);
  const problems = [ca, certificate, headers].flatMap((part) => (part.ok ? [] : part.problems));
  if (!ca.ok || !certificate.ok || !headers.ok) return { ok: false, problems: problems as [Problem, ...Problem[]] };
  const { plain, secrets } = headers.value;
  return {
    ok: true,
    value: {
      ...(ca.value.pem === undefined ? {} : { ca: ca.value.pem }),
      ...(Object.keys(plain).length === 0 ? {} : { headers: plain }),
      ...(given.readYourWrites ? { readYourWrites: true } : {}),
      ...(given.forwardInconsistent ? { forwardInconsistent: true } : {}),
      secrets: { ...(ca.value.ref ? { [connectionSecrets.ca]: ca.value.ref } : {}), ...secrets },
      certificate: certificate.value,
    },
  };
}

export function headerProblem(path: string, value: string | undefined): Problem | undefined {
  if (value === undefined || /^[\x21-\x7e]*$/.test(value)) return undefined;
  return { path, problem: "must be printable ASCII without spaces" };
}

function readCertificate(
  { certSecretRef, keySecretRef }: NonNullable<VaultBlock["tls"]>,
  place: BlockPlace,
): Parsed<Secrets> {
  if (!certSecretRef && !keySecretRef) return { ok: true, value: {} };
  if (!certSecretRef || !keySecretRef)
    return problem("tls", `has no ${certSecretRef ? "keySecretRef" : "certSecretRef"}; a certificate needs its key`);
  const foreign =
    namespaceProblem("tls.certSecretRef", certSecretRef, place) ??
    namespaceProblem("tls.keySecretRef", keySecretRef, place);
  if (foreign) return { ok: false, problems: [foreign] };
  const { certificate: certificateName, key: keyName } = connectionSecrets;
  const certificate = secretsOf({ [certificateName]: ["tls.certSecretRef", certSecretRef] }, place, "tls.crt");
  const key = secretsOf({ [keyName]: ["tls.keySecretRef", keySecretRef] }, place, "tls.key");
  if (!certificate.ok) return certificate;
  return key.ok ? { ok: true, value: { ...certificate.value, ...key.value } } : key;
}

interface Headers {
  readonly plain: Readonly<Record<string, string>>;
  readonly secrets: Secrets;
}

function readHeaders(given: NonNullable<VaultBlock["headers"]>, place: BlockPlace): Parsed<Headers> {
  const plain: Record<string, string> = {};
  let secrets: Secrets = {};
  for (const [spelled, header] of Object.entries(given)) {
    const path = `headers.${spelled}`;
    const name = spelled.toLowerCase();
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return problem("headers", "has a name that no HTTP header can have");
    if (reserved.has(name)) return problem(path, "is set by this program; remove it");
    if (plain[name] !== undefined || secrets[headerSecret(name)]) return problem(path, "is there twice; keep one");
    const { value, secretKeyRef } = typeof header === "string" ? { value: header, secretKeyRef: undefined } : header;
    if ((value === undefined) === (secretKeyRef === undefined))
      return problem(path, "give either value or secretKeyRef");
    if (secretKeyRef) {
      const foreign = namespaceProblem(`${path}.secretKeyRef`, secretKeyRef, place);
      if (foreign) return { ok: false, problems: [foreign] };
      const found = secretsOf({ [headerSecret(name)]: [`${path}.secretKeyRef`, secretKeyRef] }, place);
      if (!found.ok) return found;
      secrets = { ...secrets, ...found.value };
    } else if (isHeaderValue(value!)) plain[name] = value!;
    else return problem(path, "must be one line of printable ASCII");
  }
  return { ok: true, value: { plain, secrets } };
}

/** Whether a text can be the value of a header. */
export function isHeaderValue(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function problem(path: string, what: string): { ok: false; problems: [Problem] } {
  return { ok: false, problems: [{ path, problem: what }] };
}
