/**
 * Metrics as Prometheus scrapes them, in a registry of their own.
 *
 * Labels that users can multiply are bounded: objects as told, stores at 1,000. Values of a forgotten object go.
 */
import { Registry } from "prom-client";
import { boundedNames, ObjectSlots, otherLabel, type ObjectLabels } from "./bounded-labels.ts";
import type { Metrics } from "./metrics.ts";
import { createSeries } from "./series.ts";

export interface MetricsOptions {
  /** How many objects have series of their own; `on` = all, `off` = none. The others are counted as `_other`. */
  readonly objectLabels: number | "on" | "off";
  /** Source of keyferry_log_lines_dropped_total; 0 without. */
  readonly logLinesDropped?: () => number;
}

export interface PrometheusMetrics extends Metrics {
  /** The text exposition format, version 0.0.4. */
  render(): Promise<string>;
}

const mostStores = 1_000;
const mostWriters = 100;

export function createMetrics({ objectLabels, logLinesDropped = () => 0 }: MetricsOptions): PrometheusMetrics {
  const registry = new Registry();
  const series = createSeries(registry, logLinesDropped);
  const slots = new ObjectSlots(objectLabels);
  const storeLabel = boundedNames(mostStores);
  const conditions = new ConditionGauge(series.esoCondition, slots);
  const writerLabel = boundedNames(mostWriters);
  const stores = {
    SecretStore: new StoreSeries(series.storeSeries.SecretStore, objectLabels),
    ClusterSecretStore: new StoreSeries(series.storeSeries.ClusterSecretStore, objectLabels),
  };
  return {
    syncCall(object, outcome, seconds) {
      const labels = slots.labelsOf(object);
      series.syncCalls.inc({ ...labels, status: outcome });
      series.syncSeconds.observe({ store: storeLabel(object.store), status: outcome }, seconds);
      series.esoSyncs.inc(labels);
      if (outcome === "error") series.esoSyncErrors.inc(labels);
      series.esoDuration.set(labels, Math.round(seconds * 1e9));
    },
    condition: (object, condition, status) => conditions.set(object, condition, status),
    forgetObject(object) {
      conditions.forget(object);
      const labels = slots.free(object);
      if (!labels) return;
      for (const status of ["success", "error"]) series.syncCalls.remove({ ...labels, status });
      for (const one of [series.esoSyncs, series.esoSyncErrors, series.esoDuration]) one.remove({ ...labels });
      // This one has no namespace: an object of the same name elsewhere still needs it.
      if (!slots.hasName(labels.name)) series.drift.remove({ name: labels.name });
    },
    secretsByProvider(counts) {
      series.secrets.reset();
      for (const [provider, count] of counts) series.secrets.set({ store_provider: provider }, count);
    },
    drift(object, { writer, parts }) {
      series.drift.inc({ name: slots.labelsOf(object).name });
      for (const part of parts) series.driftFound.inc({ writer: writerLabel(writer), part });
    },
    leftAlone(counts) {
      for (const [reason, count] of Object.entries(counts)) series.leftAlone.set({ reason }, count);
    },
    storeValidated: (store, ready, seconds) => stores[store.kind].set(store, ready, seconds),
    forgetStore: (store) => stores[store.kind].forget(store),
    authFailure: (store) => series.authFailures.inc({ store: storeLabel(store) }),
    storeCall: (provider, call, outcome) => series.esoApiCalls.inc({ provider, call, status: outcome }),
    cacheAnswer: (result) => series.cacheAnswers.inc({ result }),
    mount(outcome, code, seconds) {
      series.mounts.inc({ outcome, code });
      series.mountSeconds.observe({ outcome }, seconds);
    },
    storeQueue(store, waiting, inFlight) {
      const label = storeLabel(store);
      // A gauge that several stores share would show whichever spoke last.
      if (label === otherLabel) return;
      series.storeWaiting.set({ store: label }, waiting);
      series.storeInFlight.set({ store: label }, inFlight);
    },
    render: () => registry.metrics(),
  };
}

/** ESO's series of one kind of store, bounded as those of ExternalSecrets. */
class StoreSeries {
  readonly #slots: ObjectSlots;
  readonly #conditions: ConditionGauge;
  readonly #duration: Series["storeSeries"]["SecretStore"]["duration"];

  constructor({ condition, duration }: Series["storeSeries"]["SecretStore"], limit: MetricsOptions["objectLabels"]) {
    this.#slots = new ObjectSlots(limit);
    this.#conditions = new ConditionGauge(condition, this.#slots);
    this.#duration = duration;
  }

  set(store: ObjectLabels, ready: Status, seconds: number): void {
    this.#conditions.set(store, "Ready", ready);
    this.#duration.set(this.#slots.labelsOf(store), Math.round(seconds * 1e9));
  }

  forget(store: ObjectLabels): void {
    this.#conditions.forget(store);
    const labels = this.#slots.free(store);
    if (labels) this.#duration.remove({ ...labels });
  }
}

type Series = ReturnType<typeof createSeries>;
type Status = "True" | "False";
const statuses: readonly Status[] = ["True", "False"];

/**
 * ESO's gauge: 1 at the status that a condition has, 0 at the other one. Under `_other` it counts the objects, so that
 * a sum over all series is the number of objects in a condition, bounded or not.
 */
class ConditionGauge {
  readonly #gauge: Series["esoCondition"];
  readonly #slots: ObjectSlots;
  /** What each object adds to the gauge: condition → where and which. */
  readonly #added = new Map<string, Map<string, { readonly labels: ObjectLabels; readonly status: Status }>>();

  constructor(gauge: Series["esoCondition"], slots: ObjectSlots) {
    this.#gauge = gauge;
    this.#slots = slots;
  }

  set(object: ObjectLabels, condition: string, status: Status | undefined): void {
    const key = `${object.namespace}/${object.name}`;
    this.#takeBack(key, condition);
    if (status === undefined) return;
    const labels = this.#slots.labelsOf(object);
    for (const each of statuses) this.#gauge.inc({ ...labels, condition, status: each }, each === status ? 1 : 0);
    const added = this.#added.get(key) ?? new Map<string, { labels: ObjectLabels; status: Status }>();
    this.#added.set(key, added.set(condition, { labels, status }));
  }

  forget(object: ObjectLabels): void {
    const key = `${object.namespace}/${object.name}`;
    for (const condition of [...(this.#added.get(key)?.keys() ?? [])]) this.#takeBack(key, condition);
  }

  #takeBack(key: string, condition: string): void {
    const added = this.#added.get(key);
    const before = added?.get(condition);
    if (!added || !before) return;
    added.delete(condition);
    if (added.size === 0) this.#added.delete(key);
    const { labels, status } = before;
    if (labels.name === otherLabel) this.#gauge.dec({ ...labels, condition, status }, 1);
    else for (const each of statuses) this.#gauge.remove({ ...labels, condition, status: each });
  }
}
