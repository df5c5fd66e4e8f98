/** toYaml and fromYaml as Helm has them: an error is an empty text, or a map with the key Error. */
import { exactText, GoError } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, fromText, sliceBytes } from "../text.ts";
import { anyType, stringType } from "../types.ts";
import { anyMap } from "../values.ts";
import type { GoMap, GoValue } from "../values.ts";
import { decodeYaml } from "./yaml-decode.ts";
import { encodeYaml } from "./yaml-encode.ts";

function toYaml(ctx: CallContext, value: GoValue): GoString {
  try {
    const text = encodeYaml(ctx, value);
    return text.endsWith("\n") ? sliceBytes(text, 0, -1) : text;
  } catch (thrown) {
    if (thrown instanceof GoError) return ascii("");
    throw thrown;
  }
}

function fromYaml(ctx: CallContext, text: GoString): GoMap {
  try {
    return decodeYaml(ctx, text);
  } catch (thrown) {
    if (!(thrown instanceof GoError)) throw thrown;
    return anyMap([[ascii("Error"), fromText(exactText(thrown.message))]]);
  }
}

export const yamlFunctions: FunctionTable = {
  toYaml: fn([anyType], ([value], ctx) => toYaml(ctx, value)),
  fromYaml: fn([stringType], ([text], ctx) => fromYaml(ctx, text)),
};
