/** A mount over a reader and a view that answer what a test says and remember what they were asked. */
import { Failure } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { ExternalSecret, Parsed } from "../../plugin/manifests/objects.ts";
import { createMount, type Mount, type MountDeps } from "../../plugin/mount/mount.ts";
import type { MountCall } from "../../plugin/mount/attributes.ts";
import type { Log, LogFields } from "../../plugin/observe/log.ts";
import type { Metrics } from "../../plugin/observe/metrics.ts";
import type { BundleValue, ReadRequest, ReadTerms, SecretBundle, Source } from "../../plugin/read/request.ts";
import type { Address } from "../../plugin/stores/contract.ts";
import { FakeClock } from "../fakes/clock.ts";

export const facts = {
  "csi.storage.k8s.io/pod.name": "web-0",
  "csi.storage.k8s.io/pod.namespace": "shop",
  "csi.storage.k8s.io/pod.uid": "6f1c0c34-7f2e-4c12-9a47-0f5b6f6f5b11",
  "csi.storage.k8s.io/serviceAccount.name": "checkout",
};

export function callOf(parameters: Readonly<Record<string, string>>, parts: Partial<MountCall> = {}): MountCall {
  const attributes = JSON.stringify({ secretProviderClass: "app", ...facts, ...parameters });
  return { attributes, secrets: "{}", permission: "420", ...parts };
}

/** A bundle of texts, `name → text` or `name → [text, store version]`, all from one field. */
export function bundleOf(values: Readonly<Record<string, string | readonly [string, string]>>): SecretBundle {
  const sources: Source[] = [];
  const entries = Object.entries(values).map(([name, value], i): [string, BundleValue] => {
    const [text, version] = typeof value === "string" ? [value, ""] : value;
    sources.push({
      store: { kind: "SecretStore", name: "vault" },
      storeNamespace: "shop",
      storeKindName: "fake",
      address: `secret/data/${name}` as Address,
      version,
      begunAtMs: 0,
      fetchedAtMs: 0,
      cache: "miss",
    });
    return [name, { value: SecretValue.fromText(text), source: i, field: `parameters.dataFrom[${i}]` }];
  });
  return { values: new Map(entries), sources, missing: [] };
}

export interface MountBench {
  readonly mount: Mount;
  readonly clock: FakeClock;
  readonly reads: { readonly request: ReadRequest; readonly terms: ReadTerms; readonly signal: AbortSignal }[];
  readonly lookups: string[];
  readonly lines: (LogFields & { readonly level: string; readonly sentence: string })[];
  readonly counted: [string, string, number][];
}

export function mountBench(
  read: (signal: AbortSignal) => SecretBundle | Promise<SecretBundle>,
  options: {
    readonly externalSecrets?: Readonly<Record<string, Parsed<ExternalSecret>>>;
    readonly tokenKeys?: MountDeps["tokenKeys"];
    readonly clock?: FakeClock;
  } = {},
): MountBench {
  const clock = options.clock ?? new FakeClock();
  const reads: MountBench["reads"] = [];
  const lookups: string[] = [];
  const lines: MountBench["lines"] = [];
  const counted: MountBench["counted"] = [];
  const at =
    (level: string) =>
    (sentence: string, fields: LogFields = {}): void =>
      void lines.push({ level, sentence, ...fields });
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  const mount = createMount({
    reader: {
      async read(request, terms, signal) {
        reads.push({ request, terms, signal });
        return read(signal);
      },
    },
    view: {
      async findExternalSecret(namespace, name) {
        lookups.push(`${namespace}/${name}`);
        return options.externalSecrets?.[`${namespace}/${name}`];
      },
    },
    clock,
    versionKey: Buffer.alloc(32, 1),
    limits: { mountMaxAgeMs: 30_000, maxStaleMs: 86_400_000 },
    ...(options.tokenKeys ? { tokenKeys: options.tokenKeys } : {}),
    log,
    metrics: { mount: (...count: [string, string, number]) => void counted.push(count) } as unknown as Metrics,
  });
  return { mount, clock, reads, lookups, lines, counted };
}

export const neverAborted = new AbortController().signal;

/** What a mount fails with; fails itself when it does not. */
export async function failureOf(mounting: Promise<unknown>): Promise<Failure> {
  const thrown: unknown = await mounting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(thrown instanceof Failure)) throw new Error(`expected a Failure, got ${typeof thrown}`);
  return thrown;
}
