/** `objects` of AWS's CSI provider: what each is called, where it is, and which files it makes. */
import type { Ref } from "../contract.ts";
import { anyCaseEntry, fieldsOf, itemsOf, readYaml } from "../dialect-yaml.ts";
import { locateProblem } from "../dialect.ts";
import type { DialectEntry, DialectReader } from "../dialect.ts";
import { locate } from "./address.ts";
import type { AwsConfig } from "./config.ts";
import { plainText } from "./dialect-yaml.ts";

export type Service = Exclude<AwsConfig["service"], "CertificateManager">;

/** What a class says beside its objects. Regions are empty when there are none. */
export interface Places {
  readonly region: string;
  readonly failoverRegion: string;
  /** In place of each slash; empty keeps folders. */
  readonly translation: string;
}

export interface AwsObject {
  readonly service: Service;
  readonly ref: Ref;
  /** In the failover region; absent where it cannot be asked for there. */
  readonly failover?: Ref;
  readonly files: readonly AwsFile[];
}

export interface AwsFile {
  /** The field that names it. */
  readonly at: string;
  readonly path: string;
  /** Absent: the mount's own. */
  readonly mode?: number;
  /** Absent: the whole value. */
  readonly jmesPath?: string;
}

const objectFields = [
  "objectName",
  "objectType",
  "objectAlias",
  "objectVersion",
  "objectVersionLabel",
  "filePermission",
  "jmesPath",
  "failoverObject",
];
const services: Readonly<Record<string, Service>> = {
  secretsmanager: "SecretsManager",
  ssmparameter: "ParameterStore",
};
const arnServices: Readonly<Record<string, Service>> = { secretsmanager: "SecretsManager", ssm: "ParameterStore" };

export function readObjects(reader: DialectReader, places: Places): readonly AwsObject[] {
  const { report } = reader;
  const text = reader.text("objects");
  const list = readYaml("objects", text, plainText, report);
  const items = itemsOf("objects", list, report);
  if (Array.isArray(list) && items.length === 0) report("objects", "is empty; list what is to be mounted");
  return items.flatMap((item, index) => {
    const at = `objects[${index}]`;
    const fields = fieldsOf(at, item, report);
    if (!fields) {
      if (item === "") report(at, "is empty; it must be a map of fields");
      return [];
    }
    return readObject(anyCaseEntry(at, fields, objectFields, report), places, report) ?? [];
  });
}

type Report = DialectReader["report"];
type Entry = ReturnType<typeof anyCaseEntry>;

/** Undefined when it is not even known what it is. */
function readObject({ entry, value }: Entry, places: Places, report: Report): AwsObject | undefined {
  const { at } = entry;
  const name = entry.required("objectName", "is missing; name a secret, a parameter or an ARN");
  const alias = entry.text("objectAlias");
  const service = serviceOf(entry, name, report);
  const files = readFiles({ entry, value }, { name, alias }, places, report);
  const version = versionIn(entry);
  if (service && name !== "") {
    checkRegion(`${at}.objectName`, name, places.region, "region", report);
    checkVersion(at, service, version, report);
  }
  const failover = readFailover({ entry, value }, { name, alias, service, version }, places, report);
  if (!service || name === "") return undefined;
  const ref = refOf(service, name, version);
  checkRef(`${at}.objectName`, service, ref, report);
  return { service, ref, ...(failover ? { failover } : {}), files };
}

function serviceOf(entry: DialectEntry, name: string, report: Report): Service | undefined {
  const type = entry.text("objectType");
  const typed = Object.hasOwn(services, type) ? services[type] : undefined;
  if (type !== "" && !typed) report(`${entry.at}.objectType`, "must be secretsmanager or ssmparameter");
  if (name === "") return typed;
  if (!name.startsWith("arn:")) {
    if (type === "")
      report(`${entry.at}.objectType`, "is missing; write secretsmanager or ssmparameter, or name an ARN");
    return typed;
  }
  const ofArn = serviceInArn(`${entry.at}.objectName`, name, report);
  if (ofArn && typed && ofArn !== typed)
    report(`${entry.at}.objectType`, "is not what the ARN in objectName says; correct one of the two");
  return ofArn && (type === "" ? ofArn : typed);
}

function serviceInArn(at: string, name: string, report: Report): Service | undefined {
  const [, , service = "", , , resource] = name.split(":");
  const known = Object.hasOwn(arnServices, service) ? arnServices[service] : undefined;
  if (resource === undefined || resource === "") {
    report(at, "is no whole ARN; write arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME");
    return undefined;
  }
  if (!known) report(at, "is an ARN of another service than secretsmanager and ssm, which alone are read here");
  return known;
}

function checkRegion(at: string, name: string, region: string, parameter: string, report: Report): void {
  const [prefix, , , inArn, , resource] = name.split(":");
  if (prefix === "arn" && resource !== undefined && region !== "" && inArn !== region)
    report(at, `is an ARN of another region than the parameter ${parameter} names; correct one of the two`);
}

