/**
 * The Secrets that sync keeps, and who else writes them.
 *
 * Always read from the API server: of what a watch brought only the version counts. A write carries the version and everything foreign
 * of the very object that it was planned for.
 */
import { Failure } from "../core/failure.ts";
import type { ExistingSecret, ObjectKey, TargetSecrets, WriteOutcome } from "../sync/ports.ts";
import type { KubeApi, Mirror } from "./contract.ts";
import { createFootprints, type Footprint } from "./footprints.ts";
import { claimIndex, type Claim } from "./managed-secrets.ts";
import type { NamespaceFacts } from "./namespaces.ts";
import { secrets } from "./resources.ts";
import { readSecret, writtenSecret, type SecretRest } from "./secret-object.ts";
import { refusedWrite } from "./write-refusal.ts";

export interface TargetDeps {
  readonly api: KubeApi;
  readonly managed: Mirror<Claim>;
  readonly namespaces: Mirror<NamespaceFacts>;
}

export function createTargets({ api, managed, namespaces }: TargetDeps): TargetSecrets {
  const rests = new WeakMap<ExistingSecret, SecretRest>();
  const listeners = new Set<(key: ObjectKey) => void>();
  const claimed = claimIndex(managed);
  const footprints = createFootprints((id) => {
    for (const listener of [...listeners]) listener(keyOf(id));
  });
  managed.onChange(({ type, entry }) => {
    const { key, uid, resourceVersion } = entry;
    footprints.saw(idOf(key), type === "removed" ? { goneUid: uid } : { resourceVersion });
  });

  const restOf = (present: ExistingSecret): SecretRest => {
    const rest = rests.get(present);
    if (!rest) throw new Failure("internal", "a Secret is written that was not read here");
    return rest;
  };
  const write = (key: ObjectKey, verb: "create" | "replace", send: () => Promise<string>): Promise<WriteOutcome> =>
    footprints.during(idOf(key), () => outcomeOf(verb, send), footprintOf);

  return {
    async get(key, signal) {
      const object = await api.get(secrets, key, signal);
      if (!object) return undefined;
      const { secret, rest } = readSecret(object);
      rests.set(secret, rest);
      return secret;
    },
    watchedVersion(key) {
      const { synced, problem } = managed.health();
      return synced && !problem ? managed.get(key)?.resourceVersion : undefined;
    },
    create: (wanted, signal) =>
      write(wanted.secret, "create", async () => {
        const { fieldManager } = wanted;
        const { metadata } = await api.create(secrets, writtenSecret(wanted), signal, { fieldManager });
        return metadata.resourceVersion ?? "";
      }),
    replace: (wanted, present, signal) =>
      write(present, "replace", async () => {
        const { fieldManager } = wanted;
        const body = writtenSecret(wanted, restOf(present));
        const { metadata } = await api.replace(secrets, body, signal, { fieldManager });
        return metadata.resourceVersion ?? "";
      }),
    remove(present, signal) {
      const { uid } = restOf(present);
      const only = { uid, resourceVersion: present.resourceVersion };
      const send = async (): Promise<string> => {
        await api.remove(secrets, present, signal, only);
        return "";
      };
      const remove = (): Promise<WriteOutcome> => outcomeOf("remove", send);
      return footprints.during(idOf(present), remove, ({ done }) => (done ? { goneUid: uid } : undefined));
    },
    ownedBy: (owner) =>
      managed.health().synced
        ? Promise.resolve(claimed(owner))
        : Promise.reject(new Failure("kube_unavailable", "the managed Secrets are not listed yet")),
    namespacePhase: (namespace) =>
      namespaces.get({ namespace: "", name: namespace })?.value.ending ? "ending" : "active",
    onForeignChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** `send` resolves with the new resourceVersion. */
async function outcomeOf(verb: "create" | "replace" | "remove", send: () => Promise<string>): Promise<WriteOutcome> {
  try {
    return { done: true, resourceVersion: await send() };
  } catch (thrown) {
    return refusedWrite(thrown, verb);
  }
}

function footprintOf(outcome: WriteOutcome): Footprint | undefined {
  return outcome.done ? { resourceVersion: outcome.resourceVersion } : undefined;
}

function idOf({ namespace, name }: ObjectKey): string {
  return `${namespace}/${name}`;
}

function keyOf(id: string): ObjectKey {
  const slash = id.indexOf("/");
  return { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}
