/**
 * What a ref of a webhook is called: its key, as it stands. Policies and audit go by it, and with property and version it
 * decides everything that the templates put on the wire.
 */
import { canonicalJson } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import type { Address, Located, Ref } from "../contract.ts";
import { isDotSegment } from "./origin.ts";

interface Arguments {
  readonly property?: string;
  readonly members?: true;
}

/** Throws Failure `ref_invalid`. */
export function locate(method: string, ref: Ref): Located {
  if (ref.metadataPolicy === "Fetch")
    throw new Failure("ref_invalid", "metadataPolicy Fetch means nothing for provider webhook; remove it");
  const { key, version = "", property = "", members } = ref;
  if (key === "") throw new Failure("ref_invalid", "the key is empty");
  for (const [name, text] of Object.entries({ key, version, property })) {
    const problem = textProblem(text);
    if (problem) throw new Failure("ref_invalid", `the ${name} ${problem}`);
  }
  const args: Arguments = { ...(property === "" ? {} : { property }), ...(members ? { members } : {}) };
  return {
    address: key as Address,
    method,
    arguments: Object.keys(args).length === 0 ? "" : canonicalJson(args),
    version,
  };
}

export function argumentsOf(located: Located): Arguments {
  return located.arguments === "" ? {} : (JSON.parse(located.arguments) as Arguments);
}

/** A server may decode a path before it resolves it, so the escaping alone does not keep such texts in their place. */
function textProblem(text: string): string | undefined {
  if (/\p{Cc}/u.test(text)) return "has a control character";
  if (!text.isWellFormed()) return "is not valid Unicode";
  return text.split(/[/\\]/).some(isDotSegment) ? 'has a "." or ".." segment' : undefined;
}
