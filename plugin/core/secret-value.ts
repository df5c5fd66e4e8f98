/**
 * Bytes that must not be printed.
 *
 * Every accidental way to a string gives the same marker. `grep -rn 'reveal(' plugin` is the whole list of places that
 * see plaintext; test/architecture.test.ts holds that list.
 */
import { timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";

const HIDDEN = "[secret]";

export class SecretValue {
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  static fromText(text: string): SecretValue {
    return new SecretValue(Buffer.from(text, "utf8"));
  }

  /** Size in bytes. */
  get byteLength(): number {
    return this.#bytes.length;
  }

  /** A copy of the plaintext. Call it only where bytes leave: a file, a Secret's data, an auth header, a decoder. */
  reveal(): Buffer {
    return Buffer.from(this.#bytes);
  }

  /** Constant-time for values of one length. */
  equals(other: SecretValue): boolean {
    return this.#bytes.length === other.#bytes.length && timingSafeEqual(this.#bytes, other.#bytes);
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
