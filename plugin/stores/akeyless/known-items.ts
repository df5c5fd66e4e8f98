/**
 * What a session has learned of its items, so that it need not ask again: what kind each is, and which version its newest
 * value has. Holds no value: one is known again by a keyed digest.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { SecretValue } from "../../core/secret-value.ts";
import type { Description } from "./items.ts";

interface Known {
  readonly description: Description;
  /** Of the newest value, whose version the description tells; absent while none was read. */
  readonly digest?: string;
}

/** More are asked for again. */
const mostItems = 1_000;
const keyBytes = 32;

export class KnownItems {
  /** Longest known first. */
  readonly #items = new Map<string, Known | "apart">();
  readonly #key = randomBytes(keyBytes);

  of(name: string): Description | undefined {
    const known = this.#items.get(name);
    return known === "apart" ? undefined : known?.description;
  }

  /** `newest`: its value as of now, of the version that the description tells. */
  learn(name: string, description: Description, newest?: SecretValue): void {
    this.#put(name, newest ? { description, digest: this.#digest(newest) } : { description });
  }

  /** Whether this value still is the newest one that was learned, so that the version told with that is still its own. */
  isNewest(name: string, value: SecretValue): boolean {
    const known = this.#items.get(name);
    return known !== undefined && known !== "apart" && known.digest === this.#digest(value);
  }

  /** A read of it alone was refused, so a call for several would be refused because of it: until it is learned again. */
  setApart(name: string): void {
    this.#put(name, "apart");
  }

  isApart(name: string): boolean {
    return this.#items.get(name) === "apart";
  }

  #put(name: string, known: Known | "apart"): void {
    this.#items.delete(name);
    this.#items.set(name, known);
    const [oldest] = this.#items.keys();
    if (oldest !== undefined && this.#items.size > mostItems) this.#items.delete(oldest);
  }

  #digest(value: SecretValue): string {
    return createHmac("sha256", this.#key).update(value.reveal()).digest("base64");
  }
}
