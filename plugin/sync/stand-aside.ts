/**
 * Whether an ExternalSecret is another controller's, so that nothing of it may be written here. Pure.
 *
 * Of another class: a store that it names is. Beside another controller (ESO): whoever wrote its status within the last
 * two intervals syncs it; without an interval, whoever wrote it last.
 */
import type { StoreRef } from "../manifests/objects.ts";
import { followedEveryMs } from "./schedule.ts";
import type { ExternalSecretItem, StoreKey } from "./ports.ts";

export type StandAside =
  | {
      readonly why: "other_controller";
      readonly manager: string;
      /** Wall clock epoch milliseconds; Infinity = until its status entry is no longer the newest. */
      readonly untilMs: number;
    }
  | { readonly why: "other_class"; readonly store: StoreKey };

export interface AsideRules {
  /** Another controller's objects are synced all the same. */
  readonly takeOver: boolean;
  /** `spec.controller` of a store, empty when it names none; undefined when there is no such store. */
  readonly classOf: (store: StoreKey) => string | undefined;
  readonly isOurs: ClassRule;
}

/** Whether a store with this `spec.controller` (empty = none) is this process's. */
export type ClassRule = (controller: string) => boolean;

/** A store that names no class is everybody's; with `strict` it is nobody's. */
export function classRule(controllerClass: string, strict: boolean): ClassRule {
  return (controller) => (controller === "" ? !strict : controller === controllerClass);
}

export function standAside(item: ExternalSecretItem, rules: AsideRules, nowMs: number): StandAside | undefined {
  const store = storesOf(item).find((key) => {
    const controller = rules.classOf(key);
    return controller !== undefined && !rules.isOurs(controller);
  });
  if (store) return { why: "other_class", store };
  return rules.takeOver ? undefined : besideOther(item, nowMs);
}

/** Another controller keeps some of these up to date: one that has an interval, so that the end of it would show. */
export function anotherSyncs(items: readonly ExternalSecretItem[], nowMs: number): boolean {
  return items.some((item) => {
    const aside = besideOther(item, nowMs);
    return aside?.why === "other_controller" && aside.untilMs < Infinity;
  });
}

function besideOther({ parsed, statusWriter }: ExternalSecretItem, nowMs: number): StandAside | undefined {
  if (!statusWriter) return undefined;
  const { manager, atMs, newest } = statusWriter;
  const intervalMs = parsed.ok ? followedEveryMs(parsed.value) : 0;
  const untilMs = intervalMs > 0 ? atMs + 2 * intervalMs : newest ? Infinity : -Infinity;
  return untilMs > nowMs ? { why: "other_controller", manager, untilMs } : undefined;
}

function storesOf({ key, parsed, storeRefs = [] }: ExternalSecretItem): readonly StoreKey[] {
  const refs: readonly StoreRef[] = parsed.ok
    ? [...parsed.value.spec.dataFrom, ...parsed.value.spec.data].flatMap((entry) =>
        // Nobody follows generators: their class is judged where they are read.
        "generatorRef" in entry ? [] : [entry.storeRef],
      )
    : storeRefs;
  return refs.map(({ kind, name }) => ({ kind, name, namespace: kind === "SecretStore" ? key.namespace : "" }));
}
