/** What an account's administrator does at AWS, or at an emulator of it, as root. */
import { createHash, createHmac } from "node:crypto";

export const region = "eu-central-1";
export const accountId = "000000000000";

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

export interface Administrator {
  /** A call of IAM, as root. Resolves with the answer's XML; rejects on an error status. */
  iam(action: string, parameters: Readonly<Record<string, string>>): Promise<string>;
  /** A call of a JSON service as root: `secretsmanager.CreateSecret`, `AmazonSSM.PutParameter`. */
  call(target: string, body: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  /** A user with one policy, and its access key. */
  user(name: string, statements: readonly Statement[]): Promise<AccessKey>;
  /** A role with one policy. Returns its ARN. */
  role(name: string, trust: Readonly<Record<string, unknown>>, statements: readonly Statement[]): Promise<string>;
}

export interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

/** As they are signed for, by their names in targets. */
const services: Readonly<Record<string, string>> = {
  AmazonSSM: "ssm",
  secretsmanager: "secretsmanager",
  CertificateManager: "acm",
};

const root: AccessKey = { id: "test", secret: "test" };

export function administrator(url: string): Administrator {
  async function iam(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const body = new URLSearchParams({ Action: action, Version: "2010-05-08", ...parameters }).toString();
    return send(url, "iam", { "content-type": "application/x-www-form-urlencoded" }, body);
  }
  const policy = (statements: readonly Statement[]): string =>
    JSON.stringify({ Version: "2012-10-17", Statement: statements });
  return {
    iam,
    async call(target, body) {
      const service = services[target.split(".")[0]!]!;
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
