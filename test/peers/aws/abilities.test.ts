/**
 * Finding, reading several at once and tags against two emulators of AWS, which differ where AWS itself is not copied:
 * one checks signatures and policies and takes any number of names, the other knows tags of parameters and exports
 * certificates.
 */
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { after, before, suite, test } from "node:test";
import { systemClock } from "../../../plugin/core/clock.ts";
import { Failure } from "../../../plugin/core/failure.ts";
import type { FindWish, Ref, Session, Store } from "../../../plugin/stores/contract.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { makeCertificate } from "../../fakes/certificate.ts";
import { byKeys, keysProof, openAws, ref, textOf } from "../../stores/aws/opened.ts";
import { facts } from "../../stores/facts.ts";
import type { AccessKey, Administrator } from "./administrator.ts";
import { accountId, region } from "./administrator.ts";
import { type Ministack, startMinistack } from "./ministack.ts";
import { type Moto, startMoto } from "./moto.ts";

const { signal } = new AbortController();
let clients: HttpClients;
let stack: Ministack;
let moto: Moto;
before(async () => {
  clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  [stack, moto] = await Promise.all([startMinistack(), startMoto()]);
  await Promise.all([fill(stack), fill(moto)]);
});
after(async () => {
  await clients.close();
  await Promise.all([stack.stop(), moto.stop()]);
});

/** More secrets than one page of a list holds, and more parameters than one page of a path. */
const manySecrets = 105;
const manyParameters = 23;

async function fill({ call }: Pick<Administrator, "call">): Promise<void> {
  for (let i = 0; i < manySecrets; i++)
    await call("secretsmanager.CreateSecret", { Name: `many/${i}`, SecretString: `value ${i}` });
  const Tags = [
    { Key: "team", Value: "a" },
    { Key: "env", Value: "prod" },
  ];
  await call("secretsmanager.CreateSecret", { Name: "tagged/db", SecretString: "db", Tags });
  await call("secretsmanager.CreateSecret", {
    Name: "tagged/crossed",
    SecretString: "crossed",
    Tags: [
      { Key: "team", Value: "prod" },
      { Key: "env", Value: "a" },
    ],
  });
  await call("secretsmanager.CreateSecret", { Name: "tagged/gone", SecretString: "gone", Tags });
  await call("secretsmanager.DeleteSecret", { SecretId: "tagged/gone", RecoveryWindowInDays: 7 });
  await call("secretsmanager.CreateSecret", {
    Name: "tagged/blob",
    SecretBinary: Buffer.from("bytes").toString("base64"),
  });
  for (let i = 0; i < manyParameters; i++)
    await call("AmazonSSM.PutParameter", { Name: `/many/deep/${i}`, Value: `value ${i}`, Type: "SecureString" });
  await call("AmazonSSM.PutParameter", { Name: "/manyx", Value: "x", Type: "String" });
  await call("AmazonSSM.PutParameter", { Name: "/tagged/key", Value: "key", Type: "String", Tags });
}

interface Opened {
  readonly store: Store;
  readonly session: Session;
}

const asRoot: AccessKey = { id: "test", secret: "test" };

async function open(url: string, block: object, key = asRoot): Promise<Opened> {
  const store = openAws({ ...byKeys, ...block }, { url, clients, clock: systemClock });
  return { store, session: await store.login(keysProof(key.id, key.secret), signal, facts) };
}

const inParameters = { service: "ParameterStore" };
const named = (source: string): Pick<FindWish, "name"> => ({
  name: { source, matches: (name) => new RegExp(source).test(name) },
});

async function keysFound({ store, session }: Opened, wish: FindWish): Promise<readonly string[]> {
  return (await store.find!.list(wish, session, signal)).map(({ key }) => key).sort();
}

const read = async ({ store, session }: Opened, asked: Ref): Promise<string> =>
  textOf(await store.fetch(store.locate(asked), session, signal));

