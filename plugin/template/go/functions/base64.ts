/** Base64 that must be right: what cannot be decoded is Go's error. */
import { fail } from "../errors.ts";
import type { CallContext } from "../functions.ts";
import type { GoString } from "../text.ts";
import { scan } from "./costs.ts";
import { base64Fault } from "./encoding.ts";

/** base64.StdEncoding.DecodeString. */
export function decodedBase64(ctx: CallContext, text: GoString, problem?: string): Buffer {
  scan(ctx, text);
  const fault = base64Fault(text);
  if (fault !== undefined) fail(problem ?? `illegal base64 data at input byte ${fault}`);
  return Buffer.from(text, "base64");
}
