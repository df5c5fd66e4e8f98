/** sprig's certificates: new ones, and those that are given. `.Cert` and `.Key` are PEM. */
import { fail, GoError, secret } from "../errors.ts";
import type { CallContext, FunctionTable, GoFunction } from "../functions.ts";
import { fn, heavy, volatile } from "../functions.ts";
import { printed } from "../print.ts";
import type { GoString } from "../text.ts";
import { ascii, fromBytes } from "../text.ts";
import { anySliceType, intType, namedType, stringType } from "../types.ts";
import { GoObject } from "../values.ts";
import type { GoSlice } from "../values.ts";
import { decodedBase64 } from "./base64.ts";
import { chargeTree } from "./costs.ts";
import { parseIp } from "./ip-addresses.ts";
import { newRsaKey } from "./keys.ts";
import type { PrivateKey } from "./keys-parse.ts";
import { parsePrivateKeyPem } from "./keys-parse.ts";
import { keyPem } from "./keys-write.ts";
import { pemBlockAt, pemText } from "./pem-blocks.ts";
import { parseCertificate } from "./x509-read.ts";
import type { Certificate } from "./x509-read.ts";
import type { NewCertificate } from "./x509-write.ts";
import { createCertificate } from "./x509-write.ts";

interface Pair {
  readonly cert: GoString;
  readonly key: GoString;
}

/** sprig.certificate */
const certificateType = namedType<GoObject<Pair>>("sprig.certificate", "struct", {
  fields: { Cert: ({ state }) => state.cert, Key: ({ state }) => state.key },
});

const pairOf = (cert: GoString, key: GoString): GoObject => new GoObject<Pair>(certificateType, { cert, key });

function wrapping<Result>(prefix: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof GoError) fail(prefix + thrown.message);
    throw thrown;
  }
}

function firstCertificate(ctx: CallContext, pem: GoString, name: string): Certificate {
  const found = pemBlockAt(ctx, pem);
  if (!found) return fail("unable to decode certificate");
  return wrapping(`error parsing certificate: ${name}.Bytes: `, () => parseCertificate(found.block.bytes));
}

function buildCustomCert(ctx: CallContext, cert64: GoString, key64: GoString): GoObject {
  const cert = fromBytes(decodedBase64(ctx, cert64, "unable to decode base64 certificate"));
  const key = fromBytes(decodedBase64(ctx, key64, "unable to decode base64 private key"));
  firstCertificate(ctx, cert, "decodedCert");
  wrapping("error parsing private key: ", () => parsePrivateKeyPem(ctx, key));
  return pairOf(cert, key);
}

function texts(ctx: CallContext, list: GoSlice, problem: string): GoString[] {
  chargeTree(ctx, list);
  return list.items.map((item) =>
    typeof item === "string" ? item : fail(`${problem}: ${secret(printed(item, ctx))} is not a string`),
  );
}

function wantedOf(
  ctx: CallContext,
  name: GoString,
  days: bigint,
  names?: { readonly ips: GoSlice; readonly dns: GoSlice },
): NewCertificate {
  if (!names) return { name, days, isCa: true, dns: [], ips: [] };
  const ips = texts(ctx, names.ips, "error parsing ip").map(
    (text) => parseIp(text) ?? fail(`error parsing ip: ${secret(text)}`),
  );
  return { name, days, isCa: false, ips, dns: texts(ctx, names.dns, "error processing alternate dns name") };
}

type Signer = Parameters<typeof createCertificate>[3];

function made(ctx: CallContext, wanted: NewCertificate, key: PrivateKey, signer: Signer = { key }): GoObject {
  const der = wrapping("error creating certificate: ", () => createCertificate(ctx, wanted, key, signer));
  return pairOf(pemText(ctx, ascii("CERTIFICATE"), der), keyPem(ctx, key));
}

function signerOf(ctx: CallContext, ca: Pair): Signer {
  const issuer = firstCertificate(ctx, ca.cert, "decodedSignerCert");
  return { issuer, key: wrapping("error parsing private key: ", () => parsePrivateKeyPem(ctx, ca.key)) };
}

const givenKey = (ctx: CallContext, pem: GoString): PrivateKey =>
  wrapping("parsing private key: ", () => parsePrivateKeyPem(ctx, pem));

const stateOf = (certificate: GoObject): Pair => certificate.state as Pair;
const newOne = (base: GoFunction): GoFunction => heavy(volatile(base));

export const certificateFunctions: FunctionTable = {
  buildCustomCert: fn([stringType, stringType], ([cert, key], ctx) => buildCustomCert(ctx, cert, key)),
  genCA: newOne(
    fn([stringType, intType], ([name, days], ctx) => made(ctx, wantedOf(ctx, name, days), newRsaKey(ctx, 2048))),
  ),
  genCAWithKey: newOne(
    fn([stringType, intType, stringType], ([name, days, key], ctx) =>
      made(ctx, wantedOf(ctx, name, days), givenKey(ctx, key)),
    ),
  ),
  genSelfSignedCert: newOne(
    fn([stringType, anySliceType, anySliceType, intType], ([name, ips, dns, days], ctx) =>
      made(ctx, wantedOf(ctx, name, days, { ips, dns }), newRsaKey(ctx, 2048)),
    ),
  ),
  genSelfSignedCertWithKey: newOne(
    fn([stringType, anySliceType, anySliceType, intType, stringType], ([name, ips, dns, days, pem], ctx) => {
      const key = givenKey(ctx, pem);
      return made(ctx, wantedOf(ctx, name, days, { ips, dns }), key);
    }),
  ),
  genSignedCert: newOne(
    fn([stringType, anySliceType, anySliceType, intType, certificateType], ([name, ips, dns, days, ca], ctx) => {
      const signer = signerOf(ctx, stateOf(ca));
      return made(ctx, wantedOf(ctx, name, days, { ips, dns }), newRsaKey(ctx, 2048), signer);
    }),
  ),
  genSignedCertWithKey: newOne(
    fn(
      [stringType, anySliceType, anySliceType, intType, certificateType, stringType],
      ([name, ips, dns, days, ca, pem], ctx) => {
        const key = givenKey(ctx, pem);
        const signer = signerOf(ctx, stateOf(ca));
        return made(ctx, wantedOf(ctx, name, days, { ips, dns }), key, signer);
      },
    ),
  ),
};
