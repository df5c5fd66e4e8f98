/** The fields of `target.template`: what the Secret is made of, when it is not simply the keys that were read. */
import * as v from "valibot";
import { isSecretKey } from "../core/names.ts";
import { filledIn } from "./api-schema.ts";
import { described, fields, formatPath, isMap, type FieldPath } from "./fields.ts";
import type { Problem, SecretTemplate, TemplateEngine, TemplateFrom } from "./objects.ts";
import { objectName, secretKey } from "./values.ts";

const textMap = v.record(v.string(), v.string());

const templateItemSchema = fields({
  key: described("Key that holds the template.", secretKey),
  templateAs: described(
    "Values: the key is kept and its text makes the value. KeysAndValues: the text makes a YAML map of keys and values.",
    filledIn(v.picklist(["Values", "KeysAndValues"]), "Values"),
  ),
});

/** `what` is the kind of object, as it reads in a sentence. */
function templateSource(what: string) {
  return fields({
    name: described(`Name of the ${what}, in the namespace of this object.`, objectName),
    items: described(`Keys of the ${what} that hold templates.`, v.array(templateItemSchema)),
  });
}

const templateFromSchema = fields({
  configMap: described("Templates in a ConfigMap.", v.optional(templateSource("ConfigMap"))),
  secret: described("Templates in a Secret.", v.optional(templateSource("Secret"))),
  literal: described("A template written here, whose output is a YAML map of keys and values.", v.optional(v.string())),
  target: described(
    "Where the results go: Data, Labels or Annotations of a Secret, or a path such as spec.config of another kind of target.",
    filledIn(v.string(), "Data"),
  ),
  valuesDecodingStrategy: described(
    "How the rendered values are decoded before they are stored.",
    v.optional(v.picklist(["Auto", "Base64", "Base64URL", "None"]), "None"),
  ),
});

export const templateSchema = fields({
  type: described("Type of the Secret; that of an existing one is kept when absent.", v.optional(v.string())),
  engineVersion: described("Version of the template language; there is only v2.", filledIn(v.picklist(["v2"]), "v2")),
  mergePolicy: described(
    "Replace writes the rendered keys alone; Merge keeps the keys that were read beside them.",
    filledIn(v.picklist(["Replace", "Merge"]), "Replace"),
  ),
  metadata: described(
    "Labels, annotations and finalizers of the Secret.",
    v.optional(
      fields({
        labels: described("Labels; their values are templates.", v.optional(textMap, {})),
        annotations: described("Annotations; their values are templates.", v.optional(textMap, {})),
        finalizers: described("Finalizers that are added and never removed.", v.optional(v.array(v.string()), [])),
      }),
      {},
    ),
  ),
  data: described("Keys of the Secret and the templates of their values.", v.optional(textMap, {})),
  templateFrom: described(
    "Templates kept elsewhere, in order; what data writes wins.",
    v.optional(v.array(templateFromSchema), []),
  ),
});

type RawTemplate = v.InferOutput<typeof templateSchema>;

export const templateEngines = ["go", "handlebars"] as const satisfies readonly TemplateEngine[];

const targets = ["Data", "Labels", "Annotations"] as const;

/** In any case of letters, as ESO takes it. */
function targetOf(text: string): TemplateFrom["target"] | undefined {
  return targets.find((target) => target.toLowerCase() === text.toLowerCase());
}

export function templateOf(
  { type, mergePolicy, metadata, data, templateFrom }: RawTemplate,
  engine: TemplateEngine,
): SecretTemplate {
  return {
    engine,
    ...(type ? { type } : {}),
    mergePolicy,
    ...metadata,
    data,
    templateFrom: templateFrom.map(({ configMap, secret, literal, target, valuesDecodingStrategy: decoding }) => ({
      ...(configMap ? { configMap } : {}),
      ...(secret ? { secret } : {}),
      ...(literal === undefined ? {} : { literal }),
      target: targetOf(target) ?? "Data",
      decoding,
    })),
  };
}

/** Whoever may write such a Secret can mint tokens: ExternalSecrets must not become that right. */
const refusedTypes = ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];

export interface TemplateRules {
  /** Name of the Secret that is written; absent for files, whose names have rules of their own. */
  readonly secretName?: unknown;
}

/** Rules between fields. Works on unchecked input, so that they are reported along with the schema's problems. */
export function templateProblems(raw: unknown, at: FieldPath, { secretName }: TemplateRules): readonly Problem[] {
  if (!isMap(raw)) return [];
  const problems: Problem[] = [];
  const report = (path: FieldPath, problem: string): void =>
    void problems.push({ path: formatPath([...at, ...path]), problem });
  if (typeof raw.type === "string" && refusedTypes.includes(raw.type))
    report(["type"], "a Secret of this type makes a credential and is never written; choose another");
  if (secretName !== undefined && isMap(raw.data))
    for (const key of Object.keys(raw.data))
      if (!isSecretKey(key)) report(["data", key], 'is no key of a Secret: use 1–253 letters, digits, "-", "_" or "."');
  const sources = Array.isArray(raw.templateFrom) ? (raw.templateFrom as unknown[]) : [];
  sources.forEach((source, i) => {
    if (!isMap(source)) return;
    const { configMap, secret, literal, target } = source;
    if (configMap === undefined && secret === undefined && literal === undefined)
      report(["templateFrom", i], "holds no template; set configMap, secret or literal");
    if (typeof target === "string" && target !== "" && !targetOf(target))
      report(
        ["templateFrom", i, "target"],
        `must be one of ${targets.join(", ")}; a path goes with target.manifest, which is not supported yet`,
      );
    if (secretName !== undefined && isMap(secret) && secret.name === secretName)
      report(["templateFrom", i, "secret", "name"], "is the Secret that is written; keep the templates in another one");
  });
  return problems;
}
