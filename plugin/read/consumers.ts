/**
 * Which consumers wait for which answers, so that one fetch that brings a new version makes all of them due.
 * The reader registers every sync read here; sync listens.
 */
import type { ExternalSecretCaller } from "./caller.ts";

export interface ConsumerDue {
  readonly consumer: ExternalSecretCaller;
  /** Monotonic milliseconds: an answer fetched from here on is new enough for this due time. */
  readonly acceptBegunFromMs: number;
}

export interface Consumers {
  /** Calls back for each consumer of an answer whose version changed, but not for the one whose read brought it. */
  onDue(listener: (due: ConsumerDue) => void): () => void;
  forget(consumer: ExternalSecretCaller): void;
}
