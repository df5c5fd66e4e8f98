/** The Secret that a target should be, made of the result of a read and of what may stay of the Secret that is there. */
import type { SecretValue } from "../core/secret-value.ts";
import type { ObjectMeta } from "../manifests/objects.ts";
import type { BundleMetadata } from "../read/request.ts";
import {
  createdBy,
  createdByLabel,
  dataHash,
  dataHashAnnotation,
  fieldManager,
  managedLabel,
  takesWhole,
  wantedAnnotations,
  wantedLabels,
} from "./secret-shape.ts";
import type { ExistingSecret, OwnParts, SecretObject, SecretWrite } from "./ports.ts";
import type { Rival, Seen, Want } from "./situation.ts";

/** One write of a Secret: its content, by whom, which ExternalSecret is its controller, and what is the writer's. */
export interface Write extends SecretWrite {
  readonly by: ObjectMeta;
  readonly own: OwnParts;
}

/** Keys that are not in the result stay in the Secret. */
export function keepsForeignKeys(want: Want): boolean {
  return !takesWhole(want.externalSecret.spec.target.creationPolicy) || want.options.adopt === "Merge";
}

export function wantedSecret(want: Want, { secret: present, last, rivals, otherOwner }: Seen): Write {
  const own = last?.own;
  const { meta, spec } = want.externalSecret;
  const policy = spec.target.creationPolicy;
  const texts = wantedTexts(want, present, own);
  const labels = wantedLabels(meta, policy === "Owner", texts.labels);
  const { annotations } = texts;
  const { finalizers = [] } = spec.target.template ?? {};
  const data = wantedData(want, present, own, rivals);
  const type = wantedType(want, present, own);
  return {
    secret: {
      namespace: meta.namespace,
      name: spec.target.name,
      type,
      // Never unset: the API server refuses it, and whoever set it had a reason.
      immutable: spec.target.immutable || (present?.immutable ?? false),
      labels: { ...foreignLabels(want, present, own), ...labels },
      annotations: {
        ...without(present?.annotations, own?.annotations ?? []),
        ...annotations,
        [dataHashAnnotation]: dataHash(data),
      },
      data,
    },
    by: meta,
    fieldManager: fieldManager(meta.name),
    owner: policy === "Owner" ? meta : otherOwner,
    ...(finalizers.length > 0 && { finalizers }),
    own: {
      policy,
      type,
      immutable: spec.target.immutable,
      keys: [...want.values.keys()].sort(),
      labels: Object.keys(labels).sort(),
      annotations: [...Object.keys(annotations), dataHashAnnotation].sort(),
    },
  };
}

function wantedData(
  want: Want,
  present: ExistingSecret | undefined,
  own: OwnParts | undefined,
  rivals: readonly Rival[],
): ReadonlyMap<string, SecretValue> {
  const ours = new Set(own?.keys);
  const merged = new Set(rivals.filter((rival) => !takesWhole(rival.own.policy)).flatMap((rival) => rival.own.keys));
  const stays = (key: string): boolean => merged.has(key) || (keepsForeignKeys(want) && !ours.has(key));
  return new Map([...(present?.data ?? [])].filter(([key]) => stays(key)).concat([...want.values]));
}

/**
 * Those of the ExternalSecret, unless it has a template: then what that makes alone. Where it had nothing to work on,
 * what it made before stays.
 */
function wantedTexts(
  { externalSecret: { meta, spec }, metadata }: Want,
  present: ExistingSecret | undefined,
  own: OwnParts | undefined,
): BundleMetadata {
  if (!spec.target.template) return { labels: meta.labels, annotations: wantedAnnotations(meta) };
  return metadata ?? templatedTexts(present, own);
}

/** The labels and annotations of a Secret that a template made. */
export function templatedTexts(present: ExistingSecret | undefined, own: OwnParts | undefined): BundleMetadata {
  return {
    labels: only(present?.labels, own?.labels ?? [], [managedLabel, createdByLabel]),
    annotations: only(present?.annotations, own?.annotations ?? [], [dataHashAnnotation]),
  };
}

/** That of the template; else only kept, that of the Secret which was taken over, or Opaque. */
function wantedType(want: Want, present: ExistingSecret | undefined, own: OwnParts | undefined): string {
  const { template } = want.externalSecret.spec.target;
  if (template?.type !== undefined) return template.type;
  if (own && holdsType(want)) return own.type;
  return present?.type ?? own?.type ?? "Opaque";
}

/** A changed type can only be repaired by deleting the Secret: for an owner, or on request. */
export function holdsType({ externalSecret, options }: Want): boolean {
  const policy = externalSecret.spec.target.creationPolicy;
  return policy === "Owner" || (policy === "Orphan" && options.repair);
}

function foreignLabels(
  want: Want,
  present: ExistingSecret | undefined,
  own: OwnParts | undefined,
): SecretObject["labels"] {
  const { meta } = want.externalSecret;
  const gone = [...(own?.labels ?? [])];
  if (present?.labels[createdByLabel] === createdBy(meta)) gone.push(createdByLabel);
  return without(present?.labels, gone);
}

function only(
  texts: SecretObject["labels"] | undefined,
  names: readonly string[],
  except: readonly string[],
): SecretObject["labels"] {
  return Object.fromEntries(
    Object.entries(texts ?? {}).filter(([name]) => names.includes(name) && !except.includes(name)),
  );
}

function without(texts: SecretObject["labels"] | undefined, names: readonly string[]): SecretObject["labels"] {
  return Object.fromEntries(Object.entries(texts ?? {}).filter(([name]) => !names.includes(name)));
}
