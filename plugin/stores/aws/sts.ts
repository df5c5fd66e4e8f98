/** Roles from STS through the SDK, which comes with this module: import it when it is used. */
import { fromWebToken } from "@aws-sdk/credential-provider-web-identity";
import { getDefaultRoleAssumer } from "@aws-sdk/nested-clients/sts";
import type { SecretValue } from "../../core/secret-value.ts";
import type { CallerFacts, StoreDeps } from "../contract.ts";
import type { HttpSend } from "../http.ts";
import type { RoleStep } from "./config.ts";
import { loginRefusal } from "./refusal.ts";
import type { LoginCall } from "./refusal.ts";
import { createRequestHandler } from "./request-handler.ts";
import { answerInvalid, called, clientSettings, hushed, isWord } from "./sdk.ts";
import type { Credentials } from "./sdk.ts";

export interface StsDeps {
  readonly region: string;
  /** In place of STS's own. */
  readonly endpoint: string | undefined;
  readonly send: HttpSend;
  readonly clock: StoreDeps["clock"];
  readonly countCall: StoreDeps["countCall"];
  /** Who asks: for session tags that say so. */
  readonly facts: CallerFacts;
}

export interface Granted {
  readonly credentials: Credentials;
  /** Wall clock epoch milliseconds; absent when they do not end. */
  readonly expiresAtMs?: number;
}

/** ESO's: trust policies and trails may name it. */
const sessionName = "external-secrets-provider-aws";

/** Not signed: the token is the proof. Rejects with Failure, see `Store.login`. */
export async function tradeToken(
  roleArn: string,
  token: SecretValue,
  deps: StsDeps,
  signal: AbortSignal,
): Promise<Granted> {
  const trade = fromWebToken({
    roleArn,
    roleSessionName: sessionName,
    webIdentityToken: token.reveal().toString("utf8").trim(),
    clientConfig: stsSettings(deps, signal),
    clientPlugins: [hushed],
  });
  return granted({ action: "AssumeRoleWithWebIdentity", roleArn }, () => trade(), deps, signal);
}

/** Signed with what was granted before. Rejects with Failure, see `Store.login`. */
export async function assumeRole(
  { roleArn, externalId, tags, transitiveTagKeys }: RoleStep,
  { credentials }: Granted,
  deps: StsDeps,
  signal: AbortSignal,
): Promise<Granted> {
  const assume = getDefaultRoleAssumer(stsSettings(deps, signal), [hushed]);
  const wish = {
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
    ...(tags
      ? { Tags: tags.map((tag) => ({ Key: tag.key, Value: "fact" in tag ? deps.facts[tag.fact] : tag.value })) }
      : {}),
    ...(transitiveTagKeys ? { TransitiveTagKeys: [...transitiveTagKeys] } : {}),
  };
  return granted({ action: "AssumeRole", roleArn }, () => assume({ ...credentials }, wish), deps, signal);
}

function stsSettings({ region, send, endpoint }: StsDeps, signal: AbortSignal) {
  return clientSettings({ region, endpoint, handler: createRequestHandler(send, signal) });
}

/** What the SDK makes of STS's answer. */
interface StsCredentials extends Credentials {
  readonly expiration?: Date;
}

async function granted(
  call: LoginCall,
  work: () => Promise<StsCredentials>,
  { clock, countCall }: StsDeps,
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