async function readAll({ store, session }: Opened, keys: readonly string[]): Promise<readonly string[]> {
  const outcomes = await store.batch!.fetch(
    keys.map((key) => store.locate(ref(key))),
    session,
    signal,
  );
  return outcomes.map((outcome) => {
    assert.ok(outcome !== "alone");
    return outcome instanceof Failure ? outcome.code : textOf(outcome);
  });
}

const upTo = (count: number, prefix: string): readonly string[] => Array.from({ length: count }, (_, i) => prefix + i);

for (const [name, urlOf] of [
  ["ministack", () => stack.url],
  ["moto", () => moto.url],
] as const)
  suite(`on ${name}`, { timeout: 60_000 }, () => {
    test("secrets are found on every page, and a found key reads that secret", async () => {
      const opened = await open(urlOf(), { prefix: "many/" });
      const keys = await keysFound(opened, {});
      assert.deepEqual(keys, [...upTo(manySecrets, "")].sort());
      assert.equal(await read(opened, ref(keys[7]!)), `value ${keys[7]}`);
    });
    test("secrets are found by path and name, and by tags that belong together", async () => {
      const opened = await open(urlOf(), {});
      assert.deepEqual(await keysFound(opened, { path: "many/10", ...named("0$") }), ["many/10", "many/100"]);
      assert.deepEqual(await keysFound(opened, { tags: { team: "a", env: "prod" } }), ["tagged/db"]);
      assert.deepEqual(await keysFound(opened, { tags: { team: "a" }, ...named("^many") }), []);
    });
    test("twenty secrets are one call, each with its own outcome", async () => {
      const opened = await open(urlOf(), {});
      const keys = [...upTo(17, "many/"), "tagged/blob", "tagged/gone", "tagged/none"];
      assert.equal(keys.length, opened.store.batch!.most);
      assert.deepEqual(await readAll(opened, keys), [...upTo(17, "value "), "bytes", "ref_not_found", "ref_not_found"]);
    });
    test("parameters are found on every page, and a found key reads that parameter", async () => {
      const opened = await open(urlOf(), { ...inParameters, prefix: "/many/" });
      const keys = await keysFound(opened, named("deep"));
      assert.deepEqual(keys, [...upTo(manyParameters, "deep/")].sort());
      assert.equal(await read(opened, ref(keys[3]!)), keys[3]!.replace("deep/", "value "));
      assert.deepEqual(await keysFound(await open(urlOf(), inParameters), { path: "/many", ...named("x") }), []);
    });
    test("ten parameters are one call, decrypted, each with its own outcome", async () => {
      const opened = await open(urlOf(), inParameters);
      const keys = [...upTo(9, "/many/deep/"), "/many/none"];
      assert.equal(keys.length, opened.store.batch!.most);
      assert.deepEqual(await readAll(opened, keys), [...upTo(9, "value "), "ref_not_found"]);
    });
    test("tags are read as JSON", async () => {
      const tags = { metadataPolicy: "Fetch" } as const;
      assert.equal(await read(await open(urlOf(), {}), ref("tagged/db", tags)), '{"env":"prod","team":"a"}');
      const opened = await open(urlOf(), inParameters);
      assert.equal(await read(opened, ref("/tagged/key", tags)), '{"env":"prod","team":"a"}');
    });
  });

