/** The parameters of a SecretProviderClass with provider keyferry: plain texts, some of them holding YAML. */
import * as v from "valibot";
import { parseGoDuration } from "../core/duration.ts";
import { isDnsSubdomain } from "../core/names.ts";
import {
  dataEntrySchema,
  dataFromEntryOf,
  dataFromEntrySchema,
  entryProblems,
  namesStore,
  storeOf,
  storeRefSchema,
} from "./entries.ts";
import { checkFields, described, didYouMean, formatPath, withoutNulls } from "./fields.ts";
import { nameRule, parsedOr } from "./object-meta.ts";
import type { MountClass, MountDataEntry, Parsed, Problem } from "./objects.ts";
import { remoteRefOf } from "./remote-ref.ts";
import { templateEngines, templateOf, templateProblems, templateSchema } from "./target-template.ts";
import { nonEmptyText } from "./values.ts";
import { parseYamlDocuments } from "./yaml-text.ts";

const permission = /^0[0-7]{1,3}$/;
const permissionRule = 'must be octal text with a leading 0, from "0000" to "0777", such as "0400"';

const mountDataSchema = v.array(
  dataEntrySchema({
    secretKey: described("Path of the file, relative to the volume.", nonEmptyText),
    mode: described('Permission of the file, as octal text such as "0400".', v.optional(octalMode())),
  }),
);
const dataFromSchema = v.array(dataFromEntrySchema);

const known = [
  "externalSecret",
  "secretStoreRef",
  "data",
  "dataFrom",
  "template",
  "templateEngine",
  "identity",
  "refreshInterval",
  "maxStale",
  "filePermission",
] as const;
const entryParameters = ["secretStoreRef", "data", "dataFrom", "template"] as const;

type Parameters = Readonly<Record<string, string>>;
type RawStoreRef = v.InferOutput<typeof storeRefSchema>;

/** Reports every problem of the parameters; paths start with `parameters`. */
export function parseMountClass(parameters: Parameters): Parsed<MountClass> {
  const read = new ParameterReader(parameters);
  read.refuseUnknown();
  const identity = read.choice("identity", ["Pod", "Store"]) ?? "Pod";
  const refreshIntervalMs = read.durationMs("refreshInterval");
  const maxStaleMs = read.durationMs("maxStale");
  const filePermission = read.permission("filePermission");
  const source = readSource(read);
  return parsedOr(read.problems, () => ({
    source: source!,
    identity,
    ...(refreshIntervalMs === undefined ? {} : { refreshIntervalMs }),
    ...(maxStaleMs === undefined ? {} : { maxStaleMs }),
    ...(filePermission === undefined ? {} : { filePermission }),
  }));
}

/** Undefined after a problem. */
function readSource(read: ParameterReader): MountClass["source"] | undefined {
  const externalSecret = read.text("externalSecret");
  if (externalSecret !== undefined) {
    for (const name of entryParameters)
      if (read.text(name) !== undefined)
        read.report(
          [name],
          "does not go with externalSecret, which names its own stores and entries; keep one of the two",
        );
    if (read.text("templateEngine") !== undefined)
      read.report(
        ["templateEngine"],
        "does not go with externalSecret, which says keyferry.dev/template-engine itself",
      );
    if (!isDnsSubdomain(externalSecret)) read.report(["externalSecret"], nameRule);
    return { externalSecret };
  }
  const raw = { secretStoreRef: read.yaml("secretStoreRef"), data: read.yaml("data"), dataFrom: read.yaml("dataFrom") };
  const entries = [raw.data, raw.dataFrom];
  if (entries.every((list) => list === undefined || (Array.isArray(list) && list.length === 0)) && !read.brokenYaml)
    read.report([], "names nothing to mount; set externalSecret, or secretStoreRef and data");
  const storeRef = read.checked(storeRefSchema, "secretStoreRef", raw.secretStoreRef);
  const data = read.checked(mountDataSchema, "data", raw.data) ?? [];
  const dataFrom = read.checked(dataFromSchema, "dataFrom", raw.dataFrom) ?? [];
  const engine = read.choice("templateEngine", templateEngines) ?? "go";
  const rawTemplate = read.yaml("template");
  const template = read.checked(templateSchema, "template", rawTemplate);
  read.problems.push(...templateProblems(rawTemplate, ["parameters", "template"], {}));
  const hasStore = namesStore(raw.secretStoreRef ?? read.text("secretStoreRef"));
  read.problems.push(...entryProblems({ data: raw.data, dataFrom: raw.dataFrom, hasStore, at: ["parameters"] }));
  if (read.problems.length > 0) return undefined;
  return {
    data: data.map((entry) => dataEntryOf(entry, storeRef)),
    dataFrom: dataFrom.map((entry) => dataFromEntryOf(entry, storeRef)),
    ...(template ? { template: templateOf(template, engine) } : {}),
  };
}

