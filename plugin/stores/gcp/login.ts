/** Trades a proof for an access token of Google's. */
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import type { Proof } from "../contract.ts";
import type { GcpLogin } from "./config.ts";
import { externalToken, readExternalAccount } from "./external-account.ts";
import { emailAnnotation, fileSecret, keySecret } from "./login-choice.ts";
import { nodeToken, wholeCluster } from "./metadata-server.ts";
import { tradeInCluster, tradeInPool } from "./token-exchange.ts";
import { impersonate } from "./token-request.ts";
import type { Granted, LoginDeps } from "./token-request.ts";

/** What Google gives where nobody asks for more. */
const lifetimeSeconds = 3_600;

/** Rejects with Failure, see `Store.login`. */
export async function logIn(login: GcpLogin, proof: Proof, deps: LoginDeps, signal: AbortSignal): Promise<Granted> {
  switch (login.method) {
    case "metadata":
      return nodeToken(deps, signal);
    case "key": {
      const { tradeKey } = await import("./key-login.ts");
      return tradeKey(secretOf(proof, keySecret), deps, signal);
    }
    case "workloadIdentity": {
      const { token, email } = accountOf(proof);
      const cluster = await wholeCluster(login.cluster, deps, signal);
      const granted = await tradeInCluster({ token }, cluster, deps, signal);
      return email === undefined ? granted : impersonate(email, lifetimeSeconds, granted, deps, signal);
    }
    case "federation": {
      const { token, email } = accountOf(proof);
      const granted = await tradeInPool({ token }, login.audience, deps, signal);
      const speaksFor = login.email ?? email;
      return speaksFor === undefined ? granted : impersonate(speaksFor, lifetimeSeconds, granted, deps, signal);
    }
    case "externalAccount": {
      const account = readExternalAccount(secretOf(proof, fileSecret), login);
      const subject = await externalToken(account, deps, signal);
      const granted = await tradeInPool(subject, account.audience, deps, signal);
      const { email, lifetimeSeconds: wanted = lifetimeSeconds } = account;
      return email === undefined ? granted : impersonate(email, wanted, granted, deps, signal);
    }
  }
}

/** The token of a Kubernetes service account, and the Google service account that it says it speaks for. */
function accountOf(proof: Proof): { token: SecretValue; email: string | undefined } {
  if (proof.kind !== "token") throw new Failure("internal", "the proof for the gcp login lacks a token");
  return { token: proof.token, email: proof.annotations?.[emailAnnotation] };
}

function secretOf(proof: Proof, name: string): SecretValue {
  const value = proof.kind === "static" ? proof.secrets[name] : undefined;
  if (!value) throw new Failure("internal", `the proof for the gcp login lacks its ${name}`);
  return value;
}
