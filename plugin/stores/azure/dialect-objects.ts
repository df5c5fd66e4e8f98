/** `objects` of Azure's CSI provider: YAML whose `array` holds texts that are YAML again, one for each object. */
import type { DialectFile } from "../class-dialect.ts";
import type { Ref } from "../contract.ts";
import { fieldsOf, itemsOf, readYaml } from "../dialect-yaml.ts";
import { entryOf, locateProblem } from "../dialect.ts";
import type { DialectEntry, DialectReader } from "../dialect.ts";
import { locate, pemForm, pfxForm } from "./address.ts";

export interface AzureObject {
  /** The field that names its file. */
  readonly at: string;
  readonly path: string;
  readonly file: DialectFile;
}

type Report = DialectReader["report"];

const types = ["secret", "key", "cert"] as const;
type ObjectType = (typeof types)[number];

/** What stands there without quotes is a text as well, but for the words that say nothing. */
const plainText = (text: string): string => (["~", "null", "Null", "NULL"].includes(text) ? "" : text);

/** `filePermission`: of files that have none of their own. */
export function readObjects(reader: DialectReader, filePermission: number): readonly AzureObject[] {
  const { report } = reader;
  const whole = readYaml("objects", reader.text("objects"), plainText, report);
  if (whole === undefined) return [];
  const fields = fieldsOf("objects", whole, report);
  if (!fields) return [];
  const array = Object.hasOwn(fields, "array") ? fields["array"] : undefined;
  const items = itemsOf("objects.array", array, report);
  if (array === undefined || array === "" || (Array.isArray(array) && items.length === 0))
    report("objects.array", "is missing or empty; list what is to be mounted");
  const objects = items.flatMap((item, index) => {
    const entry = entryIn(`objects.array[${index}]`, item, report);
    return entry ? (readObject(entry, filePermission, report) ?? []) : [];
  });
  return objects.map((one) => withOwnId(one, objects));
}

/** An object that is there in two versions has two ids: the provider has one, and tells one of the versions. */
function withOwnId(one: AzureObject, all: readonly AzureObject[]): AzureObject {
  const { ref, object } = one.file;
  const isAlone = all.every(({ file }) => file.ref.key !== ref.key || file.ref.version === ref.version);
  if (isAlone || ref.version === undefined) return one;
  return { ...one, file: { ...one.file, object: { ...object, id: `${object.id}/${ref.version}` } } };
}

/** Its texts are trimmed. Undefined after a problem. */
function entryIn(at: string, item: unknown, report: Report): DialectEntry | undefined {
  if (typeof item !== "string") {
    report(at, "must be a text that holds YAML; write it behind `- |`");
    return undefined;
  }
  const inner = readYaml(at, item, plainText, report);
  if (inner === undefined) return undefined;
  const fields = fieldsOf(at, inner, report);
  if (!fields) {
    if (inner === "") report(at, "is empty; it must be a map of fields");
    return undefined;
  }
  const trimmed = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "string" ? value.trim() : value,
  ]);
  return entryOf(at, Object.fromEntries(trimmed) as typeof fields, report);
}

function readObject(entry: DialectEntry, filePermission: number, report: Report): AzureObject | undefined {
  const { at } = entry;
  const name = entry.required("objectName", "is missing; name the object in the vault");
  const alias = entry.text("objectAlias");
  const type = typeIn(entry, report);
  const form = formIn(entry, type, report);
  const encoding = encodingIn(entry, type, report);
  const mode = modeIn(entry, report) ?? filePermission;
  const history = historyIn(entry, report);
  const version = entry.text("objectVersion");
  const path = alias === "" ? name : alias;
  if (path.includes("..")) report(placeOf(at, alias), "has `..` in it, which this provider takes in no file name");
  if (name === "" || !type) return undefined;
  // The provider has a word for the current version.
  const versioned = version === "" || version === "latest" ? {} : { version };
  const ref: Ref = { key: `${type}/${name}`, ...versioned, metadataPolicy: "None", form };
  const problem = locateProblem(() => locate(ref));
  if (problem !== undefined) report(`${at}.${problem.startsWith("version") ? "objectVersion" : "objectName"}`, problem);
  const file: DialectFile = {
    path,
    mode,
    ref,
    ...(history > 1 ? { history } : {}),
    part: { kind: "whole" },
    encoding,
    object: { id: `${type}/${name}`, version: "store" },
  };
  return { at: placeOf(at, alias), path: history > 1 ? `${path}/0` : path, file };
}

function placeOf(at: string, alias: string): string {
  return `${at}.${alias === "" ? "objectName" : "objectAlias"}`;
}

function typeIn(entry: DialectEntry, report: Report): ObjectType | undefined {
  const given = entry.text("objectType");
  const known = types.find((one) => one === given);
  if (!known) report(`${entry.at}.objectType`, `${given === "" ? "is missing; it " : ""}must be ${types.join(", ")}`);
  return known;
}

function formIn(entry: DialectEntry, type: ObjectType | undefined, report: Report): string {
  const given = entry.text("objectFormat").toLowerCase();
  if (!["", "pem", "pfx"].includes(given)) report(`${entry.at}.objectFormat`, "must be pem or pfx");
  if (given !== "pfx") return pemForm;
  if (!type || type === "secret") return pfxForm;
  report(`${entry.at}.objectFormat`, "pfx is for objectType secret alone; remove it");
  return pemForm;
}

function encodingIn(entry: DialectEntry, type: ObjectType | undefined, report: Report): DialectFile["encoding"] {
  if (!entry.has("objectEncoding")) return "utf-8";
  if (type && type !== "secret") report(`${entry.at}.objectEncoding`, "is for objectType secret alone; remove it");
  return entry.encoding("objectEncoding");
}

/** Octal, with or without a zero in front. */
function modeIn(entry: DialectEntry, report: Report): number | undefined {
  const given = entry.text("filePermission");
  const mode = /^[0-7]{1,8}$/.test(given) ? Number.parseInt(given, 8) : Infinity;
  if (given === "") return undefined;
  if (mode <= 0o777) return mode;
  report(`${entry.at}.filePermission`, "must be octal, from 0 to 0777, as in 0400");
  return undefined;
}

function historyIn(entry: DialectEntry, report: Report): number {
  const given = entry.text("objectVersionHistory");
  if (given === "") return 0;
  if (/^[-+]?\d{1,9}$/.test(given)) return Number(given);
  report(`${entry.at}.objectVersionHistory`, "must be a whole number: how many versions");
  return 0;
}
