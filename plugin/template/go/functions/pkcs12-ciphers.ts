/** How PKCS#12 files are encrypted and protected: keys from passwords, ciphers, message codes. */
import { createCipheriv, createDecipheriv, createHmac, hash, pbkdf2Sync } from "node:crypto";
import { fail, secret } from "../errors.ts";
import type { Meter } from "../functions.ts";
import type { GoString } from "../text.ts";
import { bytesOf, fromRune, join, runesOf, ascii } from "../text.ts";
import { asn1Problem } from "./asn1-problems.ts";
import { DerReader, elementAt, tags } from "./der-read.ts";
import { decryptRc2 } from "./pkcs12-rc2.ts";

export type HashName = "sha1" | "sha256" | "sha512";

/** A password in the two forms that PKCS#12 knows. */
export interface Password {
  /** Two bytes a character, ended by two zeros; nothing at all for the empty password of some programs. */
  readonly wide: Buffer;
  readonly utf8: Buffer;
}

/** UCS-2, without an end. */
export function wideText(text: GoString): Buffer {
  const runes = runesOf(text);
  if (runes.some((rune) => rune > 0xffff)) fail("pkcs12: string contains characters that cannot be encoded in UCS-2");
  const bytes = Buffer.alloc(runes.length * 2);
  for (const [index, rune] of runes.entries()) bytes.writeUInt16BE(rune, index * 2);
  return bytes;
}

export function passwordOf(text: GoString): Password {
  const utf8 = bytesOf(join(runesOf(text).map(fromRune), ascii("")));
  return { wide: Buffer.concat([wideText(text), Buffer.alloc(2)]), utf8 };
}

/** An algorithm as the file names it. */
export interface Algorithm {
  readonly id: string;
  readonly parameters: Buffer | undefined;
}

export function algorithmOf(reader: DerReader | undefined): Algorithm {
  const id = reader?.oid() ?? fail("asn1: structure error");
  return { id, parameters: reader?.element()?.whole };
}

/** One step is about so many rounds of a native hash. */
const roundsPerStep = 4;

/** What a file may ask for is bounded by the budget of steps: native code cannot be stopped. */
function payRounds(meter: Meter, rounds: number, blocks = 1): void {
  meter.charge(Math.ceil((rounds * blocks) / roundsPerStep));
}

/** The content of a SEQUENCE that parameters must be. */
const parametersOf = ({ parameters }: Algorithm): DerReader =>
  (parameters && new DerReader(parameters).inside()) ?? fail(asn1Problem(parameters ?? Buffer.alloc(0), ""));

const hashBytes: Readonly<Record<HashName, { readonly digest: number; readonly block: number }>> = {
  sha1: { digest: 20, block: 64 },
  sha256: { digest: 32, block: 64 },
  sha512: { digest: 64, block: 128 },
};

const repeated = (bytes: Buffer, block: number): Buffer =>
  Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes.length > 0 ? bytes : undefined);

/** Adds a block and one to each block, in place. */
function addToBlocks(blocks: Buffer, addend: Buffer): void {
  for (let from = 0; from < blocks.length; from += addend.length) {
    let carry = 1;
    for (let at = addend.length - 1; at >= 0; at--) {
      const sum = blocks[from + at]! + addend[at]! + carry;
      blocks[from + at] = sum & 0xff;
      carry = sum >> 8;
    }
  }
}

export interface Derivation {
  readonly hash: HashName;
  readonly salt: Buffer;
  readonly rounds: number;
}

/** What derived bytes are for. */
export const purpose = { key: 1, iv: 2, mac: 3 } as const;

/** PKCS#12's own key derivation (RFC 7292, appendix B). */
export function derive(
  meter: Meter,
  { hash: name, salt, rounds }: Derivation,
  wide: Buffer,
  what: { readonly purpose: number; readonly bytes: number },
): Buffer {
  const { digest, block } = hashBytes[name];
  const diversifier = Buffer.alloc(block, what.purpose);
  const input = Buffer.concat([repeated(salt, block), repeated(wide, block)]);
  const parts: Buffer[] = [];
  for (let made = 0; made < what.bytes; made += digest) {
    payRounds(meter, rounds);
    let part = hash(name, Buffer.concat([diversifier, input]), "buffer");
    for (let round = 1; round < rounds; round++) part = hash(name, part, "buffer");
    parts.push(part);
    addToBlocks(input, Buffer.alloc(block, part));
  }
  return Buffer.concat(parts).subarray(0, what.bytes);
}

const pseudoRandom: ReadonlyMap<string, HashName> = new Map([
  ["1.2.840.113549.2.7", "sha1"],
  ["1.2.840.113549.2.9", "sha256"],
  ["1.2.840.113549.2.11", "sha512"],
]);

export interface Pbkdf2 extends Derivation {
  /** Absent where the cipher says it. */
  readonly bytes: number | undefined;
}

