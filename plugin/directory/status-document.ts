/** What a status file holds, as text and back. Names, times and safe messages only: never a value. */
import * as v from "valibot";
import { isMap } from "../manifests/fields.ts";
import { parseYamlDocuments } from "../manifests/yaml-text.ts";
import type { ExternalSecretStatus } from "../sync/ports.ts";
import type { StoreCapabilities } from "../sync/stores/ports.ts";
import { blockYaml, type YamlMap, type YamlValue } from "./block-yaml.ts";

export interface StatusCondition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  /** RFC 3339, whole seconds. */
  readonly lastTransitionTime: string;
}

export interface StatusEvent {
  /** RFC 3339, whole seconds: the last time it happened. */
  readonly time: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

export interface StatusDocument extends Omit<ExternalSecretStatus, "conditions"> {
  readonly conditions: readonly StatusCondition[];
  /** Of a store. */
  readonly capabilities?: StoreCapabilities;
  /** Newest last. */
  readonly events: readonly StatusEvent[];
}

const mostEvents = 20;

/** One more event; one that was the last of its kind before is counted and moves to the end. */
export function withEvent(events: readonly StatusEvent[], event: Omit<StatusEvent, "count">): readonly StatusEvent[] {
  const same = (one: StatusEvent): boolean =>
    one.type === event.type && one.reason === event.reason && one.message === event.message;
  const count = (events.find(same)?.count ?? 0) + 1;
  return [...events.filter((one) => !same(one)), { ...event, count }].slice(-mostEvents);
}

export function statusYaml(document: StatusDocument): string {
  const { conditions, events, ...others } = document;
  // Plain data by its type: optional members are absent or values that YAML has.
  const members = { ...others, conditions, events } as unknown as YamlMap & Record<string, YamlValue>;
  return blockYaml(members);
}

const text = v.string();
const texts = v.array(text);
const conditionSchema = v.object({
  type: text,
  status: v.picklist(["True", "False"]),
  reason: text,
  message: text,
  lastTransitionTime: text,
});
const eventSchema = v.object({
  time: text,
  type: v.picklist(["Normal", "Warning"]),
  reason: text,
  message: text,
  count: v.pipe(v.number(), v.integer()),
});
const ownSchema = v.object({
  policy: v.picklist(["Owner", "Orphan", "Merge", "CreateOrMerge", "None"]),
  type: text,
  immutable: v.boolean(),
  keys: texts,
  labels: texts,
  annotations: texts,
});
const documentSchema = v.object({
  refreshTime: v.exactOptional(text),
  syncedResourceVersion: v.exactOptional(text),
  binding: v.exactOptional(v.object({ name: text })),
  capabilities: v.exactOptional(v.picklist(["ReadOnly", "WriteOnly", "ReadWrite"])),
  keyferry: v.exactOptional(
    v.object({
      digest: text,
      dataDigest: v.exactOptional(text),
      own: ownSchema,
      storeKind: v.exactOptional(text),
    }),
  ),
  conditions: v.optional(v.array(conditionSchema), []),
  events: v.optional(v.array(eventSchema), []),
});

/** Undefined when the text is no status: whoever edited it so takes away what it said. */
export function parseStatus(yaml: string): StatusDocument | undefined {
  const [document] = parseYamlDocuments(yaml);
  if (!document?.ok || !isMap(document.value)) return undefined;
  const parsed = v.safeParse(documentSchema, document.value);
  return parsed.success ? parsed.output : undefined;
}
