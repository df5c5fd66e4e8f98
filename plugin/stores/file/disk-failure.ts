/** What the errors of reading a disk mean for a store. */
import { Failure, type FailureCode } from "../../core/failure.ts";

export function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
}

/** Nothing of that name: also when a file stands where the path needs a folder. */
export function isAbsent(thrown: unknown): boolean {
  return errnoOf(thrown) === "ENOENT" || errnoOf(thrown) === "ENOTDIR";
}

const codes: Readonly<Record<string, FailureCode>> = {
  EACCES: "store_denied",
  EPERM: "store_denied",
  ENAMETOOLONG: "ref_invalid",
  EHOSTDOWN: "store_unreachable",
  ENOTCONN: "store_unreachable",
  ESTALE: "store_unreachable",
  ETIMEDOUT: "store_timeout",
};

const waysOut: Readonly<Record<string, string>> = {
  store_denied: "; let the user of this process read it",
  ref_invalid: "; choose a shorter key",
};

/** A Failure passes as it is; any other error keeps its errno, never its text: that repeats the whole path. */
export function diskFailure(what: string, thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const errno = errnoOf(thrown);
  const code = codes[errno ?? ""] ?? "store_error";
  return new Failure(code, `${what} cannot be read (${errno ?? "unexpected error"})${waysOut[code] ?? ""}`, {
    cause: thrown,
  });
}
