/** Schemas of single values that several kinds of objects use. */
import * as v from "valibot";
import { parseGoDuration } from "../core/duration.ts";
import { isDnsLabel, isDnsSubdomain, isSecretKey } from "../core/names.ts";
import { forApi } from "./api-schema.ts";
import { nameRule, namespaceRule } from "./object-meta.ts";

const dnsLabelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const dnsSubdomainPattern = `^${dnsLabelPattern}(\\.${dnsLabelPattern})*$`;
/** That the sum fits into 64 bits of nanoseconds, only the parser knows. */
const goDurationPattern = "(0|(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$";

/** A name as objects have it: also that of a host. */
export const subdomainKeywords = { minLength: 1, maxLength: 253, pattern: dnsSubdomainPattern } as const;

export const objectName = v.pipe(v.string(), v.check(isDnsSubdomain, nameRule), forApi(subdomainKeywords));

export const namespaceName = v.pipe(
  v.string(),
  v.check(isDnsLabel, namespaceRule),
  forApi({ minLength: 1, maxLength: 63, pattern: `^${dnsLabelPattern}$` }),
);

/** A key of a Secret or ConfigMap. */
export const secretKey = v.pipe(
  v.string(),
  v.check(isSecretKey, 'must be 1–253 letters, digits, "-", "_" or "."'),
  forApi({ minLength: 1, maxLength: 253, pattern: "^[-._a-zA-Z0-9]+$" }),
);

export const nonEmptyText = v.pipe(v.string(), v.minLength(1, "must not be empty"));

const durationRule = "is not a duration; write numbers with units, such as 30s, 15m or 1h30m";

/** Go duration text → milliseconds, 0 or more. */
export const duration = v.pipe(
  v.string(),
  v.check((text) => parseGoDuration(text) !== undefined, durationRule),
  v.check((text) => (parseGoDuration(text) ?? 0) >= 0, "must not be negative"),
  v.transform(wholeMs),
  forApi({ pattern: `^\\+?${goDurationPattern}` }),
);

/**
 * ExternalSecret's refreshInterval → milliseconds: a duration, or the integer 0. 0 and below mean "once".
 * Other integers have no unit: whoever writes 30 may mean seconds or minutes.
 */
export const refreshInterval = v.pipe(
  v.union([v.string(), v.number()], 'must be a duration such as "1h", or 0'),
  v.check((input) => typeof input === "string" || input === 0, 'has no unit; write a duration such as "30s"'),
  v.check((input) => typeof input === "number" || parseGoDuration(input) !== undefined, durationRule),
  v.transform((input) => (typeof input === "number" ? 0 : Math.max(0, wholeMs(input)))),
  forApi({ "x-kubernetes-int-or-string": true, minimum: 0, maximum: 0, pattern: `^[-+]?${goDurationPattern}` }),
);

/** A store's refreshInterval → milliseconds: whole seconds as an integer, or a duration. */
export const storeRefreshInterval = v.pipe(
  v.union([v.string(), v.number()], "must be a number of seconds or a duration such as 5m"),
  v.check((input) => typeof input === "string" || Number.isSafeInteger(input), "must be whole seconds"),
  v.check((input) => typeof input === "number" || parseGoDuration(input) !== undefined, durationRule),
  v.check((input) => intervalMs(input) >= 0, "must not be negative"),
  v.transform(intervalMs),
  forApi({ "x-kubernetes-int-or-string": true, minimum: 0, pattern: `^\\+?${goDurationPattern}` }),
);

function intervalMs(input: string | number): number {
  return typeof input === "number" ? input * 1_000 : wholeMs(input);
}

/** Rounded away from zero, so that a tiny interval does not turn into "once". */
function wholeMs(text: string): number {
  const ms = parseGoDuration(text) ?? 0;
  return ms > 0 ? Math.ceil(ms) : Math.floor(ms);
}
