/**
 * Every function that a template can name. One family, one line; no two families share a name.
 */
import type { FunctionTable, GoFunction } from "../functions.ts";
import { builtinFunctions } from "./builtins.ts";
import { dateFunctions } from "./dates.ts";
import { defaultFunctions } from "./defaults.ts";
import { dictFunctions } from "./dicts.ts";
import { encodingFunctions } from "./encoding.ts";
import { jsonFunctions } from "./json.ts";
import { listFunctions } from "./lists.ts";
import { mathFunctions } from "./math.ts";
import { pathFunctions } from "./paths.ts";
import { reflectionFunctions } from "./reflection.ts";
import { regexFunctions } from "./regex.ts";
import { semverFunctions } from "./semver.ts";
import { stringFunctions } from "./strings.ts";
import { urlFunctions } from "./urls.ts";
import { yamlFunctions } from "./yaml.ts";
import { aesFunctions } from "./aes.ts";
import { certificateFunctions } from "./certificates.ts";
import { hashFunctions } from "./hashes.ts";
import { jwkFunctions } from "./jwk.ts";
import { keyFunctions } from "./keys.ts";
import { passwordFunctions } from "./passwords.ts";
import { pemFunctions } from "./pem.ts";
import { pkcs12Functions } from "./pkcs12.ts";
import { randomFunctions } from "./random.ts";
import { rsaFunctions } from "./rsa.ts";

const families: readonly FunctionTable[] = [
  builtinFunctions,
  dateFunctions,
  defaultFunctions,
  dictFunctions,
  encodingFunctions,
  jsonFunctions,
  listFunctions,
  mathFunctions,
  pathFunctions,
  reflectionFunctions,
  regexFunctions,
  semverFunctions,
  stringFunctions,
  urlFunctions,
  yamlFunctions,
  aesFunctions,
  certificateFunctions,
  hashFunctions,
  jwkFunctions,
  keyFunctions,
  passwordFunctions,
  pemFunctions,
  pkcs12Functions,
  randomFunctions,
  rsaFunctions,
];

const table: ReadonlyMap<string, GoFunction> = new Map(families.flatMap((family) => Object.entries(family)));

/** All names, for tests and documentation. */
export const functionNames: readonly string[] = [...table.keys()].sort();

/** The function of that name. */
export const findFunction = (name: string): GoFunction | undefined => table.get(name);
