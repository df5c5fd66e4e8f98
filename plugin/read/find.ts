/**
 * The second step of a find: from a listing to one ordinary read for each secret of it that this caller may read.
 *
 * Each name is located and put to the rules before anything is read of it, so what the rules do not allow is neither
 * asked for nor told. The reads themselves are like those of any entry: kept, shared, under the secret's own address.
 */
import { Failure, toFailure } from "../core/failure.ts";
import type { Found, Located, StoreAnswer } from "../stores/contract.ts";
import type { Access } from "./access.ts";
import { foundIn } from "./find-listing.ts";
import type { FindEntry, RefEntry } from "./request.ts";

/** What one caller may read of one store. */
export interface Reach {
  /** Throws Failure `ref_invalid`. */
  locate(entry: RefEntry): Located;
  /** Undefined when the rules do not allow it. */
  access(located: Located): Access | undefined;
  /** Rules name what may be read of this store. */
  readonly ruled: boolean;
}

/** One secret of a listing: its whole value, under its name in the store. */
export interface FoundRead {
  readonly entry: RefEntry;
  readonly access: Access;
  readonly name: string;
}

/** What a find comes to for one caller. */
export interface FoundReads {
  readonly reads: readonly FoundRead[];
  /** How many secrets of the listing the rules keep from this caller. */
  readonly withheld: number;
}

/** What one entry may bring: as many values of 1 KiB fill a Secret. */
const mostFound = 1_000;

/**
 * Throws Failure: `answer_too_large`; `decode_failed` when two secrets have one name; `ref_invalid` for a name that
 * cannot be read.
 */
export function readsOf(entry: FindEntry, listing: StoreAnswer, reach: Reach): FoundReads {
  const found = foundIn(listing);
  const reads = found.flatMap((one) => readOf(entry, one, reach) ?? []);
  const field = `${entry.field}.find`;
  if (reads.length > mostFound)
    throw new Failure(
      "answer_too_large",
      `finds ${reads.length} secrets, and at most ${mostFound} are read at once; narrow it, or make several entries`,
      { field },
    );
  const double = reads.find(({ name }, i) => i > 0 && reads[i - 1]!.name === name);
  if (double)
    throw new Failure("decode_failed", `two of the secrets found are called ${shownName(double.name)}; narrow it`, {
      field,
    });
  return { reads, withheld: found.length - reads.length };
}

/** Undefined when the rules do not allow it. */
function readOf(entry: FindEntry, { name, key, property }: Found, reach: Reach): FoundRead | undefined {
  const { field, store, decoding, nullBytes } = entry;
  const one: RefEntry = {
    ...{ field, store, decoding, nullBytes, optional: true },
    ref: { key, metadataPolicy: "None" },
    ...(property === undefined ? {} : { property }),
    take: { as: "value", name },
  };
  const access = accessTo(one, name, reach);
  return access && { entry: one, access, name };
}

function accessTo(one: RefEntry, name: string, reach: Reach): Access | undefined {
  let located: Located;
  try {
    located = reach.locate(one);
  } catch (thrown) {
    // No rule can allow what has no address, and then its name is not this caller's to know.
    if (reach.ruled) return undefined;
    throw ofFound(name, toFailure(thrown));
  }
  return reach.access(located);
}

/** A failure that says of which of the secrets found it is. */
export function ofFound(name: string, failure: Failure): Failure {
  const { code, message, field, retryAfterMs } = failure;
  return new Failure(code, `found ${shownName(name)}: ${message}`, {
    cause: failure,
    ...(field === undefined ? {} : { field }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function shownName(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
