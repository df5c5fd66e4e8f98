/** Trades a proof for an access token to the vault. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Proof } from "../contract.ts";
import type { HttpSend } from "../http.ts";
import type { AzureConfig } from "./config.ts";
import { clientIdAnnotation, tenantIdAnnotation } from "./login-choice.ts";
import { askForToken } from "./token.ts";
import type { Token } from "./token.ts";

export interface LoginDeps {
  readonly send: HttpSend;
  readonly clock: Clock;
  /** The machine's metadata service and the way to it. */
  readonly machine: { readonly url: string; readonly send: HttpSend };
}

/** Rejects with Failure, see `Store.login`. `resource`: what the token is for. */
export async function logIn(
  { login, authority }: Pick<AzureConfig, "login" | "authority">,
  proof: Proof,
  resource: string,
  deps: LoginDeps,
  signal: AbortSignal,
): Promise<Token> {
  if (login.method === "managedIdentity") return askMetadataService(login.identityId, resource, deps, signal);
  const clientId = idOf(
    "client id",
    ["authSecretRef.clientId", secretId(proof, "clientId")],
    ["clientId", login.method === "workloadIdentity" ? login.clientId : undefined],
    [`the annotation ${clientIdAnnotation}`, annotation(proof, clientIdAnnotation)],
  );
  const tenantId = idOf(
    "tenant id",
    ["authSecretRef.tenantId", secretId(proof, "tenantId")],
    ["tenantId", login.tenantId],
    [`the annotation ${tenantIdAnnotation}`, annotation(proof, tenantIdAnnotation)],
  );
  const url = `${authority}/${tenantId}/oauth2/v2.0/token`;
  const shown = await shownBy(login.method, proof, { clientId, url, nowMs: deps.clock.nowMs() });
  const form = { grant_type: "client_credentials", client_id: clientId, scope: `${resource}/.default`, ...shown };
  const request = {
    method: "POST",
    url: new URL(url),
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    body: SecretValue.fromText(new URLSearchParams(form).toString()),
  };
  const hint = "check client id, tenant id and what the application is proven by";
  return askForToken(request, { server: "Microsoft Entra", hint }, deps, signal);
}

type Method = Exclude<AzureConfig["login"]["method"], "managedIdentity">;
type Shown = { client_secret: string } | { client_assertion_type: string; client_assertion: string };

async function shownBy(
  method: Method,
  proof: Proof,
  principal: { readonly clientId: string; readonly url: string; readonly nowMs: number },
): Promise<Shown> {
  if (method === "clientSecret") return { client_secret: textOf(proof, "clientSecret") };
  const client_assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  if (method === "workloadIdentity") {
    if (proof.kind !== "token") throw new Failure("internal", "the proof for the azure login lacks a token");
    return { client_assertion_type, client_assertion: proof.token.reveal().toString("utf8").trim() };
  }
  const certificate = proof.kind === "static" ? proof.secrets["clientCertificate"] : undefined;
  if (!certificate) throw new Failure("internal", "the proof for the azure login lacks a certificate");
  const { signAssertion } = await import("./client-assertion.ts");
  return { client_assertion_type, client_assertion: await signAssertion(certificate, principal) };
}

/** The identity of the machine, or one that is assigned to it. */
function askMetadataService(
  identityId: string | undefined,
  resource: string,
  { machine, clock }: LoginDeps,
  signal: AbortSignal,
): Promise<Token> {
  const url = new URL(`${machine.url}/metadata/identity/oauth2/token`);
  const query = {
    "api-version": "2018-02-01",
    resource,
    ...(identityId === undefined ? {} : { client_id: identityId }),
  };
  url.search = new URLSearchParams(query).toString();
  const hint = "assign a managed identity to this node's machine, and name it by identityId where there are several";
  return askForToken(
    { method: "GET", url, headers: { metadata: "true", accept: "application/json" } },
    { server: "the machine's metadata service", hint },
    { send: machine.send, clock },
    signal,
  );
}

type Named = readonly [where: string, id: string | undefined];

/** The one id that is named, wherever that is. Throws Failure `store_invalid`. */
function idOf(what: string, ...places: readonly Named[]): string {
  const named = places.filter(([, id]) => id !== undefined);
  const [first] = named;
  if (!first) throw new Failure("internal", `the proof for the azure login lacks a ${what}`);
  const other = named.find(([, id]) => id !== first[1]);
  if (other)
    throw new Failure("store_invalid", `${first[0]} and ${other[0]} name different ${what}s; keep one of them`);
  if (/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(first[1]!)) return first[1]!;
  throw new Failure("store_invalid", `${first[0]} holds no ${what}; write the UUID that Azure shows`);
}

function annotation(proof: Proof, name: string): string | undefined {
  return proof.kind === "token" ? proof.annotations?.[name] : undefined;
}

function secretId(proof: Proof, name: string): string | undefined {
  return proof.kind !== "none" && proof.secrets?.[name] ? textOf(proof, name) : undefined;
}

/** Files and editors leave a line end behind a credential. */
function textOf(proof: Proof, name: string): string {
  const value = proof.kind === "none" ? undefined : proof.secrets?.[name];
  const text = value?.reveal().toString("utf8").trim() ?? "";
  if (text !== "") return text;
  throw new Failure("store_invalid", `authSecretRef.${name}: the Secret's value is empty`);
}
