import { Failure } from "../core/failure.ts";

/** keyferry cannot start as configured. The message is `<flag or file>: <problem>; <way out>` and safe to show. */
export class StartProblem extends Error {
  override readonly name = "StartProblem";
}

/**
 * Runs one step of the start. A Failure of it, and an Error that already speaks of a flag, become a StartProblem; `flag`
 * is put in front where the message names none. Everything else is a fault of ours and passes.
 */
export async function startStep<T>(flag: string, step: () => Promise<T> | T): Promise<T> {
  try {
    return await step();
  } catch (thrown) {
    if (thrown instanceof Error && thrown.message.startsWith("--")) throw new StartProblem(thrown.message);
    if (thrown instanceof Failure) throw new StartProblem(`${flag}: ${thrown.message}`);
    throw thrown;
  }
}