suite("with policies", { timeout: 60_000 }, () => {
  const secretArn = (name: string): string => `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}`;

  test("a secret that may not be read spoils no other", async () => {
    const key = await stack.user("batcher", [
      { Effect: "Allow", Action: "secretsmanager:BatchGetSecretValue", Resource: "*" },
      { Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: secretArn("many/*") },
    ]);
    const opened = await open(stack.url, {}, key);
    assert.deepEqual(await readAll(opened, ["many/1", "tagged/db"]), ["value 1", "store_denied"]);
  });
  test("whoever may not ask for several is told so, and may still ask for one", async () => {
    const key = await stack.user("single", [
      { Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: secretArn("many/*") },
    ]);
    const opened = await open(stack.url, {}, key);
    await assert.rejects(readAll(opened, ["many/1", "many/2"]), {
      code: "store_denied",
      message: /secretsmanager:BatchGetSecretValue/,
    });
    assert.equal(await read(opened, ref("many/1")), "value 1");
    await assert.rejects(keysFound(opened, {}), { code: "store_denied", message: /secretsmanager:ListSecrets/ });
  });
  test("whoever may describe parameters finds them without reading by path", async () => {
    const key = await stack.user("describer", [{ Effect: "Allow", Action: "ssm:DescribeParameters", Resource: "*" }]);
    const opened = await open(stack.url, inParameters, key);
    assert.deepEqual(await keysFound(opened, { path: "/many" }), upTo(manyParameters, "/many/deep/").toSorted());
  });
});

suite("where only one of them follows AWS", { timeout: 60_000 }, () => {
  test("parameters are found by tags", async () => {
    const opened = await open(moto.url, inParameters);
    assert.deepEqual(await keysFound(opened, { tags: { team: "a", env: "prod" } }), ["/tagged/key"]);
    assert.deepEqual(await keysFound(opened, { tags: { team: "prod" } }), []);
  });
  test("eleven parameters in one call are refused, which is why ten are the most", async () => {
    const opened = await open(moto.url, inParameters);
    await assert.rejects(readAll(opened, upTo(11, "/many/deep/")), { code: "ref_invalid" });
  });
  test("a certificate is exported whole, and one that is not for export is told", async () => {
    const request = async (Export: string): Promise<string> => {
      const asked = { DomainName: "shop.example.com", Options: { Export } };
      return String((await moto.call("CertificateManager.RequestCertificate", asked))["CertificateArn"]);
    };
    const opened = await open(moto.url, { service: "CertificateManager" });
    const { store, session } = opened;
    const located = store.locate(ref(await request("ENABLED")));
    const answer = await store.fetch(located, session, signal);
    const text = textOf(answer);
    const key = createPrivateKey(text.slice(text.indexOf("-----BEGIN PRIVATE KEY-----")));
    assert.ok(new X509Certificate(text).checkPrivateKey(key));
    assert.equal(text.match(/-----BEGIN CERTIFICATE-----/g)!.length, 2);
    assert.equal(await store.refetch!(located, answer.validator!, session, signal), "unchanged");
    await assert.rejects(read(opened, ref(await request("DISABLED"))), {
      code: "ref_invalid",
      message: /export enabled/,
    });
    const none = `arn:aws:acm:${region}:${accountId}:certificate/00000000-0000-4000-8000-000000000000`;
    await assert.rejects(read(opened, ref(none)), { code: "ref_not_found" });
  });
  test("requests to Certificate Manager are signed as AWS checks it", async () => {
    const { certificate, key } = makeCertificate({
      name: "shop",
      notBeforeMs: Date.now() - 60_000,
      notAfterMs: Date.now() + 3_600_000,
    });
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const asked = { Certificate: base64(certificate), PrivateKey: base64(key) };
    const { CertificateArn: arn } = await stack.call("CertificateManager.ImportCertificate", asked);
    const may = await stack.user("exporter", [
      { Effect: "Allow", Action: "acm:GetCertificate", Resource: String(arn) },
    ]);
    const ask = async (secret: string) => {
      const { store, session } = await open(stack.url, { service: "CertificateManager" }, { id: may.id, secret });
      const { fingerprint256 } = new X509Certificate(certificate);
      return store.refetch!(store.locate(ref(String(arn))), fingerprint256, session, signal);
    };
    assert.equal(await ask(may.secret), "unchanged");
    await assert.rejects(ask("wrong"), { code: "store_denied", message: /does not accept the credentials/ });
  });
});