/** PBKDF2's parameters; `scheme` is what asks for it, in Go's words. */
export function pbkdf2Of(reader: DerReader | undefined, scheme: string): Pbkdf2 {
  const algorithm = algorithmOf(reader);
  if (algorithm.id !== "1.2.840.113549.1.5.12")
    fail(`pkcs12: ${scheme} ${scheme === "pbes2" ? "kdf" : "KDF"} algorithm ${secret(algorithm.id)} is not supported`);
  const inside = parametersOf(algorithm);
  const salt = inside.element() ?? fail("asn1: syntax error: sequence truncated");
  if (salt.tag !== tags.octetString)
    fail(`pkcs12: only octet string salts are supported for ${scheme === "pbes2" ? "pbes2/pbkdf2" : "PBMAC1/PBKDF2"}`);
  const rounds = inside.integer() ?? fail("asn1: structure error: integer too large");
  const bytes = inside.integer();
  const prf = inside.inside();
  const prfId = prf ? algorithmOf(prf).id : "1.2.840.113549.2.7";
  const name =
    pseudoRandom.get(prfId) ??
    fail(`pkcs12: ${scheme} ${scheme === "pbes2" ? "prf" : "PRF"} ${secret(prfId)} is not supported`);
  return { hash: name, salt: salt.content, rounds, bytes };
}

export function pbkdf2(meter: Meter, { hash: name, salt, rounds }: Derivation, utf8: Buffer, bytes: number): Buffer {
  meter.produce(bytes);
  payRounds(meter, rounds, Math.ceil(bytes / hashBytes[name].digest));
  return pbkdf2Sync(utf8, salt, Math.max(rounds, 1), bytes, name);
}

/** PBES2's AES ciphers and the bytes of their keys. */
const aes: ReadonlyMap<string, { readonly cipher: string; readonly bytes: number }> = new Map([
  ["2.16.840.1.101.3.4.1.2", { cipher: "aes-128-cbc", bytes: 16 }],
  ["2.16.840.1.101.3.4.1.22", { cipher: "aes-192-cbc", bytes: 24 }],
  ["2.16.840.1.101.3.4.1.42", { cipher: "aes-256-cbc", bytes: 32 }],
]);

/** The old ciphers, all with SHA-1. */
const old: ReadonlyMap<string, { readonly cipher: "3des" | "rc2"; readonly bytes: number }> = new Map([
  ["1.2.840.113549.1.12.1.3", { cipher: "3des", bytes: 24 }],
  ["1.2.840.113549.1.12.1.5", { cipher: "rc2", bytes: 16 }],
  ["1.2.840.113549.1.12.1.6", { cipher: "rc2", bytes: 5 }],
]);

interface Opened {
  readonly block: number;
  readonly decrypt: (encrypted: Buffer) => Buffer;
}

const native =
  (cipher: string, key: Buffer, iv: Buffer) =>
  (encrypted: Buffer): Buffer => {
    const decipher = createDecipheriv(cipher, key, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  };

function openPbes2(meter: Meter, algorithm: Algorithm, password: Password): Opened {
  const reader = parametersOf(algorithm);
  const derivation = pbkdf2Of(reader.inside(), "pbes2");
  const scheme = algorithmOf(reader.inside());
  const found = aes.get(scheme.id) ?? fail(`pkcs12: pbes2 algorithm ${secret(scheme.id)} is not supported`);
  const iv = (scheme.parameters && elementAt(scheme.parameters, 0)?.content) ?? Buffer.alloc(0);
  if (iv.length !== 16) fail("cipher.NewCBCDecrypter: IV length must equal block size");
  return { block: 16, decrypt: native(found.cipher, pbkdf2(meter, derivation, password.utf8, found.bytes), iv) };
}

function openOld(meter: Meter, algorithm: Algorithm, password: Password): Opened {
  const found = old.get(algorithm.id) ?? fail(`pkcs12: pbe algorithm ${secret(algorithm.id)} is not supported`);
  const reader = parametersOf(algorithm);
  const salt = reader.content(tags.octetString) ?? fail("asn1: structure error");
  const rounds = reader.integer() ?? fail("asn1: structure error: integer too large");
  const from: Derivation = { hash: "sha1", salt, rounds };
  const key = derive(meter, from, password.wide, { purpose: purpose.key, bytes: found.bytes });
  const iv = derive(meter, from, password.wide, { purpose: purpose.iv, bytes: 8 });
  if (found.cipher === "3des") return { block: 8, decrypt: native("des-ede3-cbc", key, iv) };
  return { block: 8, decrypt: (encrypted) => decryptRc2(key, iv, encrypted) };
}

const isPbes2 = ({ id }: Algorithm): boolean => id === "1.2.840.113549.1.5.13";

/** Decrypts with a password. Fails with go-pkcs12's texts. */
export function decrypt(meter: Meter, algorithm: Algorithm, password: Password, encrypted: Buffer): Buffer {
  const open = isPbes2(algorithm) ? openPbes2 : openOld;
  const { block, decrypt: run } = open(meter, algorithm, password);
  if (encrypted.length === 0) fail("pkcs12: empty encrypted data");
  if (encrypted.length % block !== 0) fail("pkcs12: input is not a multiple of the block size");
  meter.produce(encrypted.length);
  meter.charge(encrypted.length >> 4);
  const plain = run(encrypted);
  const padding = plain.at(-1)!;
  const padded = plain.subarray(plain.length - padding);
  if (padding === 0 || padding > block || padded.some((byte) => byte !== padding))
    fail("pkcs12: decryption error, incorrect padding");
  return plain.subarray(0, plain.length - padding);
}

export const encryptAes256 = (key: Buffer, iv: Buffer, plain: Buffer): Buffer => {
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  return Buffer.concat([cipher.update(plain), cipher.final()]);
};

export const hmac = (name: HashName, key: Buffer, message: Buffer): Buffer =>
  createHmac(name, key).update(message).digest();
