/**
 * Environment and flags → one frozen Config, all problems reported at once.
 *
 * The only reader of process.env. Each flag is also KEYFERRY_<UPPER_SNAKE>; the flag wins. Unknown flags are problems
 * that name the nearest one, unknown variables are ignored.
 */
import { resolve } from "node:path";
import type { FlagParser } from "./config-values.ts";
import {
  bytes,
  duration,
  flag,
  listOf,
  listenAddress,
  objectLabels,
  oneOf,
  text,
  wholeNumber,
} from "./config-values.ts";
import { nearestName } from "./core/names.ts";

interface Flag<T> {
  readonly parse: FlagParser<T>;
  /** As a user would write it; absent = the flag is required, or stays undefined when `optional`. */
  readonly byDefault?: string;
  readonly optional?: true;
  /** Shown by --help, after the flag. */
  readonly help: string;
  /** A flag without a value: `--once`. */
  readonly bare?: true;
}

type FlagTable = Readonly<Record<string, Flag<unknown>>>;

const sharedFlags = {
  logLevel: { parse: oneOf("debug", "info", "warn", "error"), byDefault: "info", help: "least level that is logged" },
  metricsObjectLabels: {
    parse: objectLabels,
    byDefault: "1000",
    help: "ExternalSecrets with own metric labels: on, off or a number",
  },
  auditLog: { parse: text, byDefault: "-", help: "file for audit lines; - is stdout" },
  mountMaxAge: { parse: duration, byDefault: "30s", help: "age up to which a mount is served from the cache" },
  maxStale: { parse: duration, byDefault: "24h", help: "how long last-good values stand in for an unavailable store" },
  storeRate: { parse: wholeNumber(100_000), byDefault: "50", help: "requests a second to one store" },
  storeBurst: { parse: wholeNumber(100_000), byDefault: "100", help: "requests to one store that may go out at once" },
  cacheEntries: { parse: wholeNumber(10_000_000), byDefault: "5000", help: "answers kept" },
  cacheBytes: { parse: bytes, byDefault: "16Mi", help: "bytes of answers kept" },
  providers: { parse: listOf("keyferry"), byDefault: "keyferry", help: "provider sockets to serve" },
  tokenAudience: {
    parse: text,
    byDefault: "vault",
    help: "audience of service account tokens where a store names none",
  },
  controllerClass: { parse: text, byDefault: "default", help: "stores with another spec.controller are left alone" },
} as const satisfies FlagTable;

const standaloneFlags = {
  manifests: { parse: text, help: "folder of manifests (watched)" },
  out: { parse: text, help: "folder for Secrets, status files and sockets" },
  as: { parse: oneOf("yaml", "files"), byDefault: "yaml", help: "form of the Secrets: yaml or files" },
  socketDir: { parse: text, optional: true, help: "folder of the provider sockets (default OUT/providers)" },
  once: {
    parse: flag,
    byDefault: "false",
    bare: true,
    help: "sync everything once, open no socket, exit 1 when something is not Ready",
  },
  tokenJwks: { parse: text, optional: true, help: "JWKS file that pod tokens are verified with" },
  httpAddr: { parse: listenAddress, byDefault: "127.0.0.1:0", help: "address of /metrics, /livez and /readyz" },
  ...sharedFlags,
} as const satisfies FlagTable;

type ValueOf<F> = F extends Flag<infer T> ? (F extends { readonly optional: true } ? T | undefined : T) : never;
type Values<T extends FlagTable> = { readonly [K in keyof T]: ValueOf<T[K]> };

/** Durations in milliseconds, sizes in bytes, folders absolute. */
export type StandaloneConfig = { readonly command: "standalone"; readonly socketDir: string } & Omit<
  Values<typeof standaloneFlags>,
  "socketDir"
>;
export type Config = StandaloneConfig;

export type Loaded =
  | { readonly kind: "run"; readonly config: Config }
  | { readonly kind: "show"; readonly text: string }
  | { readonly kind: "refuse"; readonly problems: readonly string[] };

