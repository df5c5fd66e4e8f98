/** Trades a proof for a Vault token. */
import { Failure } from "../../core/failure.ts";
import type { Proof, StoreDeps } from "../contract.ts";
import type { HttpSend } from "../http.ts";
import { envelope, isToken, readGrant } from "./answer.ts";
import type { Granted } from "./answer.ts";
import { iamBody } from "./aws-login.ts";
import type { LoginBody, VaultClient } from "./client.ts";
import type { MountLogin } from "./config.ts";
import { gcpBody } from "./gcp-login.ts";
import { wirePath } from "./path.ts";
import { loginRefusal } from "./refusal.ts";
import { shown, trimmed, withoutLineEnd } from "./shown.ts";

/** What a login may ask beside Vault. */
export interface LoginDeps extends Pick<StoreDeps, "clock" | "countCall"> {
  /** To AWS's token service; Vault's own connection is the client's. */
  readonly sendToSts: HttpSend;
  /** In place of STS's own address. */
  readonly stsEndpoint: string | undefined;
}

/** A token from a Secret is the session itself: nothing is sent, and it is neither renewed nor revoked. */
export function givenToken(proof: Proof): Granted {
  const token = trimmed(shown(proof, "token"));
  if (!isToken(token.reveal().toString("utf8")))
    throw new Failure(
      "store_invalid",
      "auth.tokenSecretRef: the Secret's value is no token: it must be one line of printable ASCII",
    );
  return { token, renewable: false };
}

/** Rejects with Failure, see `Store.login`. */
export async function logIn(
  login: MountLogin,
  proof: Proof,
  client: VaultClient,
  deps: LoginDeps,
  signal: AbortSignal,
): Promise<Granted> {
  const body = await bodyOf(login, proof, deps, signal);
  const answer = await client.write(pathOf(login), body, signal);
  if (answer.status !== 200) throw loginRefusal(answer, login, deps.clock);
  return readGrant(envelope(answer), deps.clock);
}

function pathOf(login: MountLogin): string {
  const path = wirePath(`auth/${login.mount}/login`);
  return "username" in login ? `${path}/${encodeURIComponent(login.username)}` : path;
}

function bodyOf(
  login: MountLogin,
  proof: Proof,
  { clock, countCall, sendToSts, stsEndpoint }: LoginDeps,
  signal: AbortSignal,
): LoginBody | Promise<LoginBody> {
  switch (login.method) {
    case "kubernetes":
    case "jwt":
      return { role: login.role, jwt: trimmed(proof.kind === "token" ? proof.token : shown(proof, "jwt")) };
    case "appRole":
      return {
        role_id: login.roleId ?? trimmed(shown(proof, "roleId")),
        secret_id: trimmed(shown(proof, "secretId")),
      };
    case "ldap":
    case "userPass":
      return { password: withoutLineEnd(shown(proof, "password")) };
    case "cert":
      return login.role === "" ? {} : { name: login.role };
    case "iam": {
      const sts = { region: login.region, endpoint: stsEndpoint, send: sendToSts, clock, countCall };
      return iamBody(login, proof, sts, signal);
    }
    case "gcp":
      return gcpBody(login.role, proof, clock);
  }
}
