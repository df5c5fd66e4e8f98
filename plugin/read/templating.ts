/**
 * The last step of a read: from what was read to what the template makes of it.
 *
 * A template with random or time functions is executed once for each set of answers: whoever reads the same answers
 * again gets the same result, also while a store is down. A mount, which has no such memory on its other nodes, is
 * refused then.
 */
import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { Failure } from "../core/failure.ts";
import { SecretValue } from "../core/secret-value.ts";
import type { NamedTemplate, RenderRequest } from "../template/request.ts";
import type { Caller } from "./caller.ts";
import { decodeBytes } from "./decode/base64.ts";
import type { Result } from "./last-good.ts";
import { createWeighedLru } from "./lru.ts";
import type { LoadRenderer, Rendering } from "./rendering.ts";
import type { BundleMetadata, BundleValue, ReadRequest, ReadTerms, SecretBundle, TemplatePlan } from "./request.ts";
import { keysAndValues } from "./template-map.ts";
import { piecesOf, type TemplatePiece, type TemplateTexts } from "./template-pieces.ts";

/** A template that parses, with everything that it is made of. */
export interface Prepared {
  readonly plan: TemplatePlan;
  readonly pieces: readonly TemplatePiece[];
  /** It gives another result each time. */
  readonly isVolatile: boolean;
}

export interface Templating {
  /**
   * Undefined for a request without a template. Rejects with Failure: `template_failed` for what does not parse or
   * refers to nothing, `not_mountable` for a mount that would not be the same each time, `kube_unavailable`.
   */
  prepare(request: ReadRequest, terms: ReadTerms, signal: AbortSignal): Promise<Prepared | undefined>;
  /** The bundle that the template makes of a result. Rejects with Failure `template_failed`, or the signal's reason. */
  make(prepared: Prepared, result: Result, read: ReadFacts, signal: AbortSignal): Promise<SecretBundle>;
}

/** The read that a template is part of. */
export interface ReadFacts {
  readonly request: ReadRequest;
  readonly caller: Caller;
  readonly rendering: Rendering;
}

type Made = Pick<SecretBundle, "values"> & { readonly metadata: BundleMetadata };

/** Results of templates that cannot be made again. */
const keptResults = { entries: 5_000, bytes: 16 * 1024 * 1024 } as const;
const entryBytes = 1_024;

export function createTemplating(texts: TemplateTexts, loadRenderer: LoadRenderer): Templating {
  const kept = createWeighedLru<{ readonly mark: string; readonly made: Made }>({
    ...keptResults,
    bytesOf: ({ made }) => [...made.values.values()].reduce((sum, { value }) => sum + value.byteLength, entryBytes),
  });

  return {
    async prepare(request, terms, signal) {
      const { template: plan } = request;
      const transforms = transformsOf(request);
      if (!plan && transforms.length === 0) return undefined;
      const isMount = terms.delivery === "mount";
      const all = plan ? await piecesOf(plan, terms.caller.namespace, texts, signal) : [];
      // A volume has neither labels nor annotations.
      const pieces = isMount ? all.filter(({ into }) => into === "Data") : all;
      const renderer = await loadRenderer();
      const engine = plan?.template.engine ?? "go";
      const ofPieces = renderer.volatileFunctions({ engine, templates: pieces.map(({ template }) => template) });
      const names = [...new Set([...ofPieces, ...renderer.volatileFunctions({ templates: transforms })])].sort();
      if (isMount && names.length > 0) throw notMountable(names, plan?.field ?? transforms[0]!.field!);
      return plan && { plan, pieces, isVolatile: names.length > 0 };
    },
    async make(prepared, result, { request, caller, rendering }, signal) {
      const { bundle } = result;
      if (bundle.values.size === 0) return bundle;
      const consumer = JSON.stringify([caller.kind, caller.namespace, caller.name, caller.uid]);
      const mark = prepared.isVolatile ? markOf(prepared, result, request) : "";
      const before = prepared.isVolatile ? kept.get(consumer) : undefined;
      if (before?.mark === mark) return { ...bundle, ...before.made };
      const made = await execute(prepared, bundle, rendering, signal);
      if (prepared.isVolatile) kept.set(consumer, { mark, made });
      return { ...bundle, ...made };
    },
  };
}

