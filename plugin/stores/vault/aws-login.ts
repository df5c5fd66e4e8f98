/**
 * The login by AWS: a signed question to STS about oneself, which Vault asks in our place and so learns who signed it.
 *
 * Keys come from Secrets, or from the role that a service account's annotation names; nothing is taken from this
 * machine. The signature of a login that names a server is of no use at another Vault.
 */
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Proof } from "../contract.ts";
import { signedHeaders } from "./aws-signature.ts";
import type { AwsKeys } from "./aws-signature.ts";
import { assumeRole, formBody, stsUrl, tradeToken } from "./aws-sts.ts";
import type { StsDeps } from "./aws-sts.ts";
import type { LoginBody } from "./client.ts";
import { awsRoleAnnotation } from "./cloud-choice.ts";
import type { IamLogin } from "./config.ts";
import { shown, trimmed } from "./shown.ts";

/** The region of STS's one global address, which Vault itself asks unless it is told otherwise. */
const globalRegion = "us-east-1";
const globalUrl = new URL("https://sts.amazonaws.com/");

/** Rejects with Failure, see `Store.login`. */
export async function iamBody(login: IamLogin, proof: Proof, deps: StsDeps, signal: AbortSignal): Promise<LoginBody> {
  const first = await keysOf(proof, deps, signal);
  const { region, serverId, awsRole, externalId } = login;
  const keys = awsRole === undefined ? first : await assumeRole(awsRole, externalId, first, deps, signal);
  const url = region === globalRegion ? globalUrl : stsUrl(region);
  const body = formBody("GetCallerIdentity");
  const headers = serverId === undefined ? {} : { "x-vault-aws-iam-server-id": serverId };
  const signed = signedHeaders({ url, body, headers }, keys, { region, service: "sts" }, deps.clock.nowMs());
  const asLists = Object.fromEntries(Object.entries(signed).map(([name, value]) => [name, [value]]));
  return {
    role: login.role,
    iam_http_request_method: "POST",
    iam_request_url: base64(url.href),
    iam_request_body: base64(body),
    iam_request_headers: SecretValue.fromText(base64(JSON.stringify(asLists))),
  };
}

async function keysOf(proof: Proof, deps: StsDeps, signal: AbortSignal): Promise<AwsKeys> {
  if (proof.kind === "token") {
    const roleArn = proof.annotations?.[awsRoleAnnotation];
    if (roleArn === undefined) throw new Failure("internal", "the proof for the aws login names no role");
    return tradeToken(roleArn.trim(), proof.token, deps, signal);
  }
  const session = proof.kind === "static" ? proof.secrets["sessionToken"] : undefined;
  const keys = {
    accessKeyId: trimmed(shown(proof, "accessKeyId")).reveal().toString("utf8"),
    secretAccessKey: trimmed(shown(proof, "secretAccessKey")),
    ...(session ? { sessionToken: trimmed(session) } : {}),
  };
  const texts = [keys.accessKeyId, ...[keys.secretAccessKey, keys.sessionToken].map((one) => one?.reveal().toString())];
  if (texts.some((text) => text !== undefined && !/^[\x21-\x7e]+$/.test(text)))
    throw new Failure("store_invalid", "auth.iam.secretRef: each Secret's value must be one word of printable ASCII");
  return keys;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
