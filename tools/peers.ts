/**
 * `npm run test:peers`: gets the real servers, then runs test/peers/.
 *
 * A peer that cannot be had fails the run unless KEYFERRY_ALLOW_SKIP names it (comma list). The last line printed is
 * `N passed, N failed, N skipped`.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { obtainMinistack } from "../test/peers/aws/ministack.ts";
import { obtainMoto } from "../test/peers/aws/moto.ts";
import { obtainKeyVault } from "../test/peers/azure/key-vault.ts";
import { obtainControlPlane } from "../test/peers/kube/obtain.ts";
import { obtainGjsonOracle } from "../test/peers/oracle/gjson.ts";
import { obtainTemplateOracle } from "../test/peers/oracle/template.ts";
import { obtainOpenBao } from "../test/peers/openbao/openbao.ts";

const peers: Readonly<Record<string, () => Promise<unknown>>> = {
  openbao: obtainOpenBao,
  ministack: obtainMinistack,
  moto: obtainMoto,
  azure: obtainKeyVault,
  gjson: obtainGjsonOracle,
  template: obtainTemplateOracle,
  kube: obtainControlPlane,
};

/** Each group of test files with the peers that it needs. */
const suites: ReadonlyArray<{ needs: readonly string[]; tests: string }> = [
  { needs: ["openbao"], tests: "test/peers/openbao/*.test.ts" },
  { needs: ["ministack", "moto"], tests: "test/peers/aws/*.test.ts" },
  { needs: ["azure"], tests: "test/peers/azure/*.test.ts" },
  { needs: ["gjson"], tests: "test/peers/oracle/gjson*.test.ts" },
  { needs: ["template"], tests: "test/peers/oracle/template*.test.ts" },
  { needs: ["kube"], tests: "test/peers/kube/*.test.ts" },
  { needs: ["kube", "openbao"], tests: "test/peers/kube/openbao/*.test.ts" },
  { needs: ["kube", "openbao"], tests: "test/peers/node/*.test.ts" },
  { needs: ["kube", "openbao"], tests: "test/peers/federation/*.test.ts" },
];

const allowed = new Set((process.env.KEYFERRY_ALLOW_SKIP ?? "").split(",").filter((name) => name !== ""));
const absent = new Set<string>();
for (const [name, obtain] of Object.entries(peers)) {
  try {
    await obtain();
  } catch (problem) {
    const reason = problem instanceof Error ? problem.message : String(problem);
    process.stdout.write(`peers: ${name} cannot be had: ${reason}\n`);
    absent.add(name);
  }
}

const files: string[] = [];
let missing = 0;
let skipped = 0;
for (const { needs, tests } of suites) {
  const found = globSync(tests);
  const lacking = needs.filter((name) => absent.has(name));
  if (lacking.length === 0) files.push(...found);
  else if (lacking.every((name) => allowed.has(name))) skipped += found.length;
  else missing += found.length;
}

const counts = files.length === 0 ? { passed: 0, failed: 0, skipped: 0 } : await runTests(files);
const failed = counts.failed + missing;
process.stdout.write(`${counts.passed} passed, ${failed} failed, ${counts.skipped + skipped} skipped\n`);
process.exitCode = failed > 0 || counts.passed === 0 ? 1 : 0;

function runTests(testFiles: readonly string[]): Promise<{ passed: number; failed: number; skipped: number }> {
  return new Promise((resolve, reject) => {
    const args = ["--test", "--test-reporter=spec", "--test-concurrency=1", "--test-timeout=300000", ...testFiles];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let tail = "";
    child.stdout.on("data", (chunk: Buffer) => {
      process.stdout.write(chunk);
      tail = (tail + chunk.toString()).slice(-20_000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const count = (word: string): number => Number(new RegExp(`^ℹ ${word} (\\d+)$`, "m").exec(tail)?.[1] ?? 0);
      const red = count("fail") + count("cancelled");
      resolve({
        passed: count("pass"),
        failed: code === 0 ? red : Math.max(1, red),
        skipped: count("skipped") + count("todo"),
      });
    });
  });
}