interface Version {
  readonly id: string;
  readonly label: string;
}

function versionIn(entry: DialectEntry): Version {
  return { id: entry.text("objectVersion"), label: entry.text("objectVersionLabel") };
}

function checkVersion(at: string, service: Service, { id, label }: Version, report: Report): void {
  if (service === "ParameterStore" && id !== "" && label !== "")
    report(`${at}.objectVersionLabel`, "stands beside objectVersion; a parameter is read by one of the two, keep one");
}

/** Secrets Manager takes id and label together where they mean the same version: then the id says it all. */
function refOf(service: Service, key: string, { id, label }: Version): Ref {
  const byId = service === "SecretsManager" ? `uuid/${id}` : id;
  const version = id === "" ? label : byId;
  return { key, ...(version === "" ? {} : { version }), metadataPolicy: "None" };
}

function checkRef(at: string, service: Service, ref: Ref, report: Report): void {
  const problem = locateProblem(() => locate({ service, prefix: "" }, ref));
  if (problem !== undefined) report(at, problem);
}

interface Primary {
  readonly name: string;
  readonly alias: string;
  readonly service: Service | undefined;
  readonly version: Version;
}

/** Undefined where the other region is not asked, or cannot be: an ARN is of one region. */
function readFailover({ entry, value }: Entry, primary: Primary, places: Places, report: Report): Ref | undefined {
  const at = `${entry.at}.failoverObject`;
  const fields = fieldsOf(at, value("failoverObject"), report) ?? {};
  const known = ["objectName", "objectVersion", "objectVersionLabel"];
  const { entry: other } = anyCaseEntry(at, fields, known, report);
  const name = other.text("objectName");
  const version = versionIn(other);
  const { service } = primary;
  if (name !== "") {
    if (primary.alias === "")
      report(
        `${entry.at}.objectAlias`,
        "is missing; an object with a failoverObject has two names, so its file needs one",
      );
    if (places.failoverRegion === "") report(at, "has no region to be in; set the parameter failoverRegion");
    if (version.id !== primary.version.id)
      report(`${at}.objectVersion`, "is not the version of the object itself; both must be the same, or absent");
    const inArn = name.startsWith("arn:") ? serviceInArn(`${at}.objectName`, name, report) : undefined;
    if (inArn && service && inArn !== service)
      report(`${at}.objectName`, "is an ARN of another service than the object itself");
    checkRegion(`${at}.objectName`, name, places.failoverRegion, "failoverRegion", report);
  }
  if (places.failoverRegion === "" || !service) return undefined;
  const key = name === "" ? primary.name : name;
  if (name === "" && key.startsWith("arn:")) return undefined;
  const merged = { id: version.id || primary.version.id, label: version.label || primary.version.label };
  if (name !== "") checkVersion(at, service, merged, report);
  const ref = refOf(service, key, merged);
  if (name !== "") checkRef(`${at}.objectName`, service, ref, report);
  return ref;
}

function readFiles(
  { entry, value }: Entry,
  { name, alias }: Pick<Primary, "name" | "alias">,
  { translation }: Places,
  report: Report,
): readonly AwsFile[] {
  const { at } = entry;
  const mode = modeIn(entry, report);
  const whole = {
    at: `${at}.${alias === "" ? "objectName" : "objectAlias"}`,
    path: fileName(alias || name, translation),
    ...(mode === undefined ? {} : { mode }),
  };
  const cut = itemsOf(`${at}.jmesPath`, value("jmesPath"), report).flatMap((item, index) => {
    const place = `${at}.jmesPath[${index}]`;
    const fields = fieldsOf(place, item, report);
    if (!fields) return [];
    const { entry: one } = anyCaseEntry(place, fields, ["path", "objectAlias", "filePermission"], report);
    const jmesPath = one.required("path", "is missing; write a JMESPath expression that gives a string");
    const ownName = one.required("objectAlias", "is missing; name the file");
    const ownMode = modeIn(one, report) ?? mode;
    const path = fileName(ownName, translation);
    return [{ at: `${place}.objectAlias`, path, jmesPath, ...(ownMode === undefined ? {} : { mode: ownMode }) }];
  });
  return [whole, ...cut];
}

function fileName(name: string, translation: string): string {
  return translation === "" ? name.replace(/^\/+/, "") : name.replaceAll("/", translation);
}

/** Bits above 0777 are taken and mean nothing, as in every volume. */
function modeIn(entry: DialectEntry, report: Report): number | undefined {
  const text = entry.text("filePermission");
  if (text === "") return undefined;
  if (/^[0-7]{4}$/.test(text)) return Number.parseInt(text, 8) & 0o777;
  report(
    `${entry.at}.filePermission`,
    'must be four octal digits in quotes, such as "0400": without quotes this YAML takes them for a number',
  );
  return undefined;
}
