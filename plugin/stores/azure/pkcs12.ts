/** PKCS#12 files (PFX) without a password, as vaults keep and hand out certificates. Import it when it is used. */
import { X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { Failure } from "../../core/failure.ts";
import { readPkcs12 } from "../../template/go/functions/pkcs12-read.ts";
import { ascii, fromBytes } from "../../template/go/text.ts";

export interface Bundle {
  readonly key: KeyObject;
  /** As the file has them. */
  readonly certificates: readonly X509Certificate[];
}

/** Throws what `invalid` makes of a problem; the reader's own texts may quote the file. */
export function openPkcs12(file: Buffer, invalid: (problem: string) => Failure): Bundle {
  try {
    const meter = createMeter(() => invalid("it takes too much work to open"));
    const { key, certificates } = readPkcs12(meter, fromBytes(file), ascii(""));
    return { key: key.key, certificates: certificates.map(({ raw }) => new X509Certificate(raw)) };
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    throw invalid("it is no PKCS#12 (PFX) without a password");
  }
}

/** Steps of the reader: some hundred thousand rounds of a password's hash. */
const mostSteps = 500_000;

function createMeter(overrun: () => Failure) {
  let left = mostSteps;
  return {
    charge(steps: number): void {
      left -= steps;
      if (left < 0) throw overrun();
    },
    produce: () => undefined,
  };
}
