/** Acts on one thing follow each other; acts on different things do not wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `act` after every earlier one with this id has ended, well or not. */
  take<T>(id: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(id) ?? Promise.resolve()).then(act, act);
    this.#last.set(id, turn);
    const leave = (): void => {
      if (this.#last.get(id) === turn) this.#last.delete(id);
    };
    turn.then(leave, leave);
    return turn;
  }

  /** Resolves when all acts that were begun have ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
