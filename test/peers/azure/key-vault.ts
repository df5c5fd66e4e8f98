/** A vault around the server side that Azure generates for its Go library (server/main.go), built once and started. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { obtained, run } from "../cache.ts";

const source = join(import.meta.dirname, "server");

/** Path of the server's program. The Go toolchain fetches the locked modules; an edited source is another folder. */
export async function obtainKeyVault(): Promise<string> {
  const digest = createHash("sha256");
  for (const file of readdirSync(source).sort()) digest.update(file).update(readFileSync(join(source, file)));
  const folder = await obtained(`azure-${digest.digest("hex").slice(0, 12)}`, async (work) => {
    await run("go", ["build", "-mod=readonly", "-o", join(work, "key-vault"), "."], { cwd: source });
  });
  return join(folder, "key-vault");
}

export interface KeyVault {
  /** https:// on loopback; vault and token endpoint alike. */
  readonly url: string;
  /** Its authority, PEM. */
  readonly ca: string;
  stop(): Promise<void>;
}

export async function startKeyVault(): Promise<KeyVault> {
  const child = spawn(await obtainKeyVault(), { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  for await (const line of createInterface({ input: child.stdout })) {
    const { url, ca } = JSON.parse(line) as { url: string; ca: string };
    return {
      url,
      ca,
      stop() {
        child.stdin.end();
        return ended;
      },
    };
  }
  throw new Error("the vault ended before it listened");
}
