/**
 * B11: from the start of the process to the first answered Mount, beside a bare server; file store, median of five.
 *
 * The two take turns. The client is warm before: its own start is no part of the time.
 */
import { mountAsDriver } from "../test/fakes/driver-client.ts";
import { quantile } from "./numbers.ts";
import { prepare, type Starter } from "./servers.ts";
import { checkMounted, podMount } from "./workload.ts";

const starts = 5;

export async function b11(again: () => boolean): Promise<Record<string, number>> {
  const { keyferry, echo, close } = await prepare();
  const tookMs = { keyferry: [] as number[], echo: [] as number[] };
  try {
    // Fills the page cache and warms this process; not counted.
    for (const starter of [keyferry, echo]) await startToMount(starter);
    do for (const starter of [keyferry, echo]) tookMs[starter.name].push(await startToMount(starter));
    while (tookMs.keyferry.length < starts || again());
  } finally {
    await close();
  }
  for (const [name, times] of Object.entries(tookMs))
    console.log(`${name}: ${times.map((ms) => ms.toFixed(0)).join(" ")} ms`);
  const [first, bare] = [quantile(tookMs.keyferry, 0.5), quantile(tookMs.echo, 0.5)];
  return { first_mount_ms: first, bare_ms: bare, ratio: first / bare, limit_ratio: 1.8 };
}

async function startToMount(starter: Starter): Promise<number> {
  const beganMs = performance.now();
  const server = starter.start();
  try {
    await server.listening();
    const mounted = await mountAsDriver(server.socket, podMount(0));
    const tookMs = performance.now() - beganMs;
    checkMounted(mounted);
    return tookMs;
  } finally {
    await server.stop();
  }
}
