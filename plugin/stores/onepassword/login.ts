/** Trades the Connect token for a session: which of its vaults are the store's, and in what order. */
import { Failure } from "../../core/failure.ts";
import type { Proof, Session } from "../contract.ts";
import { bearerFromSecret } from "../bearer.ts";
import type { Vault } from "./answer.ts";
import { tokenField } from "./block.ts";
import { openCalls } from "./calls.ts";
import type { CallDeps, ConnectCalls } from "./calls.ts";
import type { ConnectConfig } from "./config.ts";
import { createListings } from "./listings.ts";
import type { Listings } from "./listings.ts";

export interface ConnectSession extends Session {
  readonly calls: ConnectCalls;
  readonly listings: Listings;
  /** In the order in which they are searched. */
  readonly vaults: readonly Vault[];
}

/** For so long a list of vaults stands: one that was renamed or granted since is seen after this at the latest. */
const vaultsLastMs = 10 * 60_000;

/** Rejects with Failure as a Store's `login` does; a vault that the token may not see is `store_login_denied`. */
export async function logIn(
  { host, vaults }: ConnectConfig,
  proof: Proof,
  deps: CallDeps,
  signal: AbortSignal,
): Promise<ConnectSession> {
  const calls = openCalls(host, bearerFromSecret(proof, "token", tokenField), deps);
  const seen = await calls.vaults(signal);
  const expiresAtMs = deps.clock.nowMs() + vaultsLastMs;
  const listings = createListings(calls);
  return { calls, listings, vaults: vaults.map((wanted) => vaultOf(wanted, seen)), expiresAtMs };
}

function vaultOf(wanted: string, seen: readonly Vault[]): Vault {
  const byId = seen.find(({ id }) => id === wanted);
  if (byId) return byId;
  const [first, ...others] = seen.filter(({ name }) => name === wanted);
  const vault = JSON.stringify(wanted);
  if (!first)
    throw new Failure(
      "store_login_denied",
      `the 1Password Connect token may see no vault ${vault}: check its name in vaults, and that the token is granted it`,
    );
  if (others.length > 0)
    throw new Failure(
      "answer_invalid",
      `1Password Connect has more than one vault named ${vault} (${others.length + 1}): write the id in vaults instead`,
    );
  return first;
}
