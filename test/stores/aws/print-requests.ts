/**
 * Logs in and reads through every client of the SDK, and prints what would leave this machine and which files were
 * opened. A program of its own, so that a test can give it an environment. Argument: a file that must not be read.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { aws } from "../../../plugin/stores/aws/kind.ts";
import type { HttpAnswer, HttpRequest, HttpSend } from "../../../plugin/stores/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { arnOf, inShop, tokenProof } from "./opened.ts";
import { facts } from "../facts.ts";

const opened: string[] = [];
/** Before the SDK is loaded: it takes these functions once. */
for (const home of [fs, fs.promises] as unknown as Record<string, (...args: unknown[]) => unknown>[])
  for (const name of ["readFile", "readFileSync", "open", "openSync", "createReadStream", "stat", "access"]) {
    const real = home[name];
    if (!real) continue;
    home[name] = function (this: unknown, ...args: unknown[]) {
      opened.push(String(args[0]));
      return real.apply(this, args);
    };
  }
syncBuiltinESMExports();

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
    body: body ? text(body) : "",
  });
}

const credentials = `<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
  <SessionToken>t</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>`;

function answer({ headers, body }: HttpRequest): string {
  const action = /Action=(\w+)/.exec(body ? text(body) : "")?.[1];
  if (action !== undefined)
    return `<${action}Response><${action}Result>${credentials}</${action}Result></${action}Response>`;
  return String(headers["x-amz-target"]).startsWith("AmazonSSM")
    ? '{"Parameter":{"Value":"v","Version":1}}'
    : '{"SecretString":"v","VersionId":"id"}';
}

const send: HttpSend = (request) => {
  note(request);
  const given: HttpAnswer = { status: 200, headers: {}, body: SecretValue.fromText(answer(request)) };
  return Promise.resolve(given);
};

const { signal } = new AbortController();
for (const service of ["SecretsManager", "ParameterStore"]) {
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
  await opening.fetch(opening.locate({ key: "db", metadataPolicy: "None" }), session, signal);
}
process.stdout.write(JSON.stringify({ sent, opened: opened.filter((path) => !path.includes("node_modules")) }));
