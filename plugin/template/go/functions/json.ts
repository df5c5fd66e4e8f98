/** Sprig's fromJson and toJson families. Those without `must` hide errors: nil, or an empty text, as Go does. */
import { fail, GoError } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { anyType, stringType } from "../types.ts";
import type { GoValue } from "../values.ts";
import { decodeJson } from "./json-decode.ts";
import type { Decoded } from "./json-decode.ts";
import type { JsonStyle } from "./json-encode.ts";
import { encodeJson } from "./json-encode.ts";

/** What a call gives, or `otherwise` when it fails as Go fails; a used up budget is never hidden. */
function hiding<Result>(call: () => Result, otherwise: Result): Result {
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof GoError) return otherwise;
    throw thrown;
  }
}

function strictly({ value, error }: Decoded): Exclude<GoValue, undefined> {
  if (error !== undefined) fail(error);
  return value;
}

const compact: JsonStyle = { escapeHtml: true, indent: false };
const pretty: JsonStyle = { escapeHtml: true, indent: true };
const raw: JsonStyle = { escapeHtml: false, indent: false };

const strict = (style: JsonStyle) => fn([anyType], ([value], ctx) => encodeJson(ctx, value, style));
const lenient = (style: JsonStyle) =>
  fn([anyType], ([value], ctx: CallContext): GoString => hiding(() => encodeJson(ctx, value, style), ascii("")));

export const jsonFunctions: FunctionTable = {
  fromJson: fn([stringType], ([text], ctx) => hiding(() => decodeJson(ctx, text), { value: null }).value),
  mustFromJson: fn([stringType], ([text], ctx) => strictly(decodeJson(ctx, text))),
  toJson: lenient(compact),
  mustToJson: strict(compact),
  toPrettyJson: lenient(pretty),
  mustToPrettyJson: strict(pretty),
  toRawJson: strict(raw),
  mustToRawJson: strict(raw),
};
