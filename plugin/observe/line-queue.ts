/**
 * Lines on their way out, bounded in bytes, one write at a time. A destination that is full or stuck holds up nobody:
 * lines that do not fit are refused here, at once.
 */

/** Calls `done` once the text is with the operating system, or with what went wrong. Never blocks. */
export type LineWrite = (text: string, done: (error?: unknown) => void) => void;

export interface LineQueueOptions {
  readonly write: LineWrite;
  /** Of lines that wait and of those being written, together. */
  readonly capacityBytes: number;
  /** True: lines whose write failed stay first in line, for `retry`. False: they are given up. */
  readonly keepFailed: boolean;
  /** After each failed write. */
  readonly onFailure: (lines: number, error: unknown) => void;
  /** After a write that left nothing waiting. */
  readonly onEmpty: () => void;
}

/** Lines of one write: a few pages, so that a slow destination still makes visible progress. */
const batchBytes = 64 * 1024;

export class LineQueue {
  readonly #options: LineQueueOptions;
  #waiting: { readonly line: string; readonly bytes: number }[] = [];
  #bytes = 0;
  #writing = false;
  #failed = false;
  #onIdle: (() => void)[] = [];

  constructor(options: LineQueueOptions) {
    this.#options = options;
  }

  /** Whether the last write failed. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Takes all lines (each with its line end) or, when they do not fit, none. */
  offer(lines: readonly string[]): boolean {
    const taken = lines.map((line) => ({ line, bytes: Buffer.byteLength(line) }));
    const bytes = taken.reduce((sum, one) => sum + one.bytes, 0);
    if (this.#bytes + bytes > this.#options.capacityBytes) return false;
    for (const one of taken) this.#waiting.push(one);
    this.#bytes += bytes;
    if (!this.#failed || !this.#options.keepFailed) this.#write();
    return true;
  }

  /** Tries again to write what waits behind a failure. */
  retry(): void {
    this.#write();
  }

  /** Resolves when nothing waits, or a write has failed. A stuck destination never gets there: bound the wait. */
  settled(): Promise<void> {
    if (this.#idle()) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #idle(): boolean {
    return !this.#writing && (this.#failed || this.#waiting.length === 0);
  }

  #write(): void {
    if (this.#writing || this.#waiting.length === 0) return;
    let end = 0;
    for (let bytes = 0; end < this.#waiting.length && (end === 0 || bytes < batchBytes); end++)
      bytes += this.#waiting[end]!.bytes;
    const batch = this.#waiting.splice(0, end);
    this.#writing = true;
    this.#options.write(batch.map(({ line }) => line).join(""), (error) => {
      this.#writing = false;
      this.#settle(batch, error);
    });
  }

  #settle(batch: readonly { readonly line: string; readonly bytes: number }[], error: unknown): void {
    this.#failed = error !== undefined && error !== null;
    const kept = this.#failed && this.#options.keepFailed;
    if (kept) this.#waiting = [...batch, ...this.#waiting];
    else this.#bytes -= batch.reduce((sum, { bytes }) => sum + bytes, 0);
    if (this.#failed) this.#options.onFailure(batch.length, error);
    else if (this.#waiting.length === 0) this.#options.onEmpty();
    if (!kept) this.#write();
    if (!this.#idle()) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