function transformsOf({ entries }: ReadRequest): readonly NamedTemplate[] {
  return entries.flatMap(({ field, take }) =>
    ((take.as === "map" && take.rewrite) || []).flatMap((step, i) =>
      step.by === "transform"
        ? [{ key: step.by, text: step.template, field: `${field}.rewrite[${i}].transform.template` }]
        : [],
    ),
  );
}

function notMountable(names: readonly string[], field: string): Failure {
  return new Failure(
    "not_mountable",
    `${names.join(", ")} would give other files at each mount; leave it out, or sync a Secret`,
    { field },
  );
}

/** Equal for the same templates over the same answers, shaped alike. */
function markOf({ plan, pieces }: Prepared, { parts }: Result, { entries }: ReadRequest): string {
  const answers = parts.map(({ answer }) => [answer.digest, answer.begunAtMs]);
  return hash("sha256", canonicalJson([plan, pieces, entries, answers]));
}

async function execute(
  { plan: { template }, pieces }: Prepared,
  bundle: SecretBundle,
  rendering: Rendering,
  signal: AbortSignal,
): Promise<Made> {
  const keepsAll = template.mergePolicy === "Merge";
  const makesNone = template.templateFrom.length === 0 && Object.keys(template.data).length === 0;
  const values = new Map<string, BundleValue>(keepsAll || makesNone ? bundle.values : []);
  const labels = new Map<string, string>();
  const annotations = new Map<string, string>();
  const data = new Map([...bundle.values].map(([key, { value }]) => [key, value]));
  for (const { piece, rendered } of await renderAll(pieces, { engine: template.engine, data }, rendering, signal))
    for (const [key, value] of membersOf(piece, rendered)) {
      if (piece.into === "Data") values.set(key, { value, field: piece.template.field });
      else (piece.into === "Labels" ? labels : annotations).set(key, value.reveal().toString("utf8"));
    }
  return { values, metadata: { labels: Object.fromEntries(labels), annotations: Object.fromEntries(annotations) } };
}

interface RenderedPiece {
  readonly piece: TemplatePiece;
  readonly rendered: SecretValue;
}

/** In as few turns as there can be: within one no two templates have one name. */
async function renderAll(
  pieces: readonly TemplatePiece[],
  request: Pick<RenderRequest, "engine" | "data">,
  rendering: Rendering,
  signal: AbortSignal,
): Promise<readonly RenderedPiece[]> {
  const turns: Map<string, TemplatePiece>[] = [];
  for (const piece of pieces) {
    const { key } = piece.template;
    const last = turns.at(-1);
    if (last && !last.has(key)) last.set(key, piece);
    else turns.push(new Map([[key, piece]]));
  }
  const done: RenderedPiece[] = [];
  for (const turn of turns) {
    const templates = [...turn.values()].map(({ template }) => template);
    const made = await rendering.render({ ...request, templates, missingKey: "error" }, signal);
    for (const [key, piece] of turn) done.push({ piece, rendered: made.get(key)! });
  }
  return done;
}

function membersOf({ as, template, decoding }: TemplatePiece, rendered: SecretValue): readonly [string, SecretValue][] {
  const { key, field } = template;
  const members: readonly (readonly [string, SecretValue])[] =
    as === "Values"
      ? [[key, rendered]]
      : [...keysAndValues(rendered, field)].map(([name, text]) => [name, SecretValue.fromText(text)]);
  return members.map(([name, value]) => [name, decoding === "None" ? value : decoded(value, decoding, field)]);
}

function decoded(value: SecretValue, decoding: TemplatePiece["decoding"], field: string): SecretValue {
  const bytes = decodeBytes(decoding, value.reveal());
  if (bytes) return new SecretValue(bytes);
  throw new Failure("template_failed", `its output is not ${decoding}: check valuesDecodingStrategy`, { field });
}
