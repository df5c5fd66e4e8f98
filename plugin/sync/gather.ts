/** Collects what a plan is made from: the target Secret, what was written to it before, and who else writes there. */
import type { ExternalSecret } from "../manifests/objects.ts";
import type { DeletionGuard } from "./deletion-guard.ts";
import { hasWrittenValues, isAsWritten } from "./digest.ts";
import { idOf, keyOf, type Objects } from "./objects.ts";
import type { ObjectState } from "./object-state.ts";
import { followedEveryMs, leadingRef } from "./schedule.ts";
import type {
  ExistingSecret,
  ExternalSecretItem,
  ExternalSecretSource,
  ExternalSecretStatus,
  ObjectKey,
  StatusStore,
  TargetSecrets,
} from "./ports.ts";
import type { LastWrite, Rival, Seen } from "./situation.ts";

export interface GatherDeps {
  readonly source: ExternalSecretSource;
  readonly targets: TargetSecrets;
  readonly statuses: StatusStore;
  readonly objects: Objects;
  readonly guard: DeletionGuard;
  readonly digestKey: Buffer;
}

export async function loadStatus(
  state: ObjectState,
  { blank }: ExternalSecretItem,
  statuses: StatusStore,
  signal: AbortSignal,
): Promise<void> {
  if (state.statusLoaded) return;
  state.status = state.writtenStatus = blank ? undefined : await statuses.read(state.key, signal);
  state.statusLoaded = true;
}

/** `fresh` is set by whoever knows. The state's status must be loaded. */
export async function gather(
  deps: GatherDeps,
  state: ObjectState,
  externalSecret: ExternalSecret,
  signal: AbortSignal,
): Promise<Seen> {
  const { meta, spec } = externalSecret;
  const target: ObjectKey = { namespace: meta.namespace, name: spec.target.name };
  const secret = await deps.targets.get(target, signal);
  const { store } = leadingRef(externalSecret);
  return {
    secret,
    last: lastWrite(state, target, secret, deps.digestKey),
    ...otherOwner(deps.source, secret, meta),
    namespaceEnding: deps.targets.namespacePhase(meta.namespace) === "ending",
    rivals: await rivalsAt(deps, state, target, signal),
    orphans: await orphansOf(deps.targets, state, externalSecret, signal),
    deletion: {
      held: isHeld(state.status),
      left: deps.guard.left(store, deps.objects.countOf(store), followedEveryMs(externalSecret)),
    },
    fresh: false,
  };
}

/** Kept where a Secret is only filled; one that is gone itself owns nothing. */
function otherOwner(
  source: ExternalSecretSource,
  secret: ExistingSecret | undefined,
  self: ObjectKey,
): Pick<Seen, "otherOwner" | "otherOwnerClaims"> {
  if (secret?.owner === undefined || secret.owner === idOf(self))
    return { otherOwner: undefined, otherOwnerClaims: false };
  const other = source.get(keyOf(secret.owner));
  // One that cannot be understood is given the benefit of the doubt.
  const claims = other !== undefined && (!other.parsed.ok || other.parsed.value.spec.target.name === secret.name);
  return { otherOwner: other?.meta, otherOwnerClaims: claims };
}

function lastWrite(
  state: ObjectState,
  target: ObjectKey,
  secret: ExistingSecret | undefined,
  digestKey: Buffer,
): LastWrite | undefined {
  const written = holdingAt(state.status, target);
  if (!written) return undefined;
  const applied = state.applied?.externalSecret.spec.target.name === target.name ? state.applied : undefined;
  return {
    own: written.own,
    intact: secret !== undefined && isAsWritten(secret, written, digestKey),
    valuesIntact: secret !== undefined && hasWrittenValues(secret, written, digestKey),
    values: applied?.values,
  };
}

/** What an object holds of a target. A record made under another target name says nothing about this one. */
function holdingAt(status: ExternalSecretStatus | undefined, target: ObjectKey): ExternalSecretStatus["keyferry"] {
  return status?.binding?.name === target.name ? status.keyferry : undefined;
}

async function rivalsAt(
  { objects, statuses }: GatherDeps,
  state: ObjectState,
  target: ObjectKey,
  signal: AbortSignal,
): Promise<readonly Rival[]> {
  const rivals: Rival[] = [];
  for (const id of objects.sharing(target)) {
    if (id === idOf(state.key)) continue;
    const known = objects.get(id);
    const status = known?.statusLoaded ? known.status : await statuses.read(keyOf(id), signal);
    const holding = holdingAt(status, target);
    if (holding) rivals.push({ name: keyOf(id).name, own: holding.own });
  }
  return rivals;
}

/** Looked for once after a start and after a new target name. */
async function orphansOf(
  targets: TargetSecrets,
  state: ObjectState,
  { meta, spec }: ExternalSecret,
  signal: AbortSignal,
): Promise<readonly ExistingSecret[]> {
  if (!state.orphansPossible || spec.target.creationPolicy !== "Owner") return [];
  const owned = await targets.ownedBy({ namespace: meta.namespace, name: meta.name });
  const others = owned.filter(({ name }) => name !== spec.target.name);
  const secrets = await Promise.all(others.map((key) => targets.get(key, signal)));
  return secrets.filter((secret) => secret !== undefined);
}

/** A held deletion stays held over a restart: the condition is the record. */
function isHeld(status: ExternalSecretStatus | undefined): boolean {
  return status?.conditions.some((one) => one.type === "Ready" && one.message.includes("[deletion_held]")) ?? false;
}
