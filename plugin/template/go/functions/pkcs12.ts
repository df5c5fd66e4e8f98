/** PKCS#12 files into PEM and back. Files made are base64; files read are bytes. */
import { fail, GoError } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn, heavy, volatile } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { stringType } from "../types.ts";
import { parsePrivateKey } from "./keys-parse.ts";
import { pkcs8Of } from "./keys-write.ts";
import { pemBlockAt, pemText } from "./pem-blocks.ts";
import { certificatePems, orderedChain } from "./pem-chain.ts";
import { readPkcs12 } from "./pkcs12-read.ts";
import type { Chain } from "./pkcs12-read.ts";
import { writePkcs12, writeTrustStore } from "./pkcs12-write.ts";
import { parseCertificate } from "./x509-read.ts";
import type { Certificate } from "./x509-read.ts";

const noPassword = ascii("");

/** What Go panics with when a text that must hold a PEM block holds none. */
const noBlock = "runtime error: invalid memory address or nil pointer dereference";

function chainOf(ctx: CallContext, what: string, password: GoString, file: GoString): Chain {
  try {
    return readPkcs12(ctx, file, password);
  } catch (thrown) {
    if (thrown instanceof GoError) fail(`unable to decode ${what} with password: ${thrown.message}`);
    throw thrown;
  }
}

const keyOf = (ctx: CallContext, password: GoString, file: GoString): GoString =>
  pemText(ctx, ascii("PRIVATE KEY"), pkcs8Of(chainOf(ctx, "pkcs12", password, file).key));

/** In the order leaf to root where there is one, else in the file's. */
function certificatesOf(ctx: CallContext, password: GoString, file: GoString): GoString {
  const { certificates } = chainOf(ctx, "pkcs12 certificate", password, file);
  return certificatePems(ctx, ordered(certificates));
}

function ordered(certificates: readonly Certificate[]): readonly Certificate[] {
  try {
    return orderedChain(certificates);
  } catch (thrown) {
    if (thrown instanceof GoError) return certificates;
    throw thrown;
  }
}

/** The certificates of all blocks from `from` on; whatever follows the last one must be none. */
function certificatesFrom(ctx: CallContext, text: GoString, from: number): Certificate[] {
  const certificates: Certificate[] = [];
  for (let at = from; at < text.length;) {
    const found = pemBlockAt(ctx, text, at) ?? fail(noBlock);
    certificates.push(parseCertificate(found.block.bytes));
    at = found.rest;
  }
  return certificates;
}

interface Parts {
  readonly certificates: GoString;
  readonly key: GoString;
  readonly password: GoString;
  /** Whether what follows the first certificate goes into the file too. */
  readonly withChain: boolean;
}

function fileOf(ctx: CallContext, { certificates, key, password, withChain }: Parts): GoString {
  const first = pemBlockAt(ctx, certificates) ?? fail(noBlock);
  const own = parseCertificate(first.block.bytes);
  const others = withChain ? certificatesFrom(ctx, certificates, first.rest) : [];
  const keyBlock = pemBlockAt(ctx, key) ?? fail(noBlock);
  return inBase64(ctx, writePkcs12(ctx, parsePrivateKey(keyBlock.block.bytes), { own, others }, password));
}

function inBase64(ctx: CallContext, file: Buffer): GoString {
  ctx.produce(Math.ceil(file.length / 3) * 4);
  return ascii(file.toString("base64"));
}

const trustStoreOf = (ctx: CallContext, certificates: GoString, password: GoString): GoString =>
  inBase64(ctx, writeTrustStore(ctx, certificatesFrom(ctx, certificates, 0), password));

const one = [stringType] as const;
const two = [stringType, stringType] as const;
const three = [stringType, stringType, stringType] as const;

const toFile = (withChain: boolean) =>
  heavy(
    volatile(
      fn(two, ([certificates, key], ctx) => fileOf(ctx, { certificates, key, password: noPassword, withChain })),
    ),
  );
const toFileWithPassword = (withChain: boolean) =>
  heavy(
    volatile(
      fn(three, ([certificates, key, password], ctx) => fileOf(ctx, { certificates, key, password, withChain })),
    ),
  );

export const pkcs12Functions: FunctionTable = {
  pkcs12key: heavy(fn(one, ([file], ctx) => keyOf(ctx, noPassword, file))),
  pkcs12keyPass: heavy(fn(two, ([password, file], ctx) => keyOf(ctx, password, file))),
  pkcs12cert: heavy(fn(one, ([file], ctx) => certificatesOf(ctx, noPassword, file))),
  pkcs12certPass: heavy(fn(two, ([password, file], ctx) => certificatesOf(ctx, password, file))),
  pemToPkcs12: toFile(false),
  pemToPkcs12Pass: toFileWithPassword(false),
  fullPemToPkcs12: toFile(true),
  fullPemToPkcs12Pass: toFileWithPassword(true),
  pemTruststoreToPKCS12: heavy(volatile(fn(one, ([certificates], ctx) => trustStoreOf(ctx, certificates, noPassword)))),
  pemTruststoreToPKCS12Pass: heavy(
    volatile(fn(two, ([certificates, password], ctx) => trustStoreOf(ctx, certificates, password))),
  ),
};
