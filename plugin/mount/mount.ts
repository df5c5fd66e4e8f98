/**
 * Turns one pod's mount call into the files its volume will hold.
 *
 * Reads through read/reader.ts alone; knows no store, no gRPC, no disk. All or nothing: one failing ref fails the
 * mount, so a pod never sees half a rotation.
 */
import type { Clock } from "../core/clock.ts";
import { toFailure } from "../core/failure.ts";
import type { Log, LogFields } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { PodCaller } from "../read/caller.ts";
import { podTokens, type TokenKeys, type TokenKeySource } from "../read/pod-tokens.ts";
import type { Reader, ReadTerms, SecretBundle } from "../read/request.ts";
import { answerOf, encodedBytes, largeAnswerBytes, type MountAnswer } from "./answer.ts";
import { createAsking, type AskedMount, type Asking } from "./asked.ts";
import { parseMountCall, type MountAttributes, type MountCall } from "./attributes.ts";
import type { MountView } from "./ports.ts";

export type { MountAnswer } from "./answer.ts";

export interface Mount {
  /** Rejects with Failure; nothing of the call's texts is in its message. */
  mount(call: MountCall, signal: AbortSignal): Promise<MountAnswer>;
}

export interface MountDeps {
  readonly reader: Reader;
  readonly view: MountView;
  readonly clock: Clock;
  /** 32 bytes, the same after a restart. */
  readonly versionKey: Buffer;
  readonly limits: {
    /** How old an answer may be when the class does not say. */
    readonly mountMaxAgeMs: number;
    /** How long last-good may stand in when the class does not say. */
    readonly maxStaleMs: number;
  };
  /** Keys that verify pod tokens; absent = claims are compared, not verified. */
  readonly tokenKeys?: TokenKeys | TokenKeySource;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** For everything together: kubelet gives up after two minutes, and last-good must be out long before. */
const mountLimitMs = 20_000;

export function createMount(deps: MountDeps): Mount {
  const asking = createAsking(deps.view);
  const all = { ...deps, asking };
  return {
    async mount(call, signal) {
      const startedMs = deps.clock.monotonicMs();
      let pod: LogFields = {};
      try {
        const attributes = parseMountCall(call);
        pod = { namespace: attributes.pod.namespace, pod: attributes.pod.podName };
        const { answer, bundle } = await readFiles(all, attributes, startedMs, signal);
        report(deps, pod, answer, bundle, startedMs);
        return answer;
      } catch (thrown) {
        throw reportFailure(deps, pod, thrown, startedMs, signal);
      }
    },
  };
}

async function readFiles(
  deps: MountDeps & { readonly asking: Asking },
  attributes: MountAttributes,
  startedMs: number,
  signal: AbortSignal,
): Promise<{ answer: MountAnswer; bundle: SecretBundle }> {
  const { namespace } = attributes.pod;
  // Who asks is settled before anything is looked up for them.
  const caller = await callerOf(attributes, deps);
  const asked = await deps.asking.asked(attributes.parameters, namespace, signal);
  const bundle = await deps.reader.read(asked.request, termsOf(asked, caller, startedMs, deps), signal);
  const defaultMode = asked.mountClass.filePermission ?? attributes.permission;
  const modeOf = (path: string): number => asked.modes.get(path) ?? defaultMode;
  return { answer: answerOf(bundle, { modeOf, namespace, versionKey: deps.versionKey }), bundle };
}

async function callerOf({ pod, tokens }: MountAttributes, { clock, tokenKeys }: MountDeps): Promise<PodCaller> {
  const proof = await podTokens({
    facts: pod,
    ...(tokens ? { tokensJson: tokens } : {}),
    ...(tokenKeys ? { keys: tokenKeys } : {}),
    clock,
  });
  const { namespace, podName: name, podUid: uid, serviceAccountName } = pod;
  return { kind: "Pod", namespace, name, uid, serviceAccountName, tokens: proof.tokens, proven: proof.proven };
}

function termsOf({ mountClass }: AskedMount, caller: PodCaller, startedMs: number, deps: MountDeps): ReadTerms {
  const { clock, limits } = deps;
  return {
    caller,
    delivery: "mount",
    identity: mountClass.identity,
    priority: "mount",
    acceptBegunFromMs: clock.monotonicMs() - (mountClass.refreshIntervalMs ?? limits.mountMaxAgeMs),
    maxStaleMs: mountClass.maxStaleMs ?? limits.maxStaleMs,
    limitMs: Math.max(1_000, mountLimitMs - (clock.monotonicMs() - startedMs)),
  };
}

function report(deps: MountDeps, pod: LogFields, answer: MountAnswer, bundle: SecretBundle, startedMs: number): void {
  const tookMs = deps.clock.monotonicMs() - startedMs;
  const bytes = encodedBytes(answer);
  deps.metrics.mount("success", "", tookMs / 1_000);
  deps.log.debug("mount answered", { ...pod, count: answer.files.length, bytes, tookMs });
  if (bytes > largeAnswerBytes) deps.log.warn("mount answer is larger than 1 MiB", { ...pod, bytes });
  if (bundle.stale)
    deps.log.warn("mount served last-good: a store is unavailable", {
      ...pod,
      code: bundle.stale.code,
      message: bundle.stale.message,
    });
}

function reportFailure(
  { clock, metrics, log }: MountDeps,
  pod: LogFields,
  thrown: unknown,
  startedMs: number,
  signal: AbortSignal,
): Error {
  const tookMs = clock.monotonicMs() - startedMs;
  const failure = toFailure(thrown);
  const code = signal.aborted ? "cancelled" : failure.code;
  metrics.mount("error", code, tookMs / 1_000);
  log.warn("mount failed", { ...pod, code, message: failure.message, tookMs });
  return failure;
}
