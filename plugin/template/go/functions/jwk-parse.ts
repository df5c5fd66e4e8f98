/** JSON Web Keys, checked as the jwx library checks them, with its complaints. */
import { fail, GoError, secret } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { anyMap, GoMap, kindOf } from "../values.ts";
import type { GoValue } from "../values.ts";
import { decodeFirstJson } from "./json-decode.ts";

export type KeyType = "RSA" | "EC" | "OKP" | "oct";

export interface Jwk {
  readonly type: KeyType;
  readonly isPrivate: boolean;
  /** The curve; empty where the type has none. */
  readonly curve: GoString;
  /** A number or a key that the type requires, or that is there. */
  readonly bytes: (name: string) => Buffer;
  readonly has: (name: string) => boolean;
}

interface Shape {
  /** jwx's name of the struct, without Key at its end and its visibility. */
  readonly struct: string;
  readonly required: readonly string[];
  /** Members in base64. */
  readonly binary: readonly string[];
}

const rsaNumbers = ["d", "dp", "dq", "e", "n", "p", "q", "qi"];

const shapes: Readonly<Record<KeyType, Shape>> = {
  RSA: { struct: "rsa", required: ["e", "n"], binary: rsaNumbers },
  EC: { struct: "ecdsa", required: ["crv", "x", "y"], binary: ["d", "x", "y"] },
  OKP: { struct: "okp", required: ["crv", "x"], binary: ["d", "x"] },
  oct: { struct: "symmetric", required: ["k"], binary: ["k"] },
};

const endOfInput = "unexpected end of JSON input";

const wrong = (what: string): never => fail(`failed to unmarshal JSON into key hint: ${what}`);

/** What the text is in JSON. */
function jsonIn(ctx: CallContext, text: GoString): GoValue {
  try {
    return decodeFirstJson(ctx, text);
  } catch (thrown) {
    if (!(thrown instanceof GoError)) throw thrown;
    if (thrown.message !== endOfInput) return wrong(thrown.message);
    return wrong(text.trim() === "" ? "EOF" : "unexpected EOF");
  }
}

function objectIn(ctx: CallContext, text: GoString): GoMap {
  const value = jsonIn(ctx, text) ?? anyMap();
  if (value instanceof GoMap) return value;
  return wrong(`json: cannot unmarshal ${jsonKind(kindOf(value))} into Go value of type ${hintType}`);
}

const hintType = String.raw`struct { Kty string "json:\"kty\""; D json.RawMessage "json:\"d\"" }`;

const jsonKinds: ReadonlyMap<string, string> = new Map([
  ["slice", "array"],
  ["float64", "number"],
]);
const jsonKind = (kind: string): string => jsonKinds.get(kind) ?? kind;

function typeIn(object: GoMap): KeyType {
  const type = object.entries.get(ascii("kty")) ?? "";
  if (typeof type !== "string")
    wrong(`json: cannot unmarshal ${jsonKind(kindOf(type))} into Go struct field .kty of type string`);
  const known = Object.keys(shapes).find((name) => name === type);
  return (known as KeyType | undefined) ?? fail(`invalid key type from JSON (${secret(type as string)})`);
}

/** Padded or not, with the letters of one alphabet: those of URLs unless `+` or `/` occurs. Newlines may stand anywhere. */
function isBase64(text: string): boolean {
  const digits = text.replace(/[\r\n]/g, "");
  const alphabet = /[+/]/.test(digits) ? /^[A-Za-z0-9+/]*={0,2}$/ : /^[A-Za-z0-9_-]*={0,2}$/;
  if (!alphabet.test(digits)) return false;
  return digits.endsWith("=") ? digits.length % 4 === 0 : digits.length % 4 !== 1;
}

export function parseJwk(ctx: CallContext, text: GoString): Jwk {
  const object = objectIn(ctx, text);
  const type = typeIn(object);
  const { struct, required, binary } = shapes[type];
  const isPrivate = type !== "oct" && object.entries.has(ascii("d"));
  const part = type === "oct" ? "Key" : isPrivate ? "PrivateKey" : "PublicKey";
  const problem = (what: string): never => fail(`failed to unmarshal JSON into key (*jwk.${struct}${part}): ${what}`);
  const textOf = (name: string): GoString => {
    const value = object.entries.get(ascii(name));
    if (typeof value === "string") return value;
    const kind = jsonKind(kindOf(value));
    const why = `error reading next value: json: cannot unmarshal ${kind} into Go value of type string`;
    return problem(`failed to decode value for key ${name}: ${why}`);
  };
  const has = (name: string): boolean => object.entries.has(ascii(name));
  const texts = new Set<string>([...binary, "crv", "kid", "alg", "use"]);
  for (const name of [...object.entries.keys()].filter((key) => texts.has(key)))
    if (!isBase64(textOf(name)) && binary.includes(name))
      problem(`failed to decode value for key ${name}: expected base64 encoded []byte (string)`);
  for (const name of required) if (!has(name)) problem(`required field ${name} is missing`);
  const bytes = (name: string): Buffer => Buffer.from(textOf(name), "base64url");
  return { type, isPrivate, curve: has("crv") ? textOf("crv") : ascii(""), bytes, has };
}
