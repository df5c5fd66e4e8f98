/** Trades a proof for a token of Akeyless, by the access type that the store, or a Secret of it, names. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { isJsonObject } from "../../core/json.ts";
import type { JsonValue } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Proof } from "../contract.ts";
import { answerInvalid, answerJson } from "../json-answer.ts";
import { akeylessApi } from "./api.ts";
import type { Body, Call } from "./api.ts";
import { root } from "./config.ts";
import type { AkeylessLogin } from "./config.ts";
import { loginRefusal } from "./refusal.ts";

export interface Granted {
  /** The member of every later body that shows the token. */
  readonly member: Body;
  /** Wall clock epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** How long a token is used that says nothing of its end: the shortest life that auth methods give by default is 5 min. */
const unknownLifeMs = 4 * 60_000;
const field = `${root}.authSecretRef.secretRef.accessType`;
/** They show what a cloud, a browser or a domain says of this machine. */
const otherTypes = [
  "aws_iam",
  "azure_ad",
  "gcp",
  "universal_identity",
  "saml",
  "oidc",
  "ldap",
  "cert",
  "oci",
  "kerberos",
];

export async function logIn(
  login: AkeylessLogin,
  proof: Proof,
  { call, clock }: { readonly call: Call; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Granted> {
  const body = bodyOf(login, proof);
  const answer = await call("auth", body, signal);
  if (answer.status !== 200) throw loginRefusal(answer, String(body["access-type"]), clock);
  const document = answerJson(answer, akeylessApi);
  const token = isJsonObject(document) ? document["token"] : undefined;
  if (!isJsonObject(document) || typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token))
    throw answerInvalid("a login without a token", akeylessApi);
  const member = { [token.startsWith("u-") ? "uid-token" : "token"]: SecretValue.fromText(token) };
  return { member, expiresAtMs: endOf(document["expiration"]) ?? clock.nowMs() + unknownLifeMs };
}

/** Throws Failure `store_invalid`. */
function bodyOf(login: AkeylessLogin, proof: Proof): Body {
  if (login.method === "kubernetesAuth")
    return kubernetes(login.accessId, login.confName, tokenOf(proof) ?? secret(proof, "jwt"));
  if (login.method === "accessKey")
    return byKey(login.accessId, SecretValue.fromText(text(secret(proof, "accessKey"))));
  const id = oneLine(secret(proof, "accessId"), "accessID");
  const type = text(secret(proof, "accessType"));
  const param = proof.kind === "none" ? undefined : proof.secrets?.["accessTypeParam"];
  switch (type) {
    case "api_key":
    case "access_key":
      return byKey(id, needed(param, "the access key"));
    case "jwt":
      return {
        "access-id": id,
        "access-type": "jwt",
        jwt: tokenOf(proof) ?? needed(param, "the JWT, or serviceAccountRef"),
      };
    case "k8s":
      return kubernetes(id, text(needed(param, "the name of the Kubernetes auth config")), tokenOf(proof) ?? noToken());
  }
  const named = otherTypes.includes(type) ? `"${type}" is not supported yet` : "is none that is known here";
  throw storeInvalid(field, `the access type ${named}; it takes access_key (or api_key), k8s and jwt`);
}

function byKey(accessId: string, key: SecretValue): Body {
  return { "access-id": accessId, "access-type": "access_key", "access-key": key };
}

/** Akeyless takes the token in base64. */
function kubernetes(accessId: string, confName: string, token: SecretValue): Body {
  return {
    "access-id": accessId,
    "access-type": "k8s",
    "k8s-auth-config-name": confName,
    "k8s-service-account-token": SecretValue.fromText(Buffer.from(text(token)).toString("base64")),
  };
}

function noToken(): never {
  throw storeInvalid(field, "k8s needs a token to show: set serviceAccountRef beside secretRef, or use kubernetesAuth");
}

function needed(param: SecretValue | undefined, what: string): SecretValue {
  if (param) return SecretValue.fromText(text(param));
  throw storeInvalid(
    `${root}.authSecretRef.secretRef.accessTypeParam`,
    `is missing: for this access type it is ${what}`,
  );
}

function tokenOf(proof: Proof): SecretValue | undefined {
  return proof.kind === "token" ? SecretValue.fromText(text(proof.token)) : undefined;
}

/** The read path collects what `proofNeed` names; a gap is a fault of this process, not of the user. */
function secret(proof: Proof, name: string): SecretValue {
  const value = proof.kind === "none" ? undefined : proof.secrets?.[name];
  if (!value) throw new Failure("internal", `the proof for the akeyless login lacks ${name}`);
  return value;
}

/** Files and editors leave a line end behind a credential. */
function text(value: SecretValue): string {
  return value.reveal().toString("utf8").trim();
}

function oneLine(value: SecretValue, name: string): string {
  const line = text(value);
  if (/^[\x21-\x7e]+$/.test(line)) return line;
  throw storeInvalid(
    `${root}.authSecretRef.secretRef.${name}`,
    "the Secret's value must be one line of printable ASCII",
  );
}

/** `expiration`: seconds of the epoch, or a date as Go or RFC 3339 write it; undefined when it is neither. */
function endOf(expiration: JsonValue | undefined): number | undefined {
  if (typeof expiration !== "string") return undefined;
  if (/^\d{10}$/.test(expiration)) return Number(expiration) * 1_000;
  const date = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z| ?\+00:?00)(?: UTC)?$/.exec(expiration);
  return date ? Date.parse(`${date[1]}T${date[2]}Z`) : undefined;
}

function storeInvalid(at: string, problem: string): Failure {
  return new Failure("store_invalid", `${at}: ${problem}`, { field: at });
}
