/** What the Dockerfile says, for the benchmarks (they run what the image runs) and for the test that assembles the image. */
import { readFileSync } from "node:fs";

export interface Copy {
  readonly sources: readonly string[];
  readonly target: string;
  /** The stage that the sources come from; absent = the build context. */
  readonly from?: string;
}

export interface Stage {
  readonly name: string;
  /** Absolute. `/` where the Dockerfile sets none. */
  readonly workdir: string;
  readonly copies: readonly Copy[];
  readonly runs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `uid:gid`; empty where the Dockerfile sets none. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
}

type Draft = { -readonly [K in keyof Stage]: Stage[K] };

/** In order; the last one is the image. Understands the instructions that our Dockerfile uses and refuses others. */
export function readStages(path = "Dockerfile"): readonly Stage[] {
  const stages: Draft[] = [];
  const lines = readFileSync(path, "utf8").replaceAll(/\\\n/g, " ").split("\n");
  for (const line of lines) {
    const [, instruction, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (instruction === undefined || rest === undefined) continue;
    if (instruction === "FROM") stages.push(newStage(/ AS (\S+)$/.exec(rest)?.[1] ?? ""));
    else note(stages.at(-1)!, instruction, rest);
  }
  return stages;
}

/** What the image runs before the arguments that a user gives: Node's flags, then the program. */
export function imageFlags(image: Stage): readonly string[] {
  const [node, ...rest] = image.entrypoint;
  if (node !== "node") throw new Error("the image's ENTRYPOINT does not start node");
  return rest.slice(0, -1);
}

function newStage(name: string): Draft {
  return { name, workdir: "/", copies: [], runs: [], env: {}, user: "", entrypoint: [], cmd: [] };
}

function note(stage: Draft, instruction: string, rest: string): void {
  const command = (): string[] => JSON.parse(rest) as string[];
  switch (instruction) {
    case "WORKDIR":
      stage.workdir = rest;
      return;
    case "COPY":
      stage.copies = [...stage.copies, readCopy(rest)];
      return;
    case "RUN":
      stage.runs = [...stage.runs, rest];
      return;
    case "ENV":
      for (const pair of rest.split(/\s+/)) {
        const [name, value] = pair.split("=", 2) as [string, string];
        stage.env = { ...stage.env, [name]: value };
      }
      return;
    case "USER":
      stage.user = rest;
      return;
    case "ENTRYPOINT":
      stage.entrypoint = command();
      return;
    case "CMD":
      stage.cmd = command();
      return;
    default:
      throw new Error(`Dockerfile: ${instruction} is not understood here`);
  }
}

function readCopy(rest: string): Copy {
  const [, from, paths] = /^(?:--from=(\S+)\s+)?(.+)$/.exec(rest)!;
  const words = paths!.split(/\s+/);
  return { sources: words.slice(0, -1), target: words.at(-1)!, ...(from === undefined ? {} : { from }) };
}
