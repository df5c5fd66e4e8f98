/** Trades a proof for credentials that requests are signed with. */
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import type { Proof, StoreDeps } from "../contract.ts";
import type { HttpSend } from "../http.ts";
import type { AwsConfig, RoleStep } from "./config.ts";
import { roleAnnotation } from "./login-choice.ts";
import { loginRefusal } from "./refusal.ts";
import type { LoginCall } from "./refusal.ts";
import { createRequestHandler } from "./request-handler.ts";
import { answerInvalid, called, clientSettings, hushed } from "./sdk.ts";
import type { Credentials } from "./sdk.ts";

export interface LoginDeps {
  readonly send: HttpSend;
  readonly clock: StoreDeps["clock"];
  readonly countCall: StoreDeps["countCall"];
  /** In place of STS's own. */
  readonly endpoint: string | undefined;
}

export interface Granted {
  readonly credentials: Credentials;
  /** Wall clock epoch milliseconds; absent for keys that were given. */
  readonly expiresAtMs?: number;
}

/** ESO's: trust policies and trails may name it. */
const sessionName = "external-secrets-provider-aws";

/** Rejects with Failure, see `Store.login`. */
export async function logIn(config: AwsConfig, proof: Proof, deps: LoginDeps, signal: AbortSignal): Promise<Granted> {
  if (config.login.method === "keys")
    return assumeAll(config.roles, { credentials: givenKeys(proof) }, config, deps, signal);
  const own = proof.kind === "token" ? proof.annotations?.[roleAnnotation] : undefined;
  const roleArn = own ?? config.login.role;
  if (proof.kind !== "token" || roleArn === undefined)
    throw new Failure("internal", "the proof for the aws login lacks a token or a role");
  const first = await webIdentity(roleArn, proof.token, config, deps, signal);
  return assumeAll(own === undefined ? [] : config.roles, first, config, deps, signal);
}

async function webIdentity(
  roleArn: string,
  token: SecretValue,
  { region }: AwsConfig,
  deps: LoginDeps,
  signal: AbortSignal,
): Promise<Granted> {
  // Loaded at the first login: a process without an AWS store does not pay for it.
  const { fromWebToken } = await import("@aws-sdk/credential-provider-web-identity");
  const trade = fromWebToken({
    roleArn,
    roleSessionName: sessionName,
    webIdentityToken: token.reveal().toString("utf8").trim(),
    clientConfig: stsSettings(region, deps, signal),
    clientPlugins: [hushed],
  });
  return granted({ action: "AssumeRoleWithWebIdentity", roleArn }, () => trade(), deps, signal);
}

async function assumeAll(
  roles: readonly RoleStep[],
  first: Granted,
  { region }: AwsConfig,
  deps: LoginDeps,
  signal: AbortSignal,
): Promise<Granted> {
  if (roles.length === 0) return first;
  const { getDefaultRoleAssumer } = await import("@aws-sdk/nested-clients/sts");
  let last = first;
  for (const { roleArn, externalId, tags, transitiveTagKeys } of roles) {
    const assume = getDefaultRoleAssumer(stsSettings(region, deps, signal), [hushed]);
    const wish = {
      RoleArn: roleArn,
      RoleSessionName: sessionName,
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
      ...(tags ? { Tags: tags.map(({ key, value }) => ({ Key: key, Value: value })) } : {}),
      ...(transitiveTagKeys ? { TransitiveTagKeys: [...transitiveTagKeys] } : {}),
    };
    const { credentials } = last;
    last = await granted({ action: "AssumeRole", roleArn }, () => assume({ ...credentials }, wish), deps, signal);
  }
  return last;
}

function stsSettings(region: string, { send, endpoint }: LoginDeps, signal: AbortSignal) {
  return clientSettings({ region, endpoint, handler: createRequestHandler(send, signal) });
}

/** What the SDK makes of STS's answer. */
interface StsCredentials extends Credentials {
  readonly expiration?: Date;
}

async function granted(
  call: LoginCall,
  work: () => Promise<StsCredentials>,
  { clock, countCall }: LoginDeps,
  signal: AbortSignal,
): Promise<Granted> {
  const count = (outcome: "success" | "error"): void => countCall(call.action, outcome, "AWS/STS");
  try {
    const made = await called(work, (refused) => loginRefusal(refused, call, clock), signal);
    const result = readGrant(made);
    count("success");
    return result;
  } catch (thrown) {
    count("error");
    throw thrown;
  }
}

function readGrant({ accessKeyId, secretAccessKey, sessionToken, expiration }: StsCredentials): Granted {
  if (![accessKeyId, secretAccessKey, sessionToken].every(isWord))
    throw answerInvalid("credentials that are not whole");
  const endsAtMs = expiration?.getTime();
  if (endsAtMs !== undefined && Number.isNaN(endsAtMs)) throw answerInvalid("credentials without a readable end");
  return {
    credentials: { accessKeyId, secretAccessKey, sessionToken: sessionToken! },
    ...(endsAtMs === undefined ? {} : { expiresAtMs: endsAtMs }),
  };
}

function givenKeys(proof: Proof): Credentials {
  const word = (name: string): string | undefined => {
    const value = proof.kind === "static" ? proof.secrets[name] : undefined;
    // Files and editors leave a line end behind a credential.
    const text = value?.reveal().toString("utf8").trim();
    if (text === undefined || isWord(text)) return text;
    throw new Failure(
      "store_invalid",
      `auth.secretRef: the value of ${name} is no credential: it must be one line of printable ASCII`,
    );
  };
  const [accessKeyId, secretAccessKey, sessionToken] = ["accessKeyId", "secretAccessKey", "sessionToken"].map(word);
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new Failure("internal", "the proof for the aws login lacks an access key");
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function isWord(text: string | undefined): boolean {
  return text !== undefined && /^[\x21-\x7e]+$/.test(text);
}
