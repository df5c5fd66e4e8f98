/** Counts one call to a store's API by its outcome. */
import { Failure } from "../core/failure.ts";
import type { StoreDeps } from "./contract.ts";

/** "Not found" is an answer, not a failed call: ESO counts it as a success too. */
export async function counted<T>(call: string, count: StoreDeps["countCall"], work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    count(call, "success");
    return result;
  } catch (thrown) {
    const answered = thrown instanceof Failure && /^(ref|version)_not_found$/.test(thrown.code);
    count(call, answered ? "success" : "error");
    throw thrown;
  }
}
