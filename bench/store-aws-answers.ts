/**
 * STS, Secrets Manager and Parameter Store as far as the benchmark goes: whoever asks gets credentials, and every secret
 * is there, by itself and in batches of the size that AWS takes.
 */
import type { CannedAnswer, ReceivedRequest } from "../test/fakes/hostile-server.ts";

/** The name of a call; undefined for a login. */
export function awsCall({ headers }: ReceivedRequest): string | undefined {
  return headers["x-amz-target"]?.split(".").at(-1);
}

let logins = 0;

export function answerAws(request: ReceivedRequest): CannedAnswer {
  const call = awsCall(request);
  if (call === undefined) return credentials(new URLSearchParams(request.body).get("Action") ?? "");
  const asked = JSON.parse(request.body) as Asked;
  const answer = answers[call]?.(asked);
  return json(answer ? 200 : 400, answer ?? { __type: "InvalidParameterException", message: "not answered here" });
}

interface Asked {
  readonly SecretId?: string;
  readonly SecretIdList?: readonly string[];
  readonly Name?: string;
  readonly Names?: readonly string[];
}

const valueOf = (name: string): string => `value-${name.split("-").at(-1)}`;
const secret = (Name: string) => ({
  Name,
  SecretString: valueOf(Name),
  VersionId: `version-of-${Name}`.padEnd(32, "x"),
});
const parameter = (Name: string) => ({ Name, Value: valueOf(Name), Version: 1 });

const answers: Readonly<Record<string, (asked: Asked) => object | undefined>> = {
  GetSecretValue: ({ SecretId = "" }) => secret(SecretId),
  BatchGetSecretValue: ({ SecretIdList = [] }) =>
    SecretIdList.length > 20 ? undefined : { SecretValues: SecretIdList.map(secret), Errors: [] },
  DescribeSecret({ SecretId = "" }) {
    const { Name, VersionId } = secret(SecretId);
    return { Name, VersionIdsToStages: { [VersionId]: ["AWSCURRENT"] } };
  },
  GetParameter: ({ Name = "" }) => ({ Parameter: parameter(Name) }),
  GetParameters: ({ Names = [] }) =>
    Names.length > 10 ? undefined : { Parameters: Names.map(parameter), InvalidParameters: [] },
};

function credentials(action: string): CannedAnswer {
  const number = ++logins;
  return {
    status: 200,
    headers: { "content-type": "text/xml" },
    body: `<${action}Response><${action}Result><Credentials><AccessKeyId>ASIA${number}</AccessKeyId>
      <SecretAccessKey>secret</SecretAccessKey><SessionToken>session-${number}</SessionToken>
      <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>
      </Credentials></${action}Result></${action}Response>`,
  };
}

function json(status: number, body: object): CannedAnswer {
  return {
    status,
    headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "0c1d2e3f-1111" },
    body: JSON.stringify(body),
  };
}
