/** What a login to Vault gave: clients that hold the token, and how long it lasts. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import type { Session } from "../contract.ts";
import { envelope, readGrant } from "./answer.ts";
import type { Granted } from "./answer.ts";
import { createVaultClient } from "./client.ts";
import type { VaultClient, VaultTarget } from "./client.ts";
import type { VaultConfig } from "./config.ts";
import type { HttpSend } from "../http.ts";
import { lookupRefusal } from "./refusal.ts";

export interface VaultSession extends Session {
  /** Holds the token, as `self` does; nothing else does. */
  readonly client: VaultClient;
  /** For what a token may ask about itself: in the namespace that it comes from. */
  readonly self: VaultClient;
  /** What the login gave, milliseconds; absent when the token cannot be given another life. */
  readonly renewableMs?: number;
}

export async function openSession(
  { server, namespace, login }: VaultConfig,
  { token, lifeMs, expiresAtMs, renewable }: Granted,
  connection: Pick<VaultTarget, "headers" | "writes">,
  send: HttpSend,
): Promise<VaultSession> {
  const client = await createVaultClient({ server, namespace, token, ...connection }, send);
  const self =
    login.namespace === namespace
      ? client
      : await createVaultClient({ server, namespace: login.namespace, token, ...connection }, send);
  return {
    client,
    self,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(login.method === "token" ? { given: true as const } : {}),
    ...(renewable && lifeMs !== undefined ? { renewableMs: lifeMs } : {}),
  };
}

/**
 * Rejects with Failure `store_denied`, without a request, when the token is of a kind that cannot be renewed (batch
 * tokens, tokens from a Secret) or has used up its longest life: Vault then gives ever shorter ones.
 */
export async function renewSession(session: VaultSession, clock: Clock, signal: AbortSignal): Promise<VaultSession> {
  const { renewableMs, ...unrenewable } = session;
  if (renewableMs === undefined)
    throw new Failure("store_denied", "the token of this login cannot be given another life; a new login gives one");
  const answer = await session.self.write("auth/token/renew-self", {}, signal);
  if (answer.status !== 200) throw lookupRefusal(answer, clock, "update on auth/token/renew-self");
  const { expiresAtMs, lifeMs, renewable } = readGrant(envelope(answer), clock);
  return {
    ...unrenewable,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(renewable && (lifeMs ?? 0) >= renewableMs / 2 ? { renewableMs } : {}),
  };
}
