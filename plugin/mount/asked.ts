/**
 * What a class asks for: the read behind it, and the files that are known before it.
 *
 * A kubelet asks for the same few classes again and again, so what was understood of their texts is kept.
 */
import { hash } from "node:crypto";
import { Failure, ReadFailure } from "../core/failure.ts";
import { filePathProblem, pathClash } from "../files/path-rules.ts";
import { formatPath } from "../manifests/fields.ts";
import { parseMountClass } from "../manifests/mount-class.ts";
import type {
  DataEntry,
  DataFromEntry,
  ExternalSecret,
  MountClass,
  Parsed,
  Problem,
  SecretTemplate,
} from "../manifests/objects.ts";
import { optionalKeysOf, requestOf, requestOfClass } from "../read/request-of.ts";
import type { ReadRequest } from "../read/request.ts";
import { createWeighedLru } from "../read/lru.ts";
import type { MountView } from "./ports.ts";

export interface AskedMount {
  readonly mountClass: MountClass;
  readonly request: ReadRequest;
  /** Modes of single files, by path. */
  readonly modes: ReadonlyMap<string, number>;
}

type Parameters = Readonly<Record<string, string>>;

export interface Asking {
  /**
   * Rejects with Failure `manifest_invalid`, naming every field of the class or ExternalSecret that is wrong, and
   * `ref_invalid` when there is no such ExternalSecret in the pod's own namespace, `not_mountable` when it names a
   * generator. No store is asked.
   */
  asked(parameters: Parameters, namespace: string, signal: AbortSignal): Promise<AskedMount>;
}

/** What the text of a class says by itself: all it asks for, or the name of the ExternalSecret that says it. */
type Understood = { readonly mountClass: MountClass } & (
  { readonly asked: AskedMount } | { readonly externalSecret: string }
);

const classesKept = { entries: 1_000, bytes: 4 * 1024 * 1024 } as const;
/** What an understood class weighs for each character of its text: a round figure. */
const bytesPerCharacter = 8;

export function createAsking(view: MountView): Asking {
  const kept = createWeighedLru<{ readonly understood: Understood; readonly bytes: number }>({
    ...classesKept,
    bytesOf: ({ bytes }) => bytes,
  });
  return {
    async asked(parameters, namespace, signal) {
      const text = JSON.stringify(parameters);
      // Not the text itself: a pod's author may have written anything into it.
      const key = hash("sha256", text);
      const known = kept.get(key);
      const understood = known?.understood ?? understand(parameters);
      if (!known) kept.set(key, { understood, bytes: bytesPerCharacter * text.length });
      if ("asked" in understood) return understood.asked;
      const { mountClass, externalSecret } = understood;
      const { meta, spec } = await findExternalSecret(externalSecret, namespace, view, signal);
      refuseGenerators(spec.dataFrom, `ExternalSecret ${namespace}/${externalSecret}: spec`);
      // The names of what a template is made of are no files.
      if (!makesAll(spec.target.template))
        refuseUnsafeNames(spec.data, `ExternalSecret ${namespace}/${externalSecret}: spec`);
      return { mountClass, request: requestOf(spec, optionalKeysOf(meta)), modes: new Map() };
    },
  };
}

function understand(parameters: Parameters): Understood {
  const mountClass = orFailure(parseMountClass(parameters), "");
  const { source } = mountClass;
  if ("externalSecret" in source) return { mountClass, externalSecret: source.externalSecret };
  refuseGenerators(source.dataFrom, "parameters");
  if (!makesAll(source.template)) refuseUnsafeNames(source.data, "parameters");
  refuseUnsafeKeys(source.template);
  const modes = source.data.flatMap(({ secretKey, mode }) => (mode === undefined ? [] : [[secretKey, mode] as const]));
  return { mountClass, asked: { mountClass, request: requestOfClass(source), modes: new Map(modes) } };
}

async function findExternalSecret(
  name: string,
  namespace: string,
  view: MountView,
  signal: AbortSignal,
): Promise<ExternalSecret> {
  const found = await view.findExternalSecret(namespace, name, signal);
  if (!found)
    throw new Failure(
      "ref_invalid",
      `parameters.externalSecret: there is no ExternalSecret ${namespace}/${name}; ` +
        "it must be in the namespace of the pod",
    );
  return orFailure(found, `ExternalSecret ${namespace}/${name}: `);
}

/** Every pod, and every look of kubelet at a volume, would be given something else. */
function refuseGenerators(dataFrom: readonly DataFromEntry[], parent: string): void {
  const at = dataFrom.findIndex((entry) => "generatorRef" in entry);
  if (at < 0) return;
  const problem = "a generator makes something new for each reader; sync it to a Secret instead";
  const field = `${parent}.dataFrom[${at}].sourceRef.generatorRef`;
  throw new ReadFailure([new Failure("not_mountable", problem, { field })]);
}

function refuseUnsafeNames(data: readonly DataEntry[], parent: string): void {
  const names = data.map((entry) => entry.secretKey);
  const problems: Problem[] = [];
  for (const [i, name] of names.entries()) {
    const problem = filePathProblem(name);
    if (problem) problems.push(nameProblem(parent, i, problem));
  }
  const clash = pathClash(names);
  if (clash) problems.push(nameProblem(parent, clash.index, clash.problem));
  if (problems.length > 0) throw failureOf(problems as [Problem, ...Problem[]], "");
}

/** Whether only what the template makes becomes files. */
function makesAll(template: SecretTemplate | undefined): boolean {
  if (!template || template.mergePolicy === "Merge") return false;
  return template.templateFrom.length > 0 || Object.keys(template.data).length > 0;
}

function refuseUnsafeKeys(template: SecretTemplate | undefined): void {
  const keys = Object.keys(template?.data ?? {});
  const problems = keys.flatMap((key): Problem[] => {
    const problem = filePathProblem(key);
    return problem
      ? [{ path: formatPath(["parameters", "template", "data", key]), problem: `cannot be a file: it ${problem}` }]
      : [];
  });
  if (problems.length > 0) throw failureOf(problems as [Problem, ...Problem[]], "");
}

function nameProblem(parent: string, index: number, problem: string): Problem {
  return { path: `${parent}.data[${index}].secretKey`, problem: `cannot be a file: it ${problem}` };
}

function orFailure<T>(parsed: Parsed<T>, origin: string): T {
  if (parsed.ok) return parsed.value;
  throw failureOf(parsed.problems, origin);
}

function failureOf([first, ...others]: readonly [Problem, ...Problem[]], origin: string): ReadFailure {
  const part = ({ path, problem }: Problem): Failure =>
    new Failure("manifest_invalid", problem, { field: origin + path });
  return new ReadFailure([part(first), ...others.map(part)]);
}
