/** Classes of the CSI providers of Vault and OpenBao: what they mean, what is wrong with them, and what is read by them. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Ref } from "../../../plugin/stores/contract.ts";
import { openBaoDialect, vaultDialect } from "../../../plugin/stores/vault/dialect.ts";
import { openBao, vault } from "../../../plugin/stores/vault/kind.ts";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import type { HttpClients } from "../../../plugin/wire/http.ts";
import { facts } from "../facts.ts";
import { openAll, problemsOf, told, understood } from "../dialects.ts";
import type { Parameters } from "../dialects.ts";
import { openStore, startWire } from "./wire.ts";
import type { Wire } from "./wire.ts";

const server = { roleName: "web", vaultAddress: "https://vault.example.com:8200" };
const object = (fields: string): string => `- {objectName: f, secretPath: kv/data/shop, ${fields}}\n`;
const plain = { ...server, objects: object("secretKey: a") };

suite("objects of a class", () => {
  const cases: readonly [name: string, objects: string, files: readonly string[]][] = [
    ["a key of a secret", object("secretKey: password"), ["f 644 <- kv/data/shop as json password"]],
    ["no key: the whole answer", object(""), ["f 644 <- kv/data/shop as whole"]],
    ["a key that YAML takes for null", object("secretKey: ~"), ["f 644 <- kv/data/shop as whole"]],
    ["a key that looks like null, in quotes", object("secretKey: 'null'"), ["f 644 <- kv/data/shop as json null"]],
    ["a key that looks like a number", object("secretKey: 0644"), ["f 644 <- kv/data/shop as json 0644"]],
    ["a key that looks like a truth", object("secretKey: yes"), ["f 644 <- kv/data/shop as json yes"]],
    ["a mode in octal", object("filePermission: 0400"), ["f 400 <- kv/data/shop as whole"]],
    ["a mode in YAML 1.2's octal", object("filePermission: 0o440"), ["f 440 <- kv/data/shop as whole"]],
    ["a mode in decimal", object("filePermission: 384"), ["f 600 <- kv/data/shop as whole"]],
    ["a mode of 0, which says nothing", object("filePermission: 0"), ["f 644 <- kv/data/shop as whole"]],
    ["an encoding, in any letters", object("encoding: BASE64"), ["f 644 <- kv/data/shop as whole (base64)"]],
    ["fields that nobody knows", object("colour: red, method: get"), ["f 644 <- kv/data/shop as whole"]],
    ["arguments that are none", object("secretArgs: {}, method: ''"), ["f 644 <- kv/data/shop as whole"]],
    [
      "a folder",
      "- {objectName: tls/key.pem, secretPath: /v1/pki/ca/pem}",
      ["tls/key.pem 644 <- /v1/pki/ca/pem as whole"],
    ],
  ];
  for (const [name, objects, files] of cases)
    test(`have ${name}`, () => {
      const request = understood(vaultDialect, { ...server, objects });
      assert.deepEqual(request.files.map(told), files);
      openAll(vault, request);
    });

  test("are versions of their own, by what is in their files", () => {
    const { files } = understood(vaultDialect, { ...server, objects: object("secretKey: a") });
    assert.deepEqual(files[0]!.object, { id: "f", version: "digest" });
    assert.equal(files[0]!.ref.form, "data");
    const whole = understood(vaultDialect, { ...server, objects: object("") });
    assert.deepEqual(whole.files[0]!.object, { id: "f", version: "digest", passing: ["request_id"] });
    assert.equal(whole.files[0]!.ref.form, "response");
  });
  test("take the driver's mode where they have none", () => {
    const { files } = understood(vaultDialect, plain, { filePermission: 0o600 });
    assert.equal(files[0]!.mode, 0o600);
  });
});

suite("server and login of a class", () => {
  const cases: readonly [name: string, parameters: Parameters, login: string][] = [
    ["the defaults", {}, "https://vault.example.com:8200  auth/kubernetes web vault"],
    ["a namespace", { vaultNamespace: "team/a" }, "https://vault.example.com:8200 team/a auth/kubernetes web vault"],
    ["a mount", { vaultKubernetesMountPath: "prod/k8s" }, "https://vault.example.com:8200  auth/prod/k8s web vault"],
    ["the newer word for it", { vaultAuthMountPath: "jwt" }, "https://vault.example.com:8200  auth/jwt web vault"],
    ["an audience", { audience: "https://v" }, "https://vault.example.com:8200  auth/kubernetes web https://v"],
    [
      "what says nothing",
      { vaultSkipTLSVerify: "F", vaultTLSServerName: "vault.example.com", vaultCACertPath: "", someday: "x" },
      "https://vault.example.com:8200  auth/kubernetes web vault",
    ],
  ];
  for (const [name, parameters, login] of cases)
    test(`are ${name}`, () => {
      const request = understood(vaultDialect, { ...plain, ...parameters });
      const { proofNeed, loginRealm } = openAll(vault, request).get("")!;
      assert.ok(proofNeed.kind === "token");
      const { role } = (request.block as { auth: { kubernetes: { role: string } } }).auth.kubernetes;
      assert.equal(`${loginRealm} ${role} ${proofNeed.audience}`, login);
      assert.deepEqual(proofNeed.serviceAccount, { name: "checkout" });
    });

  test("come from the provider's environment where the class is silent", () => {
    const environment = { VAULT_ADDR: "https://elsewhere:8200", VAULT_NAMESPACE: "n" };
    assert.deepEqual(vaultDialect.environment, Object.keys(environment));
    const silent = { roleName: "web", objects: plain.objects };
    assert.match(
      openAll(vault, understood(vaultDialect, silent, { environment })).get("")!.loginRealm,
      /elsewhere.* n /,
    );
    const spoken = openAll(vault, understood(vaultDialect, plain, { environment })).get("")!;
    assert.match(spoken.loginRealm, /^https:\/\/vault\.example\.com:8200 n /);
  });
  test("leave a CA to be put into the block", () => {
    const { paths } = understood(vaultDialect, { ...plain, vaultCACertPath: "vault-ca.pem" });
    assert.deepEqual(paths, [{ parameter: "vaultCACertPath", name: "vault-ca.pem", field: "caBundle" }]);
  });
  test("are OpenBao's by its own names, and its older ones", () => {
    for (const prefix of ["openbao", "bao", "vault"]) {
      const named = { [`${prefix}Address`]: "https://bao:8200", [`${prefix}Namespace`]: "n" };
      const request = understood(openBaoDialect, { roleName: "web", objects: plain.objects, ...named });
      const { proofNeed, loginRealm } = openAll(vault, request).get("")!;
      assert.equal(loginRealm, "https://bao:8200 n auth/kubernetes");
      assert.equal(proofNeed.kind === "token" && proofNeed.audience, "openbao");
    }
  });
  test("stand under the names of both providers' sockets", () => {
    assert.deepEqual(
      vault.dialects?.map(({ provider }) => provider),
      ["vault", "openbao"],
    );
    assert.equal(openBao.dialects, undefined);
  });
});

suite("what is wrong with a class", () => {
  const cases: readonly [name: string, parameters: Parameters, path: string, problem: RegExp][] = [
    ["no role", { roleName: "" }, "roleName", /^is missing/],
    ["no address", { vaultAddress: "" }, "vaultAddress", /^is missing/],
    ["an address that is none", { vaultAddress: "unix:///agent.sock" }, "vaultAddress", /must be a URL/],
    ["a namespace with spaces", { vaultNamespace: "a b" }, "vaultNamespace", /ASCII/],
    ["a mount that climbs", { vaultAuthMountPath: "../sys" }, "vaultAuthMountPath", /segment/],
    [
      "both words for the mount",
      { vaultAuthMountPath: "a", vaultKubernetesMountPath: "b" },
      "vaultAuthMountPath",
      /does not go with vaultKubernetesMountPath/,
    ],
    ["a CA by its path", { vaultCACertPath: "/etc/ca.pem" }, "vaultCACertPath", /name of a file.*--path-root/],
    ["a CA that climbs", { vaultCACertPath: "..", audience: "x" }, "vaultCACertPath", /name of a file/],
    ["a folder of CAs", { vaultCADirectory: "cas" }, "vaultCADirectory", /name it by vaultCACertPath/],
    ["a client certificate", { vaultTLSClientCertPath: "c.pem" }, "vaultTLSClientCertPath", /SecretStore that has tls/],
    ["a client key", { vaultTLSClientKeyPath: "c.key" }, "vaultTLSClientKeyPath", /SecretStore that has tls/],
    ["another name in the certificate", { vaultTLSServerName: "v" }, "vaultTLSServerName", /not supported yet/],
    ["unchecked certificates", { vaultSkipTLSVerify: "True" }, "vaultSkipTLSVerify", /always checked/],
    ["no truth", { vaultSkipTLSVerify: "yes" }, "vaultSkipTLSVerify", /"true" or "false"/],
    ["no objects", { objects: "" }, "objects", /^is missing or empty/],
    ["an empty list", { objects: "[]" }, "objects", /^is empty/],
    ["no list", { objects: "a: b" }, "objects", /must be a YAML list, not a map/],
    ["broken YAML", { objects: "- a\n- {b: [" }, "objects", /^line 2: /],
    ["two documents", { objects: "- a: b\n---\n- c: d" }, "objects", /one YAML document/],
    ["no map", { objects: "- a\n" }, "objects[0]", /must be a map/],
    ["no file name", { objects: "- {secretPath: a/b}" }, "objects[0].objectName", /^is missing/],
    ["no path", { objects: "- {objectName: a}" }, "objects[0].secretPath", /^is missing/],
    [
      "a key that is a list",
      { objects: object("secretKey: [a]") },
      "objects[0].secretKey",
      /must be a text, not a list/,
    ],
    ["a path that climbs", { objects: "- {objectName: a, secretPath: kv/../sys}" }, "objects[0].secretPath", /segment/],
    ["a folder as path", { objects: "- {objectName: a, secretPath: kv/a/}" }, "objects[0].secretPath", /empty segment/],
    ["a file that climbs", { objects: "- {objectName: ../a, secretPath: kv/a}" }, "objects[0].objectName", /`\.\.`/],
    ["an absolute file", { objects: "- {objectName: /a, secretPath: kv/a}" }, "objects[0].objectName", /absolute/],
    ["one file twice", { objects: object("") + object("secretKey: a") }, "objects[1].objectName", /name of two files/],
    [
      "a file in a file",
      { objects: `${object("")}- {objectName: f/g, secretPath: kv/a}` },
      "objects[1].objectName",
      /also the name of a file/,
    ],
    ["a mode that is none", { objects: object("filePermission: 0888") }, "objects[0].filePermission", /file mode/],
    ["a mode too large", { objects: object("filePermission: 0o1777") }, "objects[0].filePermission", /file mode/],
    ["a negative mode", { objects: object("filePermission: -1") }, "objects[0].filePermission", /file mode/],
    ["another encoding", { objects: object("encoding: utf-16") }, "objects[0].encoding", /none of utf-8, base64, hex/],
    ["a method that writes", { objects: object("method: PUT") }, "objects[0].method", /only GET is/],
    ["arguments", { objects: object("secretArgs: {ttl: 1h}") }, "objects[0].secretArgs", /query of secretPath/],
  ];
  for (const [name, parameters, path, problem] of cases)
    test(`is ${name}`, () => {
      const problems = problemsOf(vaultDialect, { ...plain, ...parameters });
      assert.deepEqual(
        problems.map((one) => one.path),
        [path],
      );
      assert.match(problems[0]!.problem, problem);
    });

  test("is told all at once, and without a value of it", () => {
    const problems = problemsOf(vaultDialect, {
      vaultSkipTLSVerify: "hunter2",
      objects:
        "- {objectName: ../hunter2, encoding: hunter2}\n- hunter2\n- {secretPath: a/../hunter2, method: hunter2}",
    });
    const paths = problems.map(({ path }) => path).sort();
    assert.deepEqual(paths, [
      "objects[0].encoding",
      "objects[0].objectName",
      "objects[0].secretPath",
      "objects[1]",
      "objects[2].method",
      "objects[2].objectName",
      "objects[2].secretPath",
      "roleName",
      "vaultAddress",
      "vaultSkipTLSVerify",
    ]);
    assert.doesNotMatch(JSON.stringify(problems), /hunter2/);
  });
  test("is one thing said by two names of OpenBao", () => {
    const named = { openbaoAddress: "https://a", baoAddress: "https://b" };
    const [problem] = problemsOf(openBaoDialect, { ...named, roleName: "r", objects: plain.objects });
    assert.deepEqual(problem, { path: "baoAddress", problem: "says the same as openbaoAddress; keep one of the two" });
  });
});

suite("a read by an API path", { timeout: 30_000 }, () => {
  const { signal } = new AbortController();
  let clients: HttpClients;
  let wire: Wire;
  before(async () => {
    clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    wire = await startWire();
  });
  after(async () => {
    await clients.close();
    await wire.close();
  });

  const sent = (body: object, status = 200) => {
    wire.answer = () => ({ status, body: body });
  };
  async function read(ref: Omit<Ref, "metadataPolicy">) {
    const store = openStore(
      { version: "v1", auth: { tokenSecretRef: { name: "t", key: "t" } } },
      { url: wire.url, clients },
    );
    const session = await store.login({ kind: "static", secrets: { token: SecretValue.fromText("t") } }, signal, facts);
    const located = store.locate({ ...ref, metadataPolicy: "None" });
    const fetched = await store.fetch(located.whole ?? located, session, signal);
    const answer = located.whole ? store.part!(located, fetched) : fetched;
    return { ...answer, text: answer.value.reveal().toString(), line: wire.lines().at(-1), located };
  }
  const kv2 = {
    request_id: "r-1",
    lease_id: "",
    lease_duration: 0,
    renewable: false,
    data: { data: { user: "ana", port: 5432 }, metadata: { version: 7 } },
    warnings: null,
    auth: null,
    wrap_info: null,
    mount_type: "kv",
  };

  test("of KV v2 takes the inner data, whatever spelling the path has", async () => {
    sent(kv2);
    for (const key of ["kv/data/db", "/kv/data/db", "/v1/kv/data/db", "v1/kv/data/db"]) {
      const { text, version, line, located } = await read({ key, form: "data" });
      assert.deepEqual([text, version, line], ['{"port":5432,"user":"ana"}', "7", "GET kv/data/db"]);
      assert.deepEqual([located.address, located.method], ["kv/data/db", "GET"]);
    }
  });
  test("gives the whole answer, as Vault's client writes it", async () => {
    sent(kv2);
    const { text, version, requestId } = await read({ key: "kv/data/db", form: "response" });
    assert.equal(
      text,
      '{"data":{"data":{"port":5432,"user":"ana"},"metadata":{"version":7}},"lease_duration":0,"lease_id":"","renewable":false,"request_id":"r-1","warnings":null}',
    );
    assert.deepEqual([version, requestId], ["7", "r-1"]);
  });
  test("takes the data of every other engine as it is, and a lease with it", async () => {
    sent({
      request_id: "r",
      lease_id: "db/1",
      lease_duration: 60,
      renewable: true,
      data: { username: "u", data: "d" },
    });
    const { text, lease, located } = await read({ key: "database/creds/app", form: "data" });
    assert.equal(text, '{"data":"d","username":"u"}');
    assert.deepEqual(lease, { id: "db/1", renewable: true });
    assert.notEqual(located.method, "GET");
  });
  test("sends the query of its path", async () => {
    sent(kv2);
    const { line, located } = await read({ key: "kv/data/db?version=2&x=a b", form: "data" });
    assert.equal(line, "GET kv/data/db?version=2&x=a+b");
    assert.equal(located.address, "kv/data/db");
    assert.notEqual(located.arguments, (await read({ key: "kv/data/db", form: "data" })).located.arguments);
  });
  test("of a key and of the whole answer are one call", async () => {
    sent(kv2);
    const key = await read({ key: "kv/data/db", form: "data" });
    const whole = await read({ key: "kv/data/db", form: "response" });
    assert.deepEqual(key.located.whole, whole.located);
  });
  test("is shared only where the path is KV v2's", async () => {
    sent(kv2);
    const shared = { "kv/data/db": true, "team/kv/data/db": true, "kv/db": false, "data/db": false, "kv/data": false };
    for (const [key, isShared] of Object.entries({ ...shared, "db/creds/data/x": false }))
      assert.equal((await read({ key, form: "data" })).located.method === "GET", isShared, key);
  });
  test("without data is not found, or no answer of Vault's", async () => {
    sent({ ...kv2, data: null });
    await assert.rejects(read({ key: "kv/db", form: "data" }), { code: "ref_not_found" });
    sent({ errors: [] });
    await assert.rejects(read({ key: "kv/db", form: "response" }), { code: "answer_invalid" });
    sent({ ...kv2, data: "text" });
    await assert.rejects(read({ key: "kv/db", form: "data" }), { code: "answer_invalid" });
    sent({ errors: [] }, 404);
    await assert.rejects(read({ key: "kv/db", form: "data" }), { code: "ref_not_found" });
  });
});
