/** Keys by due time, the earliest first; of equal ones, the one that was put first. A key has one due time at most. */

interface Entry {
  readonly key: string;
  readonly atMs: number;
  readonly turn: number;
}

export class DueHeap {
  readonly #heap: Entry[] = [];
  readonly #current = new Map<string, Entry>();
  #turn = 0;

  get size(): number {
    return this.#current.size;
  }

  /** Moves the key's due time, in either direction. */
  put(key: string, atMs: number): void {
    const entry = { key, atMs, turn: this.#turn++ };
    this.#current.set(key, entry);
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  drop(key: string): void {
    this.#current.delete(key);
  }

  dueAtMs(key: string): number | undefined {
    return this.#current.get(key)?.atMs;
  }

  /** Due time of the earliest key. */
  get nextAtMs(): number | undefined {
    this.#skipOutdated();
    return this.#heap[0]?.atMs;
  }

  /** Takes the earliest key when it is due at `nowMs`. */
  takeDue(nowMs: number): string | undefined {
    this.#skipOutdated();
    const first = this.#heap[0];
    if (!first || first.atMs > nowMs) return undefined;
    this.#pop();
    this.#current.delete(first.key);
    return first.key;
  }

  /** A moved or dropped key leaves its old entry behind; it goes when it reaches the top. */
  #skipOutdated(): void {
    for (let first = this.#heap[0]; first && this.#current.get(first.key) !== first; first = this.#heap[0]) this.#pop();
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(index: number): void {
    for (let at = index; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(index: number): void {
    for (let at = index; ;) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.#heap.length && this.#isBefore(child, first)) first = child;
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a]!, this.#heap[b]!];
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.turn < other.turn);
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
  }
}
