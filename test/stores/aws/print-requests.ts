/**
 * Logs in and reads through every client of the SDK, and prints what would leave this machine and which files were
 * opened. A program of its own, so that a test can give it an environment. Argument: a file that must not be read.
 */
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { aws } from "../../../plugin/stores/aws/kind.ts";
import type { HttpAnswer, HttpRequest, HttpSend } from "../../../plugin/stores/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { arnOf, inShop, tokenProof } from "./opened.ts";
import { facts } from "../facts.ts";
import { noteOpenedFiles } from "../opened-files.ts";

const openedFiles = noteOpenedFiles();

const sent: object[] = [];
const text = (value: string | SecretValue): string =>
  typeof value === "string" ? value : value.reveal().toString("utf8");

/** Signatures and request ids differ from run to run. */
const changing = new Set(["authorization", "x-amz-date", "amz-sdk-invocation-id", "x-amz-content-sha256"]);

function note({ method, url, headers, body }: HttpRequest): void {
  const kept = Object.entries(headers).filter(([name]) => !changing.has(name));
  const scope = /Credential=[^/]+\/\d+\/([^,]+),/.exec(headers["authorization"] ? text(headers["authorization"]) : "");
  sent.push({
    method,
    url: url.href,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, text(value)])),
    scope: scope?.[1] ?? "unsigned",
    body: (body ? text(body) : "").replace(/"Passphrase":"[^"]*"/, '"Passphrase":"…"'),
  });
}

const credentials = `<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
  <SessionToken>t</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>`;

const answers: Readonly<Record<string, string>> = {
  GetSecretValue: '{"SecretString":"v","VersionId":"id"}',
  ListSecrets: '{"SecretList":[]}',
  BatchGetSecretValue: "{}",
  GetParameter: '{"Parameter":{"Value":"v","Version":1}}',
  GetParametersByPath: '{"Parameters":[]}',
  GetParameters: "{}",
};

function answer({ headers, body }: HttpRequest): HttpAnswer {
  const action = /Action=(\w+)/.exec(body ? text(body) : "")?.[1];
  const asXml = `<${action}Response><${action}Result>${credentials}</${action}Result></${action}Response>`;
  const asJson = answers[String(headers["x-amz-target"]).split(".").at(-1)!];
  // What makes sense of a passphrase is of no use here.
  const status = action === undefined && asJson === undefined ? 400 : 200;
  return { status, headers: {}, body: SecretValue.fromText(action === undefined ? (asJson ?? "{}") : asXml) };
}

const send: HttpSend = (request) => {
  note(request);
  return Promise.resolve(answer(request));
};

const { signal } = new AbortController();
const arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1";
for (const [service, key] of [
  ["SecretsManager", "db"],
  ["ParameterStore", "db"],
  ["CertificateManager", arn],
] as const) {
  const block = { service, region: "eu-central-1", role: arnOf("last"), auth: { jwt: {} } };
  const store = aws.open(block, inShop, {
    clock: new FakeClock(),
    http: () => send,
    watchPath: () => () => undefined,
    plainHttp: false,
    countCall: () => undefined,
  });
  if (!store.ok) throw new Error(JSON.stringify(store.problems));
  const opening = store.value.store;
  const session = await opening.login(tokenProof("jwt", "first"), signal, facts);
  const located = opening.locate({ key, metadataPolicy: "None" });
  await opening.fetch(located, session, signal).catch(() => undefined);
  await opening.find?.list({}, session, signal);
  await opening.batch?.fetch([located], session, signal);
}
process.stdout.write(JSON.stringify({ sent, opened: openedFiles() }));
