/** What commands that serve have in common: a start that may be refused, and an end by signal. */
import { StartProblem } from "../wire/start-problem.ts";

/** Resolves at the first SIGTERM or SIGINT from now on. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
}

/** Undefined when it cannot start as configured: why is then on stderr. */
export async function started<T>(start: () => Promise<T>, stderr: NodeJS.WritableStream): Promise<T | undefined> {
  try {
    return await start();
  } catch (thrown) {
    if (!(thrown instanceof StartProblem)) throw thrown;
    stderr.write(`keyferry: ${thrown.message}\n`);
    return undefined;
  }
}