function dataEntryOf(
  { secretKey, remoteRef, sourceRef, mode }: v.InferOutput<typeof mountDataSchema>[number],
  fallback: RawStoreRef | undefined,
): MountDataEntry {
  return {
    secretKey,
    remoteRef: remoteRefOf(remoteRef),
    storeRef: storeOf(sourceRef, fallback),
    ...(mode === undefined ? {} : { mode }),
  };
}

/** Unquoted, 0400 is the number 400 in YAML: another mode than meant, so numbers are refused. */
function octalMode() {
  return v.pipe(
    v.string((issue) => (typeof issue.input === "number" ? `${permissionRule}; put it in quotes` : permissionRule)),
    v.check((text) => permission.test(text), permissionRule),
    v.transform((text) => Number.parseInt(text, 8)),
  );
}

const classYamlLimits = { characters: 64 * 1024, documents: 1, depth: 16 };

/** Reads one parameter at a time and gathers what is wrong. */
class ParameterReader {
  readonly problems: Problem[] = [];
  brokenYaml = false;
  readonly #parameters: Parameters;

  constructor(parameters: Parameters) {
    this.#parameters = parameters;
  }

  report(path: readonly string[], problem: string): void {
    this.problems.push({ path: formatPath(["parameters", ...path]), problem });
  }

  text(name: (typeof known)[number]): string | undefined {
    return Object.hasOwn(this.#parameters, name) ? this.#parameters[name] : undefined;
  }

  refuseUnknown(): void {
    for (const name of Object.keys(this.#parameters)) {
      if (!(known as readonly string[]).includes(name))
        this.report([name], `unknown parameter; ${didYouMean(name, known) || `known here: ${known.join(", ")}`}`);
    }
  }

  choice<const T extends string>(name: (typeof known)[number], options: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const chosen = options.find((option) => option === text);
    const hint = chosen === undefined ? didYouMean(text, options) : "";
    if (chosen === undefined) this.report([name], `must be one of ${options.join(", ")}${hint && `; ${hint}`}`);
    return chosen;
  }

  /** Milliseconds, 0 or more. */
  durationMs(name: (typeof known)[number]): number | undefined {
    const text = this.text(name);
    const ms = text === undefined ? undefined : parseGoDuration(text);
    if (text !== undefined && ms === undefined)
      this.report([name], "is not a duration; write numbers with units, such as 30s, 15m or 1h30m");
    else if (ms !== undefined && ms < 0) this.report([name], "must not be negative");
    return ms === undefined ? undefined : Math.ceil(ms);
  }

  permission(name: (typeof known)[number]): number | undefined {
    const text = this.text(name);
    if (text === undefined || permission.test(text)) return text === undefined ? undefined : Number.parseInt(text, 8);
    this.report([name], permissionRule);
    return undefined;
  }

  yaml(name: (typeof known)[number]): unknown {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const [document, ...others] = parseYamlDocuments(text, classYamlLimits);
    if (document?.ok && others.length === 0) return withoutNulls(document.value);
    this.brokenYaml = true;
    if (!document) this.report([name], "is empty; fill it in or remove it");
    else if (document.ok) this.report([name], "must be one YAML document; remove the --- lines");
    else this.report([name], `line ${document.line}: ${document.problem}`);
    return undefined;
  }

  checked<S extends v.GenericSchema>(schema: S, name: string, input: unknown): v.InferOutput<S> | undefined {
    if (input === undefined) return undefined;
    const { value, problems } = checkFields(schema, input, ["parameters", name]);
    this.problems.push(...problems);
    return value;
  }
}