export type Environment = Readonly<Record<string, string | undefined>>;

const commandFlags = { standalone: standaloneFlags } as const;

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env;
}

export function loadConfig(args: readonly string[], environment: Environment): Loaded {
  const [command, ...rest] = args;
  if (command === undefined || command === "--help" || command === "help") return { kind: "show", text: usage() };
  if (!Object.hasOwn(commandFlags, command)) {
    const near = nearestName(command, Object.keys(commandFlags));
    return {
      kind: "refuse",
      problems: [`${command}: no such command; ${near ? `did you mean ${near}?` : "see keyferry --help"}`],
    };
  }
  if (rest.includes("--help")) return { kind: "show", text: commandUsage("standalone") };
  const { values, problems } = readFlags(standaloneFlags, rest, environment);
  if (problems.length > 0) return { kind: "refuse", problems };
  const found = values as Values<typeof standaloneFlags>;
  const folders = {
    manifests: resolve(found.manifests),
    out: resolve(found.out),
    socketDir: resolve(found.socketDir ?? `${found.out}/providers`),
  };
  return { kind: "run", config: Object.freeze({ command: "standalone", ...found, ...folders }) };
}

function readFlags(table: FlagTable, args: readonly string[], environment: Environment) {
  const problems: string[] = [];
  const given = givenFlags(table, args, problems);
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    const variable = variableOf(name);
    const [source, raw] = given.has(name)
      ? [flagOf(name), given.get(name)]
      : environment[variable] !== undefined
        ? [variable, environment[variable]]
        : [flagOf(name), spec.byDefault];
    if (raw === undefined) {
      if (!spec.optional) problems.push(`${source}: is missing; add ${flagOf(name)} (${spec.help})`);
      continue;
    }
    const parsed = spec.parse(raw);
    if ("problem" in parsed) problems.push(`${source}: ${parsed.problem}`);
    else values[name] = parsed.value;
  }
  return { values, problems };
}

function givenFlags(table: FlagTable, args: readonly string[], problems: string[]): Map<string, string> {
  const byFlag = new Map(Object.keys(table).map((name) => [flagOf(name), name]));
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const [word, inline] = splitOnce(args[i]!, "=");
    const name = byFlag.get(word);
    if (name === undefined) {
      const near = word.startsWith("-") ? nearestName(word, byFlag.keys()) : undefined;
      problems.push(`${word}: no such flag; ${near ? `did you mean ${near}?` : "see keyferry standalone --help"}`);
      continue;
    }
    if (given.has(name)) problems.push(`${word}: given twice; keep one`);
    if (inline !== undefined) given.set(name, inline);
    else if (table[name]!.bare) given.set(name, "true");
    else if (args[i + 1] === undefined || byFlag.has(splitOnce(args[i + 1]!, "=")[0])) {
      problems.push(`${word}: has no value; write ${word} VALUE`);
      given.set(name, table[name]!.byDefault ?? "-");
    } else given.set(name, args[++i]!);
  }
  return given;
}

function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function variableOf(name: string): string {
  return `KEYFERRY_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function usage(): string {
  return [
    "Usage: keyferry COMMAND [flags]",
    "",
    "Commands:",
    "  standalone   a folder of manifests in; Secrets and provider sockets out",
    "",
    "keyferry COMMAND --help lists its flags.",
    "",
  ].join("\n");
}

function commandUsage(command: keyof typeof commandFlags): string {
  const rows = Object.entries<Flag<unknown>>(commandFlags[command]).map(([name, spec]) => {
    const value = spec.bare ? "" : spec.byDefault === undefined ? " VALUE" : ` ${spec.byDefault}`;
    return `  ${(flagOf(name) + value).padEnd(34)} ${spec.help}`;
  });
  return [
    `Usage: keyferry ${command} --manifests DIR --out DIR [flags]`,
    "",
    "Flags, with their defaults; each is also an environment variable, --log-level as KEYFERRY_LOG_LEVEL:",
    ...rows,
    "",
  ].join("\n");
}
