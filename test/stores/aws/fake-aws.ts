/**
 * STS, Secrets Manager and Parameter Store as far as logins go: each login gets credentials of its own, and a secret's value says whose
 * credentials it was read with. Signatures are not checked; that the key and the session's token belong together is.
 */
import { canned, startHostileServer } from "../../fakes/hostile-server.ts";
import type { CannedAnswer, HostileServer, ReceivedRequest } from "../../fakes/hostile-server.ts";

export interface FakeAws extends HostileServer {
  /** The forms of the logins, in the order of their arrival. */
  readonly logins: readonly Readonly<Record<string, string>>[];
}

/** Who credentials were made for: `token@role`, or `key>role` after a chain. */
export async function startFakeAws(): Promise<FakeAws> {
  const logins: Record<string, string>[] = [];
  const issued = new Map<string, { readonly session: string; readonly who: string }>();

  function assume(form: Record<string, string>, caller: string): CannedAnswer {
    logins.push(form);
    const role = form["RoleArn"]!.split("/").at(-1)!;
    const namespace = form["Tags.member.1.Key"] === "esoNamespace" ? ` for ${form["Tags.member.1.Value"]}` : "";
    const by = form["Action"] === "AssumeRole" ? `${caller}>${role}` : `${form["WebIdentityToken"]}@${role}`;
    const who = by + namespace;
    const key = `ASIA${logins.length}`;
    issued.set(key, { session: `session-${logins.length}`, who });
    const answer = `${form["Action"]}Response`;
    return {
      status: 200,
      headers: { "content-type": "text/xml" },
      body: `<${answer}><${form["Action"]}Result><Credentials><AccessKeyId>${key}</AccessKeyId>
        <SecretAccessKey>secret</SecretAccessKey><SessionToken>session-${logins.length}</SessionToken>
        <Expiration>2026-01-01T01:00:00Z</Expiration></Credentials></${form["Action"]}Result></${answer}>`,
    };
  }

  const callerOf = ({ headers }: ReceivedRequest): string | undefined => {
    const key = /Credential=([^/]+)\//.exec(headers["authorization"] ?? "")?.[1] ?? "";
    const session = headers["x-amz-security-token"];
    const known = issued.get(key);
    if (known) return known.session === session ? known.who : undefined;
    return key.startsWith("AKIA") ? (session === undefined ? key : `${key}+${session}`) : undefined;
  };

  function answer(request: ReceivedRequest): CannedAnswer {
    const caller = callerOf(request);
    if (request.headers["content-type"] === "application/x-www-form-urlencoded") {
      const form = Object.fromEntries(new URLSearchParams(request.body));
      return assume(form, caller ?? "nobody");
    }
    if (caller === undefined)
      return json(400, { __type: "UnrecognizedClientException", message: "The security token" });
    const { SecretId: id, Name: name } = JSON.parse(request.body) as { SecretId?: string; Name?: string };
    return id === undefined
      ? json(200, { Parameter: { Name: name, Value: `${name} as ${caller}`, Version: 1 } })
      : json(200, { Name: id, SecretString: `${id} as ${caller}`, VersionId: "v1" });
  }

  const server = await startHostileServer((request) => canned(answer(request)));
  return Object.assign(Object.create(server) as HostileServer, { logins });
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): CannedAnswer {
  return {
    status,
    headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "0c1d2e3f-1111", ...headers },
    body: JSON.stringify(body),
  };
}
