/** The items of some vaults behind one 1Password Connect server. */
import type { Store, StoreDeps } from "../contract.ts";
import { locate } from "./address.ts";
import type { ConnectConfig } from "./config.ts";
import { find } from "./find.ts";
import { fetchItem, refetchItem } from "./items.ts";
import { logIn } from "./login.ts";
import type { ConnectSession } from "./login.ts";
import { partOf } from "./part.ts";

export function createConnectStore(
  config: ConnectConfig,
  { http, clock, countCall }: Pick<StoreDeps, "http" | "clock" | "countCall">,
): Store<ConnectSession> {
  const deps = { send: http({}), clock, countCall };
  return {
    proofNeed: config.proof,
    loginRealm: `${config.host} connect`,
    locate,
    login: (proof, signal) => logIn(config, proof, deps, signal),
    fetch: fetchItem,
    refetch: refetchItem,
    part: partOf,
    find,
  };
}
