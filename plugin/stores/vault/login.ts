/** Trades a proof for a Vault token. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Proof } from "../contract.ts";
import type { HttpSend } from "../http.ts";
import { envelope, isToken, readGrant } from "./answer.ts";
import type { Granted } from "./answer.ts";
import { createVaultClient } from "./client.ts";
import type { LoginBody } from "./client.ts";
import type { VaultConfig, VaultLogin } from "./config.ts";
import { wirePath } from "./path.ts";
import { loginRefusal } from "./refusal.ts";

type MountLogin = Exclude<VaultLogin, { method: "token" }>;

/** A token from a Secret is the session itself: nothing is sent, and it is never revoked. */
export function givenToken(proof: Proof): Granted {
  const token = trimmed(credential(proof, "token"));
  if (!isToken(token.reveal().toString("utf8")))
    throw new Failure(
      "store_invalid",
      "auth.tokenSecretRef: the Secret's value is no token: it must be one line of printable ASCII",
    );
  return { token };
}

export async function logIn(
  config: VaultConfig,
  login: MountLogin,
  proof: Proof,
  deps: { readonly send: HttpSend; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Granted> {
  const client = await createVaultClient({ server: config.server, namespace: login.namespace }, deps.send);
  const answer = await client.write(wirePath(`auth/${login.mount}/login`), bodyOf(login, proof), signal);
  if (answer.status !== 200) throw loginRefusal(answer, login, deps.clock);
  return readGrant(envelope(answer), deps.clock);
}

function bodyOf(login: MountLogin, proof: Proof): LoginBody {
  if (login.method === "appRole")
    return {
      role_id: login.roleId ?? trimmed(credential(proof, "roleId")),
      secret_id: trimmed(credential(proof, "secretId")),
    };
  return { role: login.role, jwt: trimmed(proof.kind === "token" ? proof.token : credential(proof, "jwt")) };
}

/** The read path collects what `proofNeed` names; a gap is a fault of this process, not of the user. */
function credential(proof: Proof, secret: string): SecretValue {
  const value = proof.kind === "static" ? proof.secrets[secret] : undefined;
  if (!value) throw new Failure("internal", `the proof for the vault login lacks ${secret}`);
  return value;
}

/** Files and editors leave a line end behind a credential. */
function trimmed(value: SecretValue): SecretValue {
  return SecretValue.fromText(value.reveal().toString("utf8").trim());
}
