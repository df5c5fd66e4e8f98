/**
 * A template as the list of its parts, in the order in which they are written: what templateFrom names, then metadata
 * and data of the template itself. Later ones win.
 *
 * ConfigMaps and Secrets are those of the caller's own namespace; nothing in a template can name another one.
 */
import { Failure } from "../core/failure.ts";
import type { DecodingStrategy, TemplateFrom, TemplateSource } from "../manifests/objects.ts";
import type { NamedTemplate } from "../template/request.ts";
import type { ClusterView } from "./ports.ts";
import type { TemplatePlan } from "./request.ts";

export interface TemplatePiece {
  readonly into: TemplateFrom["target"];
  /** Values: the template's key gets its result. KeysAndValues: the result is a YAML map of both. */
  readonly as: "Values" | "KeysAndValues";
  readonly template: NamedTemplate & { readonly field: string };
  readonly decoding: DecodingStrategy;
}

export type TemplateTexts = Pick<ClusterView, "configMapValue" | "secretValue">;

/** Rejects with Failure `template_failed` for a source that is missing, or `kube_unavailable`. */
export async function piecesOf(
  { field, template }: TemplatePlan,
  namespace: string,
  texts: TemplateTexts,
  signal: AbortSignal,
): Promise<readonly TemplatePiece[]> {
  const sources = template.templateFrom.map((source, i) =>
    piecesFrom(source, `${field}.templateFrom[${i}]`, namespace, texts, signal),
  );
  return [
    ...(await Promise.all(sources)).flat(),
    ...ownPieces("Labels", template.labels, `${field}.metadata.labels`),
    ...ownPieces("Annotations", template.annotations, `${field}.metadata.annotations`),
    ...ownPieces("Data", template.data, `${field}.data`),
  ];
}

function ownPieces(
  into: TemplatePiece["into"],
  members: Readonly<Record<string, string>>,
  field: string,
): readonly TemplatePiece[] {
  return Object.entries(members).map(([key, text]) => ({
    into,
    as: "Values",
    template: { key, text, field: `${field}[${key}]` },
    decoding: "None",
  }));
}

async function piecesFrom(
  { configMap, secret, literal, target: into, decoding }: TemplateFrom,
  field: string,
  namespace: string,
  texts: TemplateTexts,
  signal: AbortSignal,
): Promise<readonly TemplatePiece[]> {
  const ofConfigMap = itemsOf(configMap, into, decoding, `${field}.configMap`, async (name, key, at) => {
    const text = await texts.configMapValue(namespace, name, key, signal);
    return { text: text ?? missing("ConfigMap", namespace, name, key, at) };
  });
  const ofSecret = itemsOf(secret, into, decoding, `${field}.secret`, async (name, key, at) => {
    const value = await texts.secretValue(namespace, name, key, signal);
    const text = value?.reveal().toString("utf8") ?? missing("Secret", namespace, name, key, at);
    return { text, secretText: true };
  });
  const ofLiteral = (text: string): TemplatePiece => ({
    into,
    as: "KeysAndValues",
    template: { key: "literal", text, field: `${field}.literal` },
    decoding,
  });
  return [...(await ofConfigMap), ...(await ofSecret), ...(literal === undefined ? [] : [ofLiteral(literal)])];
}

/** `textOf` gets a name, a key, and where the reference stands. */
async function itemsOf(
  source: TemplateSource | undefined,
  into: TemplatePiece["into"],
  decoding: DecodingStrategy,
  field: string,
  textOf: (name: string, key: string, at: string) => Promise<Pick<NamedTemplate, "text" | "secretText">>,
): Promise<readonly TemplatePiece[]> {
  const items = source?.items ?? [];
  return Promise.all(
    items.map(async ({ key, templateAs }, i): Promise<TemplatePiece> => {
      const at = `${field}.items[${i}]`;
      return { into, as: templateAs, template: { key, field: at, ...(await textOf(source!.name, key, at)) }, decoding };
    }),
  );
}

function missing(kind: "ConfigMap" | "Secret", namespace: string, name: string, key: string, field: string): never {
  throw new Failure(
    "template_failed",
    `there is no ${kind} ${namespace}/${name} with the key ${key}; create it, or correct the reference`,
    { field },
  );
}
