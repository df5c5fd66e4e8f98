/** A text that is made piece by piece and paid for while it grows. */
import type { Meter } from "../functions.ts";
import type { GoString } from "../text.ts";

export class GrowingText {
  readonly #meter: Meter;
  #text = "";
  /** Up to here it is paid for. */
  #paid = 4_096;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  add(piece: string): void {
    this.#text += piece;
    if (this.#text.length <= this.#paid) return;
    this.#meter.produce(this.#text.length);
    this.#paid = this.#text.length * 2;
  }

  text(): GoString {
    return this.#text as GoString;
  }
}
