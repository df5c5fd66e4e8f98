/**
 * The identity that EKS gives this process itself: through the Pod Identity agent, or as a role for its service account.
 * For ClusterSecretStores alone; the agent is asked in the name of mounting pods too, with their own tokens.
 *
 * The files are read at each login: the cloud replaces them while this process runs.
 */
import { open } from "node:fs/promises";
import { Failure } from "../../core/failure.ts";
import { isJsonObject } from "../../core/json.ts";
import type { JsonObject } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import type { HttpSend } from "../http.ts";
import { readJson } from "../json-body.ts";
import type { OwnIdentity } from "./config.ts";
import { agentRefusal } from "./refusal.ts";
import { Refused } from "./request-handler.ts";
import { answerInvalid, isWord } from "./sdk.ts";
import type { Granted } from "./sts.ts";

export interface AgentDeps {
  /** Reaches the agent, which is on a link-local address. */
  readonly machineSend: HttpSend;
  readonly clock: StoreDeps["clock"];
  readonly countCall: StoreDeps["countCall"];
}

/** A role's token goes before the agent, as in AWS's own SDKs. */
export function ownIdentityOf(given: StoreDeps["ownIdentity"] = {}): OwnIdentity | undefined {
  const { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: roleFile } = given;
  const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: agentFile } = given;
  if (roleArn !== undefined && roleFile !== undefined) return { kind: "role", roleArn, tokenFile: roleFile };
  if (url !== undefined && agentFile !== undefined) return { kind: "agent", url, tokenFile: agentFile };
  return undefined;
}

/** A token is some hundred bytes; more is not one. */
const longestTokenBytes = 16_384;

/** Rejects with Failure `store_invalid`. */
export async function ownToken(file: string): Promise<SecretValue> {
  const text = await beginningOf(file).catch(() => "");
  if (isWord(text)) return SecretValue.fromText(text);
  throw new Failure(
    "store_invalid",
    `the file ${file} holds no token of this process; check that its service account has a Pod Identity association or a role`,
  );
}

async function beginningOf(file: string): Promise<string> {
  await using handle = await open(file, "r");
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(longestTokenBytes + 1), 0);
  return bytesRead > longestTokenBytes ? "" : buffer.toString("utf8", 0, bytesRead).trim();
}

export interface AgentQuestion {
  readonly url: string;
  readonly token: SecretValue;
  /** For messages. */
  readonly whose: "this process" | "the pod";
}

/** Rejects with Failure, see `Store.login`. */
export async function askAgent(
  { url, token, whose }: AgentQuestion,
  { machineSend, clock, countCall }: AgentDeps,
  signal: AbortSignal,
): Promise<Granted> {
  // The agent's call of EKS on our behalf goes by this name.
  return counted(
    "AssumeRoleForPodIdentity",
    (call, outcome) => countCall(call, outcome, "AWS/EKSAuth"),
    async () => {
      const headers = { authorization: token, accept: "application/json", "user-agent": "keyferry" };
      const answer = await machineSend({ method: "GET", url: new URL(url), headers }, signal);
      if (answer.status !== 200) throw agentRefusal(new Refused(answer), whose, clock);
      const read = readJson(answer.body);
      if (!read.ok || !isJsonObject(read.value)) throw agentInvalid();
      return readGrant(read.value);
    },
  );
}

/** `{"AccessKeyId": "…", "SecretAccessKey": "…", "Token": "…", "Expiration": "2026-01-01T00:00:00Z"}` */
function readGrant(answer: JsonObject): Granted {
  const [accessKeyId, secretAccessKey, sessionToken, end] = [
    "AccessKeyId",
    "SecretAccessKey",
    "Token",
    "Expiration",
  ].map((name) => (typeof answer[name] === "string" ? answer[name] : ""));
  const expiresAtMs = Date.parse(end!);
  if (![accessKeyId, secretAccessKey, sessionToken].every(isWord) || Number.isNaN(expiresAtMs)) throw agentInvalid();
  return {
    credentials: { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey!, sessionToken: sessionToken! },
    expiresAtMs,
  };
}

function agentInvalid(): Failure {
  return answerInvalid("something that no Pod Identity agent says");
}
