/**
 * etcd, kube-apiserver, kube-controller-manager and kubectl, built from their Go modules into the cache; one folder each,
 * so that a stopped build loses one of them at most. The modules and their checksums are locked in modules/.
 *
 * $KUBEBUILDER_ASSETS, where set, supplies those of them that it holds.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { obtained, run } from "../cache.ts";

/** Each program with its module folder below modules/ and its package. */
const programs = {
  etcd: ["etcd", "go.etcd.io/etcd/server/v3"],
  "kube-apiserver": ["kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"],
  "kube-controller-manager": ["kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"],
  kubectl: ["kubernetes", "k8s.io/kubernetes/cmd/kubectl"],
} as const;

export type ProgramName = keyof typeof programs;
export type ControlPlanePrograms = Readonly<Record<ProgramName, string>>;

/** The path of each program. The first time takes minutes: a progress line tells which one is being built. */
export async function obtainControlPlane(): Promise<ControlPlanePrograms> {
  const paths = {} as Record<ProgramName, string>;
  // One after the other: a Go build already uses every core, and the large ones 3 GB.
  for (const name of Object.keys(programs) as ProgramName[]) paths[name] = await obtainProgram(name);
  return paths;
}

async function obtainProgram(name: ProgramName): Promise<string> {
  const supplied = process.env.KUBEBUILDER_ASSETS && join(process.env.KUBEBUILDER_ASSETS, name);
  if (supplied && existsSync(supplied)) return supplied;
  const [module, main] = programs[name];
  const source = join(import.meta.dirname, "modules", module);
  const { version, digest } = lockedModule(source);
  const folder = await obtained(`${name}-${version}-${digest}`, async (work) => {
    const flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", `-ldflags=-s -w ${versionFlags(version)}`];
    await run("go", ["build", ...flags, "-o", join(work, name), main], { cwd: source, env: { GOWORK: "off" } });
  });
  return join(folder, name);
}

/** The version that the module folder asks for, and a digest that changes with every locked module. */
function lockedModule(source: string): { version: string; digest: string } {
  const locked = ["go.mod", "go.sum"].map((file) => readFileSync(join(source, file), "utf8"));
  const version = /^\t?(?:require )?(?:k8s\.io\/kubernetes|go\.etcd\.io\/etcd\/server\/v3) v(\S+)/m.exec(
    locked[0]!,
  )?.[1];
  if (!version) throw new Error(`${source}/go.mod names no version`);
  return { version, digest: createHash("sha256").update(locked.join("")).digest("hex").slice(0, 12) };
}

/** Without these a server calls itself v0.0.0, and clients believe it. */
function versionFlags(version: string): string {
  const [major, minor] = version.split(".");
  const values = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  return Object.entries(values)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(" ");
}
