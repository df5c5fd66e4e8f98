/**
 * Who goes next: mounts before first syncs before periodic ones, in order of arrival among themselves.
 *
 * So that nobody waits for ever behind a stream of better placed ones, every eighth place goes to whoever has waited
 * longest, whatever it is.
 */
import type { Priority } from "../request.ts";

const fairEvery = 8;

export class WaitingLine<W extends { readonly priority: Priority }> {
  readonly #lines: Readonly<Record<Priority, Map<number, W>>> = {
    mount: new Map(),
    first_sync: new Map(),
    periodic: new Map(),
  };
  #arrivals = 0;
  #places = 0;

  get size(): number {
    return this.#lines.mount.size + this.#lines.first_sync.size + this.#lines.periodic.size;
  }

  /** Returns the function that leaves the line; it may be called at any time. */
  join(waiter: W): () => void {
    const arrival = this.#arrivals++;
    const line = this.#lines[waiter.priority];
    line.set(arrival, waiter);
    return () => void line.delete(arrival);
  }

  /** Takes the next one out; undefined when nobody waits. */
  next(): W | undefined {
    const heads = [this.#lines.mount, this.#lines.first_sync, this.#lines.periodic].filter((line) => line.size > 0);
    if (heads.length === 0) return undefined;
    const fair = ++this.#places % fairEvery === 0;
    const arrivalOf = (line: Map<number, W>): number => line.keys().next().value!;
    const line = fair ? heads.reduce((a, b) => (arrivalOf(b) < arrivalOf(a) ? b : a)) : heads[0]!;
    const arrival = arrivalOf(line);
    const waiter = line.get(arrival);
    line.delete(arrival);
    return waiter;
  }

  /** Takes everybody out, best placed first. */
  clear(): W[] {
    const all = Object.values(this.#lines).flatMap((line) => [...line.values()]);
    for (const line of Object.values(this.#lines)) line.clear();
    return all;
  }
}
