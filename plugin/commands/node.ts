/** `keyferry node`: the node plugin of a cluster. Runs until SIGTERM or SIGINT (exit 0); exit 2 when it cannot start. */
import type { NodeConfig } from "../config.ts";
import { startNode } from "../wire/node.ts";
import { started, stopSignal } from "./serve.ts";

export async function node(config: NodeConfig, stderr: NodeJS.WritableStream): Promise<number> {
  const stop = stopSignal();
  const program = await started(() => startNode(config), stderr);
  if (!program) return 2;
  await stop;
  await program.close();
  return 0;
}
