/** The message code that tells whether a PKCS#12 file is whole and its password right. */
import { timingSafeEqual } from "node:crypto";
import { fail, GoError, secret } from "../errors.ts";
import type { Meter } from "../functions.ts";
import { DerReader, tags } from "./der-read.ts";
import { algorithmOf, derive, hmac, passwordOf, pbkdf2, pbkdf2Of, purpose } from "./pkcs12-ciphers.ts";
import type { Algorithm, HashName, Password } from "./pkcs12-ciphers.ts";
import { ascii } from "../text.ts";

export interface Mac {
  readonly algorithm: Algorithm;
  readonly digest: Buffer;
  readonly salt: Buffer;
  readonly rounds: number;
}

const digests: ReadonlyMap<string, HashName> = new Map([
  ["1.3.14.3.2.26", "sha1"],
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
]);

const codes: ReadonlyMap<string, HashName> = new Map([
  ["1.2.840.113549.2.7", "sha1"],
  ["1.2.840.113549.2.9", "sha256"],
  ["1.2.840.113549.2.11", "sha512"],
]);

const digestLength: Readonly<Record<HashName, number>> = { sha1: 20, sha256: 32, sha512: 64 };

export function readMac(reader: DerReader): Mac {
  const info = reader.inside() ?? fail("asn1: structure error");
  const algorithm = algorithmOf(info.inside());
  const digest = info.content(tags.octetString) ?? fail("asn1: structure error");
  return {
    algorithm,
    digest,
    salt: reader.content(tags.octetString) ?? Buffer.alloc(0),
    rounds: reader.done ? 1 : (reader.integer() ?? fail("asn1: structure error: integer too large")),
  };
}

/** RFC 9579: the whole derivation stands in the algorithm's parameters. */
function modernCode(meter: Meter, { parameters }: Algorithm, message: Buffer, utf8: Buffer): Buffer {
  const reader = (parameters && new DerReader(parameters).inside()) ?? fail("error decoding PBMAC1 parameters: asn1");
  const derivation = pbkdf2Of(reader.inside(), "PBMAC1");
  const { id } = algorithmOf(reader.inside());
  const name = codes.get(id) ?? fail(`pkcs12: PBMAC1 MAC algorithm ${secret(id)} is not supported`);
  const bytes = derivation.bytes ?? 0;
  if (bytes <= 0) fail("pkcs12: PBMAC1 requires explicit KeyLength parameter in PBKDF2 parameters");
  return hmac(name, pbkdf2(meter, derivation, utf8, bytes), message);
}

function codeOf(meter: Meter, { algorithm, salt, rounds }: Mac, message: Buffer, password: Password): Buffer {
  if (algorithm.id === "1.2.840.113549.1.5.14") return modernCode(meter, algorithm, message, password.utf8);
  const name = digests.get(algorithm.id) ?? fail(`pkcs12: MAC digest algorithm not supported: ${secret(algorithm.id)}`);
  const what = { purpose: purpose.mac, bytes: digestLength[name] };
  return hmac(name, derive(meter, { hash: name, salt, rounds }, password.wide, what), message);
}

const isRight = (meter: Meter, mac: Mac, message: Buffer, password: Password): boolean => {
  const code = codeOf(meter, mac, message, password);
  return code.length === mac.digest.length && timingSafeEqual(code, mac.digest);
};

/**
 * The password in the form with which the file was made: an empty one is either two zeros or nothing.
 * Fails when the code is wrong, or when there is none and a password was given.
 */
export function checkedPassword(meter: Meter, mac: Mac | undefined, message: Buffer, password: Password): Password {
  const isEmpty = password.utf8.length === 0;
  if (!mac) return isEmpty ? password : fail("pkcs12: no MAC in data");
  if (isRight(meter, mac, message, password)) return password;
  const nothing: Password = { ...passwordOf(ascii("")), wide: Buffer.alloc(0) };
  if (isEmpty && isRight(meter, mac, message, nothing)) return nothing;
  throw new GoError("pkcs12: decryption password incorrect");
}
