/**
 * Environment and flags → one frozen Config, all problems reported at once.
 *
 * The only reader of process.env. Each flag is also KEYFERRY_<UPPER_SNAKE>; the flag wins. Unknown flags are problems
 * that name the nearest one, unknown variables are ignored.
 */
import { resolve } from "node:path";
import { readEndpoints } from "./config-endpoints.ts";
import { readOwnIdentity } from "./config-own-identity.ts";
import { commands } from "./config-flags.ts";
import type { CommandName, Flag, FlagTable, Values } from "./config-flags.ts";
import { nearestName } from "./core/names.ts";

type FlagsOf<C extends CommandName> = Values<(typeof commands)[C]["flags"]>;

interface Surroundings {
  /** By the variable that gave it; absent when there is none. */
  readonly endpoints?: Readonly<Record<string, string>>;
  /** By the variable that gave it; absent when there is none. */
  readonly ownIdentity?: Readonly<Record<string, string>>;
}

/** Durations in milliseconds, sizes in bytes, folders absolute. */
export type StandaloneConfig = { readonly command: "standalone"; readonly socketDir: string } & Surroundings &
  Omit<FlagsOf<"standalone">, "socketDir">;

export type NodeConfig = {
  readonly command: "node";
  /** Where a pod finds its API server; absent outside of a cluster. */
  readonly apiServer?: { readonly host: string; readonly port: string };
} & Surroundings &
  FlagsOf<"node">;

/** What both commands that serve have in common. */
export type ServiceConfig = StandaloneConfig | NodeConfig;

export type RenderConfig = {
  readonly command: "render";
  /** At least one. Either `values` is there or `live` is true. */
  readonly files: readonly string[];
} & Surroundings &
  FlagsOf<"render">;

export type Config = ServiceConfig | RenderConfig;

export type Loaded =
  | { readonly kind: "run"; readonly config: Config }
  | { readonly kind: "show"; readonly text: string }
  | { readonly kind: "refuse"; readonly problems: readonly string[] };

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env;
}

export function loadConfig(args: readonly string[], environment: Environment): Loaded {
  const [command, ...rest] = args;
  if (command === undefined || command === "--help" || command === "help") return { kind: "show", text: usage() };
  if (!isCommand(command)) {
    const near = nearestName(command, Object.keys(commands));
    return {
      kind: "refuse",
      problems: [`${command}: no such command; ${near ? `did you mean ${near}?` : "see keyferry --help"}`],
    };
  }
  if (rest.includes("--help")) return { kind: "show", text: commandUsage(command) };
  const { values, files, problems } = readFlags(command, rest, environment);
  if (command === "render") problems.push(...renderProblems(values, files));
  const endpoints = readEndpoints(environment, problems);
  const ownIdentity = readOwnIdentity(environment, problems);
  if (problems.length > 0) return { kind: "refuse", problems };
  const config = configOf(command, values, files, environment);
  const given = {
    ...(Object.keys(endpoints).length > 0 ? { endpoints } : {}),
    ...(Object.keys(ownIdentity).length > 0 ? { ownIdentity } : {}),
  };
  return { kind: "run", config: Object.freeze({ ...config, ...given }) };
}

function configOf(command: CommandName, values: object, files: readonly string[], environment: Environment): Config {
  switch (command) {
    case "standalone":
      return standaloneConfig(values);
    case "node":
      return nodeConfig(values, environment);
    case "render":
      return { command, files, ...(values as FlagsOf<"render">) };
  }
}

function renderProblems({ values, live }: { values?: unknown; live?: unknown }, files: readonly string[]): string[] {
  const problems = files.length > 0 ? [] : ["FILE: is missing; name a manifest"];
  if (values === undefined && live !== true)
    problems.push("--values: is missing; name a file of values, or add --live to read the stores");
  if (values !== undefined && live === true) problems.push("--live: does not go with --values; keep one of the two");
  return problems;
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}

function standaloneConfig(values: object): StandaloneConfig {
  const found = values as FlagsOf<"standalone">;
  const folders = {
    manifests: resolve(found.manifests),
    out: resolve(found.out),
    socketDir: resolve(found.socketDir ?? `${found.out}/providers`),
  };
  return { command: "standalone", ...found, ...folders };
}

function nodeConfig(values: object, environment: Environment): NodeConfig {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  const apiServer = host && port ? { apiServer: { host, port } } : {};
  return { command: "node", ...(values as FlagsOf<"node">), ...apiServer };
}

function readFlags(command: CommandName, args: readonly string[], environment: Environment) {
  const table: FlagTable = commands[command].flags;
  const problems: string[] = [];
  const { given, files } = givenFlags(command, args, problems);
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    const [source, raw] = rawValue(name, spec, given, environment);
    if (raw === undefined) {
      if (!spec.optional) problems.push(`${source}: is missing; add ${flagOf(name)} (${spec.help})`);
      continue;
    }
    const parsed = spec.parse(raw);
    if ("problem" in parsed) problems.push(`${source}: ${parsed.problem}`);
    else values[name] = parsed.value;
  }
  return { values, files, problems };
}

/** What a flag was given, and by what: itself, its variable, another variable, or its default. */
function rawValue(
  name: string,
  { variable, byDefault }: Flag<unknown>,
  given: ReadonlyMap<string, string>,
  environment: Environment,
): [source: string, raw: string | undefined] {
  if (given.has(name)) return [flagOf(name), given.get(name)];
  for (const one of [variableOf(name), variable])
    if (one !== undefined && environment[one] !== undefined) return [one, environment[one]];
  return [flagOf(name), byDefault];
}

interface Given {
  readonly given: ReadonlyMap<string, string>;
  readonly files: readonly string[];
}

function givenFlags(command: CommandName, args: readonly string[], problems: string[]): Given {
  const table: FlagTable = commands[command].flags;
  const byFlag = new Map(
    Object.entries(table).flatMap(([name, { letter }]) => [
      [flagOf(name), name] as const,
      ...(letter === undefined ? [] : [[`-${letter}`, name] as const]),
    ]),
  );
  const given = new Map<string, string>();
  const files: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [word, inline] = splitOnce(args[i]!, "=");
    const name = byFlag.get(word);
    if (name === undefined && "files" in commands[command] && !word.startsWith("-")) {
      files.push(args[i]!);
      continue;
    }
    if (name === undefined) {
      const near = word.startsWith("-") ? nearestName(word, byFlag.keys()) : undefined;
      problems.push(`${word}: no such flag; ${near ? `did you mean ${near}?` : `see keyferry ${command} --help`}`);
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
  return { given, files };
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
  const rows = Object.entries(commands).map(([name, { what }]) => `  ${name.padEnd(12)} ${what}`);
  return [
    "Usage: keyferry COMMAND [flags]",
    "",
    "Commands:",
    ...rows,
    "",
    "keyferry COMMAND --help lists its flags.",
    "",
  ].join("\n");
}

function commandUsage(command: CommandName): string {
  const { flags, usage: how } = commands[command];
  const rows = Object.entries<Flag<unknown>>(flags).map(([name, spec]) => {
    const value = spec.bare ? "" : spec.byDefault ? ` ${spec.byDefault}` : " VALUE";
    const letter = spec.letter === undefined ? "" : `-${spec.letter}, `;
    return `  ${(letter + flagOf(name) + value).padEnd(34)} ${spec.help}`;
  });
  return [
    `Usage: keyferry ${command} ${how}`,
    "",
    "Flags, with their defaults; each is also an environment variable, --log-level as KEYFERRY_LOG_LEVEL:",
    ...rows,
    "",
  ].join("\n");
}
