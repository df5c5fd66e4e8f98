/**
 * B10: what keyferry weighs after a node's worth of mounts, beside an echo server that served the same.
 *
 * 110 pods with four objects each, all mounted in each of ten rounds, some at once as a kubelet does.
 */
import { openDriverClient, type DriverClient } from "../test/fakes/driver-client.ts";
import { memoryOf, prepare, type Starter } from "./servers.ts";
import { checkMounted, podMount } from "./workload.ts";

const pods = 110;
const rounds = 10;
const atOnce = 10;

interface Weight {
  readonly rssMiB: number;
  readonly anonMiB: number;
}

export async function b10(again: () => boolean): Promise<Record<string, number>> {
  const { keyferry, echo, close } = await prepare();
  try {
    const own = await weigh(keyferry, again);
    const bare = await weigh(echo, () => false);
    const [last, bareLast] = [own.at(-1)!, bare.at(-1)!];
    const lastFive = own.slice(-5).map(({ rssMiB }) => rssMiB);
    return {
      rss_mb: last.rssMiB,
      rss_anon_mb: last.anonMiB,
      echo_rss_mb: bareLast.rssMiB,
      ratio: last.rssMiB / bareLast.rssMiB,
      last_five_spread_mb: Math.max(...lastFive) - Math.min(...lastFive),
      limit_mb: 90,
      limit_ratio: 1.3,
    };
  } finally {
    await close();
  }
}

/** The weight after each round. */
async function weigh(starter: Starter, again: () => boolean): Promise<readonly Weight[]> {
  const server = starter.start();
  const client = openDriverClient(server.socket);
  const weights: Weight[] = [];
  try {
    await server.listening();
    while (weights.length < rounds || again()) {
      await mountAll(client);
      weights.push(memoryOf(server.pid));
    }
  } finally {
    client.close();
    await server.stop();
  }
  console.log(`${starter.name}: MiB after each round: ${weights.map(({ rssMiB }) => rssMiB.toFixed(1)).join(" ")}`);
  return weights;
}

async function mountAll(client: DriverClient): Promise<void> {
  for (let first = 0; first < pods; first += atOnce)
    await Promise.all(
      Array.from({ length: atOnce }, async (_, i) => checkMounted(await client.mount(podMount(first + i)))),
    );
}
