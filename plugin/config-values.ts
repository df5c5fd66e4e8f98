/** The value forms that flags take. Each parser gives the value or the problem, worded with a correct example. */
import { isAbsolute } from "node:path";
import { parseGoDuration } from "./core/duration.ts";
import { SecretValue } from "./core/secret-value.ts";
import { readProxyUrl } from "./manifests/proxy-url.ts";
import { isCidr } from "./stores/http-address.ts";
import { isNoProxyEntry } from "./stores/http-no-proxy.ts";

export type FlagValue<T> = { readonly value: T } | { readonly problem: string };
export type FlagParser<T> = (text: string) => FlagValue<T>;

export const text: FlagParser<string> = (given) =>
  given === "" ? { problem: "is empty; give it a value" } : { value: given };

export function oneOf<const T extends string>(...choices: readonly T[]): FlagParser<T> {
  return (given) =>
    (choices as readonly string[]).includes(given)
      ? { value: given as T }
      : { problem: `is none of its values; use ${choices.join(", ")}` };
}

/** A comma list of `choices`, without repeats. */
export function listOf<const T extends string>(...choices: readonly T[]): FlagParser<readonly T[]> {
  const member = oneOf(...choices);
  return (given) => {
    const values = new Set<T>();
    for (const part of given.split(",")) {
      const parsed = member(part.trim());
      if ("problem" in parsed) return parsed;
      values.add(parsed.value);
    }
    return { value: [...values] };
  };
}

/** A comma list of absolute paths. */
export const folders: FlagParser<readonly string[]> = (given) => {
  const paths = given.split(",").map((part) => part.trim());
  return paths.every(isAbsolute) ? { value: [...new Set(paths)] } : { problem: "must be absolute paths; write /a,/b" };
};

/** A comma list of networks or single addresses; may be empty. */
export const cidrs: FlagParser<readonly string[]> = (given) => {
  const networks = given === "" ? [] : given.split(",").map((part) => part.trim());
  return networks.every(isCidr) ? { value: networks } : { problem: "must be networks; write 10.0.0.5/32,fd00::/8" };
};

export interface ProxyValue {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Of a header Proxy-Authorization, from the URL's user and password. */
  readonly authorization?: SecretValue;
}

/** A proxy's URL, with user and password where it wants them; empty = none. */
export const proxyUrl: FlagParser<ProxyValue | undefined> = (given) => {
  if (given === "") return { value: undefined };
  const read = readProxyUrl(given);
  if ("problem" in read) return read;
  const { origin, username, password } = read.url;
  if (username === "" && password === "") return { value: { origin } };
  try {
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`, "utf8");
    return { value: { origin, authorization: SecretValue.fromText(`Basic ${login.toString("base64")}`) } };
  } catch {
    return { problem: "has a user or password with a % that begins no escape; write % as %25" };
  }
};

/** A comma list as of NO_PROXY; may be empty. */
export const noProxyHosts: FlagParser<readonly string[]> = (given) => {
  const entries = given
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return entries.every(isNoProxyEntry)
    ? { value: entries }
    : { problem: "must be hosts, .domains, addresses or networks; write .example.com,vault:8200,10.0.0.0/8" };
};

export const flag: FlagParser<boolean> = (given) =>
  given === "true" || given === "false" ? { value: given === "true" } : { problem: "takes no value, or true or false" };

/** Whole numbers from 1 to `most`. */
export function wholeNumber(most: number): FlagParser<number> {
  return (given) => {
    const value = /^\d{1,10}$/.test(given) ? Number(given) : 0;
    return value >= 1 && value <= most ? { value } : { problem: `must be a whole number from 1 to ${most}` };
  };
}

/** A Go duration above zero, as milliseconds. */
export const duration: FlagParser<number> = (given) => {
  const ms = parseGoDuration(given);
  return ms !== undefined && ms > 0
    ? { value: ms }
    : { problem: "must be a duration above zero; write 30s, 5m or 1h30m" };
};

const byteUnits: Readonly<Record<string, number>> = {
  "": 1,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  k: 1e3,
  M: 1e6,
  G: 1e9,
};

/** A Kubernetes quantity of bytes. */
export const bytes: FlagParser<number> = (given) => {
  const match = /^(\d{1,15})(Ki|Mi|Gi|k|M|G|)$/.exec(given);
  const value = match ? Number(match[1]) * byteUnits[match[2]!]! : 0;
  return value > 0 ? { value } : { problem: "must be a number of bytes above zero; write 16Mi" };
};

export interface ListenAddress {
  /** Empty = every interface. */
  readonly host: string;
  /** 0 = the system chooses. */
  readonly port: number;
}

/** `host:port`, `:port` or `[::1]:port`. */
export const listenAddress: FlagParser<ListenAddress> = (given) => {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:[\]]*):(\d{1,5})$/.exec(given);
  const port = match ? Number(match[2]) : NaN;
  if (!match || port > 65_535) return { problem: "must be host:port; write 127.0.0.1:8080 or :8080" };
  return { value: { host: match[1]!.replace(/^\[|\]$/g, ""), port } };
};

/** How many ExternalSecrets keep their own metric labels. */
export const objectLabels: FlagParser<number | "on" | "off"> = (given) => {
  if (given === "on" || given === "off") return { value: given };
  const number = wholeNumber(1_000_000)(given);
  return "value" in number ? number : { problem: "must be on, off or a whole number above 0" };
};
