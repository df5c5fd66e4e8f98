/**
 * `keyferry standalone`: a folder of manifests in; Secrets, status files and provider sockets out.
 *
 * Runs until SIGTERM or SIGINT (exit 0), or with --once until everything was synced once (exit 1 when an object is not
 * Ready, each named on stderr). Exit 2 when it cannot start as configured.
 */
import type { StandaloneConfig } from "../config.ts";
import { startStandalone } from "../wire/standalone.ts";
import { started, stopSignal } from "./serve.ts";

export async function standalone(config: StandaloneConfig, stderr: NodeJS.WritableStream): Promise<number> {
  const stop = stopSignal();
  const program = await started(() => startStandalone(config), stderr);
  if (!program) return 2;
  try {
    if (!config.once) {
      await stop;
      return 0;
    }
    const notReady = await program.syncOnce();
    for (const line of notReady) stderr.write(`keyferry: ${line}\n`);
    return notReady.length === 0 ? 0 : 1;
  } finally {
    await program.close();
  }
}
