/** Runs the project's dependency-cruiser configuration over a folder, as `npm test` does. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";

const program = resolve("node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
const configuration = resolve(".dependency-cruiser.cjs");

export interface Cruise {
  readonly modules: number;
  /** `rule: from → to`. */
  readonly violations: readonly string[];
}

/** `root` holds a tsconfig.json; `folders` are relative to it. */
export async function cruise(root: string, folders: readonly string[]): Promise<Cruise> {
  const args = [program, "--config", configuration, "--output-type", "json", ...folders];
  const output = await new Promise<string>((done, fail) => {
    // The exit code counts violations, which are an answer here.
    execFile(process.execPath, args, { cwd: root, maxBuffer: 64 * 2 ** 20 }, (_problem, stdout, stderr) =>
      stdout === "" ? fail(new Error(stderr)) : done(stdout),
    );
  });
  const { summary } = JSON.parse(output) as {
    summary: { totalCruised: number; violations: { from: string; to: string; rule: { name: string } }[] };
  };
  return {
    modules: summary.totalCruised,
    violations: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
  };
}
