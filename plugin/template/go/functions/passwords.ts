/** Passwords: bcrypt, htpasswd lines, and the ones that a master password and a site's name give. */
import { createHash, createHmac, scryptSync } from "node:crypto";
import bcrypt from "bcryptjs";
import { fail } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn, heavy, volatile } from "../functions.ts";
import type { GoNumber } from "../model.ts";
import type { GoString } from "../text.ts";
import { ascii, bytesOf, concat, isUtf8, textOf } from "../text.ts";
import { stringType, uint32Type } from "../types.ts";
import type { GoType } from "../types.ts";

const bcryptCost = 10;
/** About what a hash or a key derivation costs beside the work of other functions. */
const slowSteps = 10_000;

/** bcrypt's own alphabet for base64. */
const plain64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const bcrypt64 = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function saltText(bytes: Buffer): string {
  const digits = bytes.toString("base64").replace(/=+$/, "");
  return `$2a$${bcryptCost}$${[...digits].map((digit) => bcrypt64.charAt(plain64.indexOf(digit))).join("")}`;
}

/** Like sprig, a password that is too long gives a text that says so. */
function bcryptHash(ctx: CallContext, password: GoString): GoString {
  if (password.length > 72)
    return ascii("failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes");
  if (!isUtf8(password)) fail("bcrypt: the password is not UTF-8 text");
  ctx.charge(slowSteps);
  return ascii(bcrypt.hashSync(textOf(password), saltText(ctx.randomBytes(16))));
}

/** `sha` selects the digest; every other word means bcrypt. Go takes a literal here, no variable. */
const hashAlgorithmType: GoType<GoString> = { name: "sprig.HashAlgorithm", kind: "string" };

function htpasswd(ctx: CallContext, user: GoString, password: GoString, algorithm: GoString): GoString {
  if (user.includes(":")) return concat(ascii("invalid username: "), user);
  const digest = (): GoString => ascii(`{SHA}${createHash("sha1").update(bytesOf(password)).digest("base64")}`);
  return concat(user, ascii(":"), algorithm === "sha" ? digest() : bcryptHash(ctx, password));
}

const vowels = "AEIOUaeiou";
const consonants = "BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
const digits = "0123456789";

/** What a letter of a pattern stands for. */
const characters: ReadonlyMap<string, string> = new Map([
  ["V", vowels.slice(0, 5)],
  ["C", consonants.slice(0, 21)],
  ["v", vowels.slice(5)],
  ["c", consonants.slice(21)],
  ["a", vowels + consonants],
  ["n", digits],
  ["o", "@&%?,=[]_:-+*$#!'^~;()/."],
  ["x", `${vowels}${consonants}${digits}!@#$%^&*()`],
]);

/** The patterns of each kind of password; the seed's first byte chooses one. */
const patterns: ReadonlyMap<string, readonly string[]> = new Map([
  ["maximum", ["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]],
  ["long", longPatterns()],
  ["medium", ["CvcnoCvc", "CvcCvcno"]],
  ["short", ["Cvcn"]],
  ["basic", ["aaanaaan", "aannaaan", "aaannaaa"]],
  ["pin", ["nnnn"]],
]);

/** Three syllables, of which none, one or two are closed, around a digit and a sign after one of them. */
function longPatterns(): string[] {
  const closed = [[], [0], [1], [2], [0, 1], [1, 2], [0, 2]];
  return closed.flatMap((positions) => {
    const syllables = [0, 1, 2].map((position) => (positions.includes(position) ? "Cvcc" : "Cvcv"));
    return [0, 1, 2].map((after) => syllables.map((word, index) => (index === after ? `${word}no` : word)).join(""));
  });
}

const scope = "com.lyndir.masterpassword";

const sized = (text: GoString): Buffer => Buffer.concat([fourBytes(text.length), bytesOf(text)]);

function fourBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

interface Site {
  readonly counter: number;
  readonly kind: GoString;
  readonly password: GoString;
  readonly user: GoString;
  readonly site: GoString;
}

function derivePassword(ctx: CallContext, { counter, kind, password, user, site }: Site): GoString {
  const known = patterns.get(kind);
  if (!known) return concat(ascii("cannot find password template "), kind);
  ctx.charge(slowSteps);
  const salt = Buffer.concat([Buffer.from(scope), sized(user)]);
  const key = scryptSync(bytesOf(password), salt, 64, { N: 32_768, r: 8, p: 2, maxmem: 64 * 1024 * 1024 });
  const message = Buffer.concat([Buffer.from(scope), sized(site), fourBytes(counter)]);
  const seed = createHmac("sha256", key).update(message).digest();
  const pattern = known[seed[0]! % known.length]!;
  const letters = [...pattern].map((letter, index) => {
    const choice = characters.get(letter)!;
    return choice.charAt(seed[index + 1]! % choice.length);
  });
  return ascii(letters.join(""));
}

const counterOf = ({ value }: GoNumber): number => Number(BigInt.asUintN(32, BigInt(value)));

export const passwordFunctions: FunctionTable = {
  bcrypt: heavy(volatile(fn([stringType], ([password], ctx) => bcryptHash(ctx, password)))),
  htpasswd: heavy(
    volatile(
      fn([stringType, stringType, hashAlgorithmType], ([user, password, algorithm], ctx) =>
        htpasswd(ctx, user, password, algorithm),
      ),
    ),
  ),
  derivePassword: heavy(
    fn([uint32Type, stringType, stringType, stringType, stringType], ([counter, kind, password, user, site], ctx) =>
      derivePassword(ctx, { counter: counterOf(counter), kind, password, user, site }),
    ),
  ),
};
