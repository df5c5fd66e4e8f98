/**
 * B3: how long a warm mount takes at the provider's socket, one at a time, beside an echo server in the same run.
 *
 * The servers take turns in small blocks, so that a disturbance of the machine meets both.
 */
import { openDriverClient, type DriverClient } from "../test/fakes/driver-client.ts";
import { quantile } from "./numbers.ts";
import { prepare, type Running } from "./servers.ts";
import { checkMounted, podMount } from "./workload.ts";

const warmUp = 200;
const mounts = 2_000;
const block = 100;

interface Side {
  readonly server: Running;
  readonly client: DriverClient;
  readonly tookMs: number[];
}

export async function b3(again: () => boolean): Promise<Record<string, number>> {
  const { keyferry, echo, close } = await prepare();
  const sides: Side[] = [];
  try {
    for (const starter of [keyferry, echo]) {
      const server = starter.start();
      sides.push({ server, client: openDriverClient(server.socket), tookMs: [] });
      await server.listening();
    }
    for (const side of sides) await mountInTurn(side, warmUp);
    for (const side of sides) side.tookMs.length = 0;
    do
      for (let done = 0; done < mounts; done += block)
        for (const side of done % (2 * block) === 0 ? sides : sides.toReversed()) await mountInTurn(side, block);
    while (again());
  } finally {
    for (const { client, server } of sides) {
      client.close();
      await server.stop();
    }
    await close();
  }
  const [warm, bare] = sides.map(({ tookMs }) => tookMs) as [number[], number[]];
  for (const [name, tookMs] of Object.entries({ keyferry: warm, echo: bare }))
    console.log(
      `${name}: ${tookMs.length} mounts, p50 ${quantile(tookMs, 0.5).toFixed(3)} ms, ` +
        `p90 ${quantile(tookMs, 0.9).toFixed(3)} ms, p99 ${quantile(tookMs, 0.99).toFixed(3)} ms`,
    );
  const [warmP99, echoP99] = [quantile(warm, 0.99), quantile(bare, 0.99)];
  return { warm_p99_ms: warmP99, echo_p99_ms: echoP99, ratio: warmP99 / echoP99, limit_ratio: 2 };
}

async function mountInTurn({ client, tookMs }: Side, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const beganMs = performance.now();
    const mounted = await client.mount(podMount(0));
    tookMs.push(performance.now() - beganMs);
    checkMounted(mounted);
  }
}
