/** Structs that write their own JSON (Go's MarshalJSON), each as one string. */
import { fail } from "../errors.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import type { GoObject } from "../values.ts";
import { timeJson } from "./dates-format.ts";
import type { Time } from "./dates-time.ts";
import { timeType } from "./dates-type.ts";
import type { Version } from "./semver-version.ts";
import { plainVersionType, versionText, versionType } from "./semver-version.ts";

/** RFC 3339 has four digits for the year and less than a day for the zone. */
function rfc3339(time: Time): GoString {
  const text = timeJson(time);
  const problem =
    text.charAt(4) !== "-"
      ? "year outside of range [0,9999]"
      : /[+-](?:2[4-9]|[3-9][0-9]|[0-9]{3,}):[0-9]{2}$/.test(text)
        ? "timezone hour outside of range [0,23]"
        : undefined;
  if (problem) fail(`json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: ${problem}`);
  return ascii(text);
}

/** The text of the string that the struct becomes, or undefined when its exported fields are written. */
export function jsonTextOf({ type, state }: GoObject): GoString | undefined {
  if (type === versionType || type === plainVersionType) return versionText(state as Version);
  if (type === timeType) return rfc3339(state as Time);
  return undefined;
}
