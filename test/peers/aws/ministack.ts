/**
 * A real AWS emulator on loopback that checks signatures, IAM policies and trust policies: obtained from its wheel,
 * started, and driven as an account's administrator would.
 */
import { spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { obtained, run } from "../cache.ts";

const version = "1.5.33";
/** Pinned: what it is made of has more rights on this machine than a test needs. */
const wheelSha256 = "36f9158cbe7eb7a3f910ccf1c052c98204511164249b783682f7a96ef56b0bba";
const companions = [
  "botocore==1.43.106",
  "defusedxml==0.7.1",
  "graphql-core==3.2.12",
  "h11==0.16.0",
  "h2==4.4.1",
  "hpack==4.2.0",
  "hypercorn==0.18.0",
  "hyperframe==6.1.0",
  "jmespath==1.1.0",
  "jsonata-python==0.7.1",
  "priority==2.0.0",
  "python-dateutil==2.9.0.post0",
  "pyyaml==6.0.3",
  "six==1.17.0",
  "urllib3==2.8.0",
  "wsproto==1.3.2",
];

/** The folder that holds its Python packages. */
export async function obtainMinistack(): Promise<string> {
  const folder = await obtained(`ministack-${version}`, async (work) => {
    const pip = (...args: string[]): Promise<string> => run("python3", ["-m", "pip", ...args]);
    await pip("download", "--quiet", "--no-deps", "--only-binary=:all:", "-d", work, `ministack==${version}`);
    const wheel = (await readdir(work)).find((name) => name.endsWith(".whl"));
    if (!wheel) throw new Error("no wheel of ministack");
    const digest = createHash("sha256")
      .update(await readFile(join(work, wheel)))
      .digest("hex");
    if (digest !== wheelSha256) throw new Error(`${wheel} has sha256 ${digest}, not the pinned one`);
    const target = ["--quiet", "--no-compile", "--no-deps", "--target", join(work, "packages")];
    await pip("install", ...target, join(work, wheel), ...companions);
    await rm(join(work, wheel));
  });
  return join(folder, "packages");
}

export const region = "eu-central-1";
export const accountId = "000000000000";

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

export interface Ministack {
  readonly url: string;
  /** A call of IAM, as root. Resolves with the answer's XML; rejects on an error status. */
  iam(action: string, parameters: Readonly<Record<string, string>>): Promise<string>;
  /** A call of a JSON service as root: `secretsmanager.CreateSecret`, `AmazonSSM.PutParameter`. */
  call(target: string, body: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  /** A user with one policy, and its access key. */
  user(name: string, statements: readonly Statement[]): Promise<AccessKey>;
  /** A role with one policy. Returns its ARN. */
  role(name: string, trust: Readonly<Record<string, unknown>>, statements: readonly Statement[]): Promise<string>;
  stop(): Promise<void>;
}

export interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

const root: AccessKey = { id: "test", secret: "test" };

export async function startMinistack(): Promise<Ministack> {
  const packages = await obtainMinistack();
  const [port, folder] = await Promise.all([freePort(), mkdtemp(join(tmpdir(), "ministack-"))]);
  const url = `http://127.0.0.1:${port}`;
  const child = spawn("python3", ["-m", "ministack"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      TMPDIR: folder,
      PYTHONPATH: packages,
      PYTHONDONTWRITEBYTECODE: "1",
      AUTH: "true",
      BIND_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
    },
  });
  let output = "";
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const endWithUs = (): boolean => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  void ended.then(() => process.off("exit", endWithUs));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`ministack ended at start:\n${output.slice(-2_000)}`);
    if (
      await fetch(`${url}/_ministack/health`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    ...administrator(url),
    url,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function administrator(url: string): Omit<Ministack, "url" | "stop"> {
  async function iam(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const body = new URLSearchParams({ Action: action, Version: "2010-05-08", ...parameters }).toString();
    return send(url, "iam", { "content-type": "application/x-www-form-urlencoded" }, body);
  }
  const policy = (statements: readonly Statement[]): string =>
    JSON.stringify({ Version: "2012-10-17", Statement: statements });
  return {
    iam,
    async call(target, body) {
      const service = target.startsWith("AmazonSSM") ? "ssm" : "secretsmanager";
      const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": target };
      const text = await send(url, service, headers, JSON.stringify(body));
      return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
    },
    async user(UserName, statements) {
      await iam("CreateUser", { UserName });
      await iam("PutUserPolicy", { UserName, PolicyName: "own", PolicyDocument: policy(statements) });
      const made = await iam("CreateAccessKey", { UserName });
      const member = (name: string): string => new RegExp(`<${name}>([^<]+)<`).exec(made)![1]!;
      return { id: member("AccessKeyId"), secret: member("SecretAccessKey") };
    },
    async role(RoleName, trust, statements) {
      const AssumeRolePolicyDocument = JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", ...trust }],
      });
      await iam("CreateRole", { RoleName, AssumeRolePolicyDocument });
      await iam("PutRolePolicy", { RoleName, PolicyName: "own", PolicyDocument: policy(statements) });
      return `arn:aws:iam::${accountId}:role/${RoleName}`;
    },
  };
}

/** Signature version 4 by the book, so that the SDK under test does not vouch for itself. */
async function send(
  url: string,
  service: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<string> {
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const day = date.slice(0, 8);
  const signed: Record<string, string> = { ...headers, host: new URL(url).host, "x-amz-date": date };
  const names = Object.keys(signed).sort();
  const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
  const mac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
  const lines = names.map((name) => `${name}:${signed[name]}\n`).join("");
  const canonical = ["POST", "/", "", lines, names.join(";"), sha(body)].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = [day, region, service, "aws4_request"].reduce<string | Buffer>(mac, `AWS4${root.secret}`);
  const signature = mac(Buffer.from(key), ["AWS4-HMAC-SHA256", date, scope, sha(canonical)].join("\n")).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${root.id}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  const answer = await fetch(url, { method: "POST", headers: { ...signed, authorization }, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${service} ${headers["x-amz-target"] ?? body}: ${answer.status} ${text}`);
  return text;
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
