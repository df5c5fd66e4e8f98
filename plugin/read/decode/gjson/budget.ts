/**
 * What one lookup may cost. Paths come from tenants and documents from stores, so both may be hostile: scanning the same
 * bytes again and again, growing a document through multipaths, or nesting queries ends here instead of in a busy loop.
 */

/** Bytes read and written, all passes together. A 4 MiB answer can be read eight times over. */
const maxBytes = 32 * 1024 * 1024;
/** Path components, queries and documents inside one another. Keeps the call stack far from its end. */
const maxDepth = 300;

/** Thrown by a spent budget, caught in gjson.ts alone. */
export class BudgetSpent extends Error {
  override readonly name = "BudgetSpent";
}

export class Budget {
  #bytes = maxBytes;
  #depth = 0;

  spend(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < 0) throw new BudgetSpent();
  }

  /** Runs `work` one level deeper. */
  nested<T>(work: () => T): T {
    if (++this.#depth > maxDepth) throw new BudgetSpent();
    this.spend(1);
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }
}
