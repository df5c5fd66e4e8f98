/**
 * The order of certificates: leaf, intermediates, root, told by their key identifiers alone.
 *
 * Nothing is verified: neither signatures nor dates. A chain that has an order is not thereby one to trust.
 */
import { fail } from "../errors.ts";
import type { Meter } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, join } from "../text.ts";
import { pemBlocks, pemText } from "./pem-blocks.ts";
import type { Certificate } from "./x509-read.ts";
import { parseCertificate } from "./x509-read.ts";

const idOf = (bytes: Buffer | undefined): string => bytes?.toString("hex") ?? "";

/** For each certificate the first other one whose key signed it, or undefined. No identifier equals none. */
function parentsOf(certificates: readonly Certificate[]): (number | undefined)[] {
  const byKeyId = new Map<string, number[]>();
  for (const [index, { subjectKeyId }] of certificates.entries()) {
    const id = idOf(subjectKeyId);
    const same = byKeyId.get(id);
    if (!same) byKeyId.set(id, [index]);
    else if (same.length < 2) same.push(index);
  }
  return certificates.map(({ authorityKeyId }, own) =>
    byKeyId.get(idOf(authorityKeyId))?.find((index) => index !== own),
  );
}

/** The one chain that they are, leaf first; fails when they are none or several. */
export function orderedChain(certificates: readonly Certificate[]): Certificate[] {
  const parents = parentsOf(certificates);
  const isParent = new Set(parents);
  const leaves = certificates.flatMap((_, index) => (isParent.has(index) ? [] : [index]));
  if (leaves.length > 1) fail("found multiple leaf or disjunct certificates");
  if (leaves.length === 0) fail("no leaf certificate found");
  const chain: Certificate[] = [];
  for (let at = leaves[0]; at !== undefined; at = parents[at]) {
    if (chain.length >= certificates.length) fail("constructing chain resulted in cycle");
    chain.push(certificates[at]!);
  }
  return chain;
}

/** About what reading one costs beside the work of other functions. */
const stepsPerCertificate = 32;

/** Every PEM block of the text as a certificate. */
export function certificatesIn(meter: Meter, text: GoString): Certificate[] {
  const { blocks } = pemBlocks(meter, text);
  return blocks.map(({ bytes }) => {
    meter.charge(stepsPerCertificate);
    return parseCertificate(bytes);
  });
}

export const certificatePem = (meter: Meter, { raw }: Certificate): GoString =>
  pemText(meter, ascii("CERTIFICATE"), raw);

export const certificatePems = (meter: Meter, certificates: readonly Certificate[]): GoString =>
  join(
    certificates.map((certificate) => certificatePem(meter, certificate)),
    ascii(""),
  );
