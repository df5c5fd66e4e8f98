/**
 * From a remoteRef to the one address that goes on the wire: `projects/P/secrets/S`, for a secret that is bound to a region
 * `projects/P/locations/L/secrets/S`, for a parameter of Parameter Manager `projects/P/locations/L/parameters/N`. The version
 * is no part of it, however it is written.
 */
import { canonicalJson } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import type { Address, FindWish, Located, Ref } from "../contract.ts";
import type { GcpConfig } from "./config.ts";
import {
  labelKeyPattern,
  labelValuePattern,
  locationPattern,
  parameterPattern,
  secretPattern,
  versionPattern,
} from "./names.ts";

type Place = Pick<GcpConfig, "project" | "location">;

/** What `arguments` holds for a read of annotations and labels in place of the value. */
export const metadataArgument = "metadata";

const fullName = /^projects\/([^/]+)(?:\/locations\/([^/]+))?\/secrets\/([^/]+)(?:\/versions\/([^/]+))?$/;

/** A parameter is never bare: where it is kept belongs to its name, be it `global`. */
const parameterName = /^projects\/([^/]+)\/locations\/([^/]+)\/parameters\/([^/]+)(?:\/versions\/([^/]+))?$/;

/** Throws Failure `ref_invalid`. */
export function locate(config: Place, ref: Ref): Located {
  const parameter = parameterName.exec(ref.key);
  return parameter ? locateParameter(config, ref, parameter) : locateSecret(config, ref);
}

/** The location of a parameter's address; undefined when it is that of a secret. */
export function parameterLocation(address: string): string | undefined {
  return parameterName.exec(address)?.[2];
}

function locateParameter(config: Place, { version = "", metadataPolicy }: Ref, name: RegExpExecArray): Located {
  const [, project, location = "", parameter = "", named] = name;
  if (project !== config.project) throw foreign(config);
  if (!locationPattern.test(location)) throw invalid("the key names no location");
  if (!parameterPattern.test(parameter))
    throw invalid("the key is not a name that a parameter can have: letters, digits, _ and -, at most 63 of them");
  if (metadataPolicy === "Fetch") throw invalid("metadataPolicy Fetch is not there for parameters; remove it");
  if (named !== undefined && version !== "") throw twice();
  const wanted = named ?? version;
  if (!parameterPattern.test(wanted))
    throw invalid("the key names no version of the parameter; write projects/P/locations/L/parameters/N/versions/V");
  const address = `${parentOf({ project, location })}/parameters/${parameter}` as Address;
  return { address, method: "GET", arguments: "", version: wanted };
}

function locateSecret(config: Place, { key, version = "", metadataPolicy }: Ref): Located {
  const { place, secret, version: named } = key.includes("/") ? readName(config, key) : { place: config, secret: key };
  if (!secretPattern.test(secret))
    throw invalid("the key is not a name that a secret can have: letters, digits, _ and -, at most 255 of them");
  if (named !== undefined && version !== "") throw twice();
  const wanted = named ?? version;
  if (wanted !== "" && !versionPattern.test(wanted)) throw invalid("version must be a number, an alias or latest");
  const isMetadata = metadataPolicy === "Fetch";
  return {
    address: `${parentOf(place)}/secrets/${secret}` as Address,
    method: "GET",
    arguments: isMetadata ? metadataArgument : "",
    // Annotations and labels belong to the secret, not to one of its versions.
    version: isMetadata || wanted === "latest" ? "" : wanted,
  };
}

/** Throws Failure `ref_invalid`. */
export function locateFind(config: Place, { path = "", name, tags = {} }: FindWish): Located {
  if (path !== "" && !secretPattern.test(path))
    throw invalid("find.path is nothing that a secret's name can begin with: letters, digits, _ and -");
  for (const [key, value] of Object.entries(tags))
    if (!labelKeyPattern.test(key) || !labelValuePattern.test(value))
      throw invalid(`find.tags: "${key}" and its value are no label that a secret can have`);
  return {
    address: `${parentOf(config)}/secrets` as Address,
    method: "LIST",
    arguments: canonicalJson({ path, name: name?.source ?? "", tags }),
    version: "",
  };
}

export function parentOf({ project, location }: Place): string {
  return location === undefined ? `projects/${project}` : `projects/${project}/locations/${location}`;
}

/** The region in an address, whose server has to be asked. */
export function locationIn(address: string): string | undefined {
  return fullName.exec(address)?.[2];
}

/** The secret's own name in an address or in an answer, and the version behind it. Undefined when it is no such name. */
export function namesIn(
  resource: string,
): { readonly secret: string; readonly version: string | undefined } | undefined {
  const match = fullName.exec(resource);
  return match ? { secret: match[3]!, version: match[4] } : undefined;
}

function readName({ project }: Place, key: string) {
  const match = fullName.exec(key);
  if (!match) throw invalid("the key is no resource name; write a secret's name, or projects/P/secrets/S/versions/V");
  const [, named, location, secret, version] = match;
  // The project may stand for another one only by its number, which cannot be told without a call.
  if (named !== project) throw foreign({ project });
  if (location !== undefined && !locationPattern.test(location)) throw invalid("the key names no location");
  return { place: { project, ...(location === undefined ? {} : { location }) }, secret: secret!, version };
}

function foreign({ project }: Place): Failure {
  return invalid(`the key is in another project than the store's (${project}); use a store for that project`);
}

function twice(): Failure {
  return invalid("the key names a version at its end and version another; keep one");
}

function invalid(message: string): Failure {
  return new Failure("ref_invalid", message);
}
