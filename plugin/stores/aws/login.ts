/** Trades a proof for credentials that requests are signed with. */
import { Failure } from "../../core/failure.ts";
import type { Proof } from "../contract.ts";
import type { AwsConfig } from "./config.ts";
import { roleAnnotation } from "./login-choice.ts";
import { isWord } from "./sdk.ts";
import type { Credentials } from "./sdk.ts";
import type { Granted, StsDeps } from "./sts.ts";

/** Rejects with Failure, see `Store.login`. */
export async function logIn(
  { login, roles }: Pick<AwsConfig, "login" | "roles">,
  proof: Proof,
  deps: StsDeps,
  signal: AbortSignal,
): Promise<Granted> {
  if (login.method === "keys" && roles.length === 0) return { credentials: givenKeys(proof) };
  const { assumeRole, tradeToken } = await import("./sts.ts");
  let granted: Granted;
  let chain = roles;
  if (login.method === "keys") granted = { credentials: givenKeys(proof) };
  else {
    const own = proof.kind === "token" ? proof.annotations?.[roleAnnotation] : undefined;
    const roleArn = own ?? login.role;
    if (proof.kind !== "token" || roleArn === undefined)
      throw new Failure("internal", "the proof for the aws login lacks a token or a role");
    granted = await tradeToken(roleArn, proof.token, deps, signal);
    if (own === undefined) chain = [];
  }
  for (const role of chain) granted = await assumeRole(role, granted, deps, signal);
  return granted;
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
