/**
 * Takes a Secret that is still as it was written for the last good result: after a restart nothing is read before its
 * time, and drift is undone although the store may be down.
 */
import type { SecretValue } from "../core/secret-value.ts";
import type { ExternalSecret, SecretTemplate } from "../manifests/objects.ts";
import type { BundleMetadata } from "../read/request.ts";
import type { SyncOptions } from "./annotations.ts";
import type { ObjectState } from "./object-state.ts";
import { afterRestart, isPeriodic, type Now } from "./schedule.ts";
import { dataHash, dataHashAnnotation, managedLabel, syncedResourceVersion, takesWhole } from "./secret-shape.ts";
import type { ExistingSecret, ExternalSecretStatus } from "./ports.ts";
import type { Seen } from "./situation.ts";
import { templatedTexts } from "./wanted-secret.ts";

/**
 * To be called at an object's first run in this process, with its status loaded. A read that somebody has asked for
 * meanwhile stays due.
 */
export function adoptLastGood(
  state: ObjectState,
  externalSecret: ExternalSecret,
  options: SyncOptions,
  seen: Seen,
  time: { readonly now: Now; readonly heartbeatMs: number },
): void {
  const { status } = state;
  const values = seen.last?.valuesIntact
    ? ownValues(seen.secret!, seen.last.own.keys)
    : valuesOfEso(externalSecret, status, seen.secret);
  const inEffect = isInEffect(status, externalSecret);
  const { template } = externalSecret.spec.target;
  const metadata = template && values ? madeBefore(template, seen) : undefined;
  // What a label was that somebody edited, only the template can tell.
  if (template && values && !metadata) return;
  if (values) {
    state.applied = { externalSecret, options, values, missing: [], ...(metadata && { metadata }) };
    // CreatedOnce is not read again, whatever has changed meanwhile.
    if (!inEffect && externalSecret.spec.refreshPolicy !== "CreatedOnce") return;
    state.want = state.applied;
  } else if (!inEffect || !isLeftAlone(externalSecret, options, seen)) return;
  if (state.asks > 0) return;
  const next = afterRestart(externalSecret, time.now, Date.parse(status?.refreshTime ?? ""), time.heartbeatMs);
  state.readAtMs = next.atMs;
  state.onPhase = next.onPhase;
}

/** Labels and annotations as the template made them; undefined when nothing here can tell. */
function madeBefore(template: SecretTemplate, { secret, last }: Seen): BundleMetadata | undefined {
  if (last?.intact) return templatedTexts(secret, last.own);
  const { labels, annotations, templateFrom } = template;
  const isPlain = [...Object.values(labels), ...Object.values(annotations)].every((text) => !text.includes("{{"));
  return isPlain && templateFrom.every(({ target }) => target === "Data") ? { labels, annotations } : undefined;
}

/** Nothing is written between two reads, so nothing has to be known. */
function isLeftAlone({ spec }: ExternalSecret, { repair }: SyncOptions, { last }: Seen): boolean {
  const { creationPolicy } = spec.target;
  return creationPolicy === "None" || (creationPolicy === "Orphan" && !repair && last !== undefined);
}

/** The status speaks of the ExternalSecret as it is now, and it was synced. */
function isInEffect(status: ExternalSecretStatus | undefined, { meta }: ExternalSecret): boolean {
  const ready = status?.conditions.find((condition) => condition.type === "Ready");
  const current = status?.syncedResourceVersion === syncedResourceVersion(meta);
  return current && status?.refreshTime !== undefined && ready?.status === "True";
}

function ownValues(secret: ExistingSecret, keys: readonly string[]): ReadonlyMap<string, SecretValue> {
  return new Map([...secret.data].filter(([key]) => keys.includes(key)));
}

/**
 * A Secret of an existing ESO installation has no digest yet. Where the source is followed, the first read makes one;
 * where it is not, a read would bring values that nobody asked for, so its unkeyed hash has to do.
 */
function valuesOfEso(
  externalSecret: ExternalSecret,
  status: ExternalSecretStatus | undefined,
  secret: ExistingSecret | undefined,
): ReadonlyMap<string, SecretValue> | undefined {
  if (status?.keyferry || isPeriodic(externalSecret) || !isInEffect(status, externalSecret)) return undefined;
  if (!secret || !takesWhole(externalSecret.spec.target.creationPolicy)) return undefined;
  if (secret.labels[managedLabel] !== "true") return undefined;
  return secret.annotations[dataHashAnnotation] === dataHash(secret.data) ? secret.data : undefined;
}
