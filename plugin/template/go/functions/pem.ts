/** Parts of PEM texts: blocks of a type, certificates by their place in the chain, a certificate's names. */
import { fail, GoError } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, join, textOf } from "../text.ts";
import { stringType } from "../types.ts";
import { stringSlice } from "../values.ts";
import type { GoSlice } from "../values.ts";
import { certificatePem, certificatePems, certificatesIn, orderedChain } from "./pem-chain.ts";
import { fromFirstBegin, pemBlockAt, pemBlocks, pemText } from "./pem-blocks.ts";
import type { Certificate } from "./x509-read.ts";
import { parseCertificate } from "./x509-read.ts";

function filterPem(ctx: CallContext, type: GoString, source: GoString): GoString {
  const text = fromFirstBegin(source);
  const { blocks, rest } = pemBlocks(ctx, text);
  const same = (other: GoString): boolean => textOf(other).toLowerCase() === textOf(type).toLowerCase();
  const kept = blocks.filter((block) => same(block.type));
  if (kept.length === 0 && rest < text.length) fail("error filtering pem: found junk");
  return join(
    kept.map((block) => pemText(ctx, block.type, block.bytes, block.headers)),
    ascii(""),
  );
}

/** A root names no issuer's key, or its own. */
const isRoot = ({ authorityKeyId, subjectKeyId }: Certificate): boolean =>
  !authorityKeyId || authorityKeyId.equals(subjectKeyId ?? Buffer.alloc(0));

function filterCertChain(ctx: CallContext, which: GoString, text: GoString): GoString {
  const chain = orderedChain(certificatesIn(ctx, text));
  const leaf = chain[0]!;
  const last = chain.at(-1)!;
  switch (which as string) {
    case "leaf":
      return isRoot(leaf) ? ascii("") : certificatePem(ctx, leaf);
    case "intermediate": {
      const above = chain.slice(1);
      const root = above.findIndex(isRoot);
      return certificatePems(ctx, root < 0 ? above : above.slice(0, root));
    }
    case "root":
      return isRoot(last) ? certificatePem(ctx, last) : ascii("");
    default:
      return ascii("");
  }
}

function certSans(ctx: CallContext, text: GoString): GoSlice {
  const found = pemBlockAt(ctx, fromFirstBegin(text));
  if (!found) return fail("failed to decode PEM block");
  const { dns, ips, emails, uris } = parsed(found.block.bytes).otherNames;
  return stringSlice([...dns, ...ips, ...emails, ...uris]);
}

function parsed(der: Buffer): Certificate {
  try {
    return parseCertificate(der);
  } catch (thrown) {
    if (thrown instanceof GoError) fail(`failed to parse certificate: ${thrown.message}`);
    throw thrown;
  }
}

export const pemFunctions: FunctionTable = {
  filterPEM: fn([stringType, stringType], ([type, text], ctx) => filterPem(ctx, type, text)),
  filterCertChain: fn([stringType, stringType], ([which, text], ctx) => filterCertChain(ctx, which, text)),
  certSANs: fn([stringType], ([text], ctx) => certSans(ctx, text)),
};
