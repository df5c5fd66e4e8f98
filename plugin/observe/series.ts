/** Every series, with its name on the wire, its labels and its meaning. docs/metrics.md explains them to readers. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** A warm mount takes a few milliseconds, a kubelet waits two minutes. */
const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createSeries(registry: Registry, logLinesDropped: () => number) {
  const registers = [registry];
  const counter = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Histogram({ name, help, labelNames, registers, buckets: secondsBuckets });
  const storeGauges = (prefix: string) => ({
    condition: gauge(`${prefix}_status_condition`, "Stores whose condition has this status.", [
      "name",
      "namespace",
      "condition",
      "status",
    ]),
    duration: gauge(`${prefix}_reconcile_duration`, "Nanoseconds the last validation took.", ["name", "namespace"]),
  });
  addProcessSeries(registers, logLinesDropped);
  return {
    // The names of the design document that this project implements.
    syncCalls: counter("externalsecrets_sync_calls_total", "Syncs of ExternalSecrets.", [
      "name",
      "namespace",
      "status",
    ]),
    syncSeconds: histogram("externalsecrets_sync_duration_seconds", "Time one sync took.", ["store", "status"]),
    secrets: gauge("externalsecrets_secrets_total", "Secrets that are kept in sync.", ["store_provider"]),
    drift: counter("externalsecrets_drift_detected_total", "Secrets found changed behind our back.", ["name"]),
    authFailures: counter("externalsecrets_store_auth_failure_total", "Logins that a store refused.", ["store"]),
    // The names of External Secrets Operator, for dashboards that exist.
    esoSyncs: counter("externalsecret_sync_calls_total", "Syncs of ExternalSecrets.", ["name", "namespace"]),
    esoSyncErrors: counter("externalsecret_sync_calls_error", "Syncs that failed.", ["name", "namespace"]),
    esoCondition: gauge("externalsecret_status_condition", "Objects whose condition has this status.", [
      "name",
      "namespace",
      "condition",
      "status",
    ]),
    esoDuration: gauge("externalsecret_reconcile_duration", "Nanoseconds the last sync took.", ["name", "namespace"]),
    esoApiCalls: counter("externalsecret_provider_api_calls_count", "Calls to stores.", ["provider", "call", "status"]),
    storeSeries: {
      SecretStore: storeGauges("secretstore"),
      ClusterSecretStore: storeGauges("clustersecretstore"),
    },
    // Our own.
    driftFound: counter("keyferry_drift_found_total", "Drift found, by who made it and what differs.", [
      "writer",
      "part",
    ]),
    leftAlone: gauge("keyferry_externalsecrets_left_alone", "ExternalSecrets that other controllers sync.", ["reason"]),
    cacheAnswers: counter("keyferry_cache_answers_total", "Reads by where the answer came from.", ["result"]),
    mounts: counter("keyferry_mounts_total", "Mount calls.", ["outcome", "code"]),
    mountSeconds: histogram("keyferry_mount_duration_seconds", "Time one mount call took.", ["outcome"]),
    storeWaiting: gauge("keyferry_store_waiting_reads", "Reads that wait for their store's budget.", ["store"]),
    storeInFlight: gauge("keyferry_store_reads_in_flight", "Reads that a store is working on.", ["store"]),
  };
}

/** A few of prom-client's default metrics: the others keep performance observers running. */
function addProcessSeries(registers: Registry[], logLinesDropped: () => number): void {
  new Counter({
    name: "keyferry_log_lines_dropped_total",
    help: "Log lines that their destination did not take in time.",
    registers,
    collect() {
      this.reset();
      this.inc(logLinesDropped());
    },
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory of this process.",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time of this process.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}
