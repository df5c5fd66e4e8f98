/**
 * A process with one kind's server. Arguments: the kind, and how many identities there will be. Tells its parent where it
 * is; on each message from it, the calls that it got since the one before, by their names.
 */
import type { BenchedName } from "./store-kinds.ts";
import { startServers } from "./store-servers.ts";

const identities = Number(process.argv[3]);
const server = await startServers[process.argv[2] as BenchedName](identities);
let told = 0;
process.on("message", () => {
  const calls = server.calls();
  process.send!(calls.slice(told));
  told = calls.length;
});
process.send!(server.place);
