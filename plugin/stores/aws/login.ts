/** Trades a proof for credentials that requests are signed with. */
import { Failure } from "../../core/failure.ts";
import type { Proof } from "../contract.ts";
import type { AwsConfig, AwsLogin, OwnIdentity, RoleStep } from "./config.ts";
import { roleAnnotation } from "./login-choice.ts";
import { askAgent, ownToken } from "./own-identity.ts";
import type { AgentDeps, AgentQuestion } from "./own-identity.ts";
import { isWord } from "./sdk.ts";
import type { Credentials } from "./sdk.ts";
import type { Granted, StsDeps } from "./sts.ts";

/** Rejects with Failure, see `Store.login`. */
export async function logIn(
  { login, roles }: Pick<AwsConfig, "login" | "roles">,
  proof: Proof,
  deps: StsDeps & AgentDeps,
  signal: AbortSignal,
): Promise<Granted> {
  const { granted, chain } = await firstStep(login, proof, roles, deps, signal);
  if (chain.length === 0) return granted;
  const { assumeRole } = await import("./sts.ts");
  let last = granted;
  for (const role of chain) last = await assumeRole(role, last, deps, signal);
  return last;
}

interface FirstStep {
  readonly granted: Granted;
  /** Still to be assumed. */
  readonly chain: readonly RoleStep[];
}

async function firstStep(
  login: AwsLogin,
  proof: Proof,
  chain: readonly RoleStep[],
  deps: StsDeps & AgentDeps,
  signal: AbortSignal,
): Promise<FirstStep> {
  if (login.method === "keys") return { granted: { credentials: givenKeys(proof) }, chain };
  if (login.method === "own") return { granted: await asProcess(login.identity, deps, signal), chain };
  if (login.method === "podIdentity") return { granted: await asPod(login.urls, proof, deps, signal), chain };
  const own = proof.kind === "token" ? proof.annotations?.[roleAnnotation] : undefined;
  const roleArn = own ?? login.role;
  if (proof.kind !== "token" || roleArn === undefined)
    throw new Failure("internal", "the proof for the aws login lacks a token or a role");
  const { tradeToken } = await import("./sts.ts");
  return { granted: await tradeToken(roleArn, proof.token, deps, signal), chain: own === undefined ? [] : chain };
}

async function asProcess(identity: OwnIdentity, deps: StsDeps & AgentDeps, signal: AbortSignal): Promise<Granted> {
  if (identity.kind === "agent") {
    const question = { url: identity.url, token: await ownToken(identity.tokenFile), whose: "this process" } as const;
    return askAgent(question, deps, signal);
  }
  const token = await ownToken(identity.tokenFile);
  const { tradeToken } = await import("./sts.ts");
  return tradeToken(identity.roleArn, token, deps, signal);
}

/** A node has the agent in one family of addresses or in both, so one where nobody answers is no last word. */
async function asPod(urls: readonly string[], proof: Proof, deps: AgentDeps, signal: AbortSignal): Promise<Granted> {
  if (proof.kind !== "token") throw new Failure("internal", "the proof for the aws login lacks a token");
  const { token } = proof;
  const [first, ...others] = urls.map((url): AgentQuestion => ({ url, token, whose: "the pod" }));
  try {
    return await askAgent(first!, deps, signal);
  } catch (thrown) {
    const [second] = others;
    if (!second || !(thrown instanceof Failure) || thrown.code !== "store_unreachable") throw thrown;
    return askAgent(second, deps, signal);
  }
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
