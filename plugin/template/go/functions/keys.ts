/** New private keys. */
import { generateKeyPairSync } from "node:crypto";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn, heavy, volatile } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, concat } from "../text.ts";
import { stringType } from "../types.ts";
import type { PrivateKey } from "./keys-parse.ts";
import { keyPem } from "./keys-write.ts";

/** About what a key costs beside the work of other functions. */
const slowSteps = 10_000;

export function newRsaKey(ctx: CallContext, modulusLength: 2048 | 4096): PrivateKey {
  ctx.charge(slowSteps);
  return { kind: "rsa", key: generateKeyPairSync("rsa", { modulusLength }).privateKey };
}

/** A key of sprig's size for its type; undefined for an unknown type. */
function newKey(ctx: CallContext, type: GoString): PrivateKey | undefined {
  ctx.charge(slowSteps);
  switch (type as string) {
    case "":
    case "rsa":
      return newRsaKey(ctx, 4096);
    case "dsa":
      return { kind: "dsa", key: generateKeyPairSync("dsa", { modulusLength: 2048, divisorLength: 256 }).privateKey };
    case "ecdsa":
      return { kind: "ec", key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey };
    case "ed25519":
      return { kind: "ed25519", key: generateKeyPairSync("ed25519").privateKey };
    default:
      return undefined;
  }
}

export const keyFunctions: FunctionTable = {
  genPrivateKey: heavy(
    volatile(
      fn([stringType], ([type], ctx) => {
        const key = newKey(ctx, type);
        return key ? keyPem(ctx, key) : concat(ascii("Unknown type "), type);
      }),
    ),
  ),
};
