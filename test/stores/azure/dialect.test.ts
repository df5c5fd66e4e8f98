/** Classes of Azure's own CSI provider: what is read, as whom, into which files, and what is wrong with them. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Problem } from "../../../plugin/manifests/objects.ts";
import { azureDialect } from "../../../plugin/stores/azure/dialect.ts";
import { azurekv } from "../../../plugin/stores/azure/kind.ts";
import type { ClassRequest, DialectFile } from "../../../plugin/stores/class-dialect.ts";
import type { Store } from "../../../plugin/stores/contract.ts";
import { clock, forAll, inShop } from "./opened.ts";

type Parameters = Readonly<Record<string, string>>;
const places = { namespace: "shop", serviceAccountName: "checkout", filePermission: 0o644 };
const vault = { keyvaultName: "shop", tenantID: "tenant", clientID: "client" };

/** `objects` as classes have it: a text for each object. */
const objects = (...items: readonly string[]): string =>
  `array:\n${items.map((item) => `  - |\n    ${item.replaceAll("\n", "\n    ")}\n`).join("")}`;
const one = (fields: string): string => objects(`{${fields}}`);
const db = one("objectName: db, objectType: secret");

function parsed(parameters: Parameters, secretKeys: readonly string[] = [], more: object = {}): ClassRequest {
  const result = azureDialect.parse(parameters, { ...places, secretKeys, ...more });
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

function problemsOf(parameters: Parameters, secretKeys: readonly string[] = []): readonly Problem[] {
  const result = azureDialect.parse(parameters, { ...places, secretKeys });
  assert.ok(!result.ok, "nothing was wrong with it");
  return result.problems;
}

function open({ block }: ClassRequest, context = inShop): { store: Store; config: Readonly<Record<string, unknown>> } {
  const opened = azurekv.open(block, context, {
    clock,
    http: () => () => assert.fail("asked"),
    watchPath: () => () => undefined,
    plainHttp: false,
    countCall: () => undefined,
  });
  assert.ok(opened.ok, JSON.stringify(opened));
  return { store: opened.value.store, config: opened.value.config as Readonly<Record<string, unknown>> };
}

/** One line a file: `path[xhistory] mode <- key@version as form, encoding`. */
function told({ path, mode, ref, part, history, object, encoding }: DialectFile): string {
  assert.deepEqual([part, object], [{ kind: "whole" }, { id: ref.key, version: "store" }]);
  const keyed = ref.key + (ref.version === undefined ? "" : `@${ref.version}`);
  return `${path}${history ? `x${history}` : ""} ${mode.toString(8)} <- ${keyed} as ${ref.form}, ${encoding}`;
}

const understood: readonly { name: string; objects: string; files: readonly string[] }[] = [
  {
    name: "each type is a collection of the vault",
    objects: objects(
      "objectName: db\nobjectType: secret",
      "objectName: signing\nobjectType: key",
      "objectName: tls\nobjectType: cert",
    ),
    files: [
      "db 644 <- secret/db as pem, utf-8",
      "signing 644 <- key/signing as pem, utf-8",
      "tls 644 <- cert/tls as pem, utf-8",
    ],
  },
  {
    name: "an alias is the file's name, folders and all",
    objects: one("objectName: db, objectType: secret, objectAlias: conf/db"),
    files: ["conf/db 644 <- secret/db as pem, utf-8"],
  },
  {
    name: "texts are trimmed, and null is nothing",
    objects: one('objectName: " db ", objectType: "secret ", objectAlias: null, objectVersion: ~, filePermission:'),
    files: ["db 644 <- secret/db as pem, utf-8"],
  },
  {
    name: "unknown fields mean nothing",
    objects: one("objectName: db, objectType: secret, someday: [maybe], OBJECTALIAS: other"),
    files: ["db 644 <- secret/db as pem, utf-8"],
  },
  {
    name: "formats and encodings are known in any letters",
    objects: objects(
      "{objectName: a, objectType: secret, objectFormat: PFX, objectEncoding: Base64}",
      "{objectName: b, objectType: secret, objectFormat: Pem, objectEncoding: HEX}",
      "{objectName: c, objectType: secret, objectFormat: pfx, objectEncoding: utf-8}",
      "{objectName: d, objectType: cert, objectFormat: pem}",
    ),
    files: [
      "a 644 <- secret/a as pfx, base64",
      "b 644 <- secret/b as pem, hex",
      "c 644 <- secret/c as pfx, utf-8",
      "d 644 <- cert/d as pem, utf-8",
    ],
  },
  {
    name: "modes are octal, in quotes or not",
    objects: objects(
      "{objectName: a, objectType: secret, filePermission: 0400}",
      '{objectName: b, objectType: secret, filePermission: "440"}',
      '{objectName: c, objectType: secret, filePermission: "0000"}',
    ),
    files: ["a 400 <- secret/a as pem, utf-8", "b 440 <- secret/b as pem, utf-8", "c 0 <- secret/c as pem, utf-8"],
  },
  {
    name: "a version is what is written, number or not, and latest is none",
    objects: objects(
      "{objectName: a, objectType: secret, objectVersion: 00000000000000000000000000000010}",
      "{objectName: b, objectType: secret, objectVersion: 1e10}",
      "{objectName: c, objectType: secret, objectVersion: latest}",
    ),
    files: [
      "a 644 <- secret/a@00000000000000000000000000000010 as pem, utf-8",
      "b 644 <- secret/b@1e10 as pem, utf-8",
      "c 644 <- secret/c as pem, utf-8",
    ],
  },
  {
    name: "a history above one is a folder of files",
    objects: objects(
      "{objectName: a, objectType: secret, objectVersionHistory: 3, objectAlias: old/a}",
      '{objectName: b, objectType: key, objectVersionHistory: "2", objectVersion: 1b}',
      "{objectName: c, objectType: secret, objectVersionHistory: 1}",
      "{objectName: d, objectType: secret, objectVersionHistory: 0}",
      "{objectName: e, objectType: secret, objectAlias: old/a/e}",
    ),
    files: [
      "old/ax3 644 <- secret/a as pem, utf-8",
      "bx2 644 <- key/b@1b as pem, utf-8",
      "c 644 <- secret/c as pem, utf-8",
      "d 644 <- secret/d as pem, utf-8",
      "old/a/e 644 <- secret/e as pem, utf-8",
    ],
  },
  {
    name: "one object makes several files",
    objects: objects(
      "{objectName: tls, objectType: secret}",
      "{objectName: tls, objectType: secret, objectFormat: pfx, objectAlias: tls.pfx}",
      "{objectName: tls, objectType: cert, objectAlias: tls.crt}",
    ),
    files: [
      "tls 644 <- secret/tls as pem, utf-8",
      "tls.pfx 644 <- secret/tls as pfx, utf-8",
      "tls.crt 644 <- cert/tls as pem, utf-8",
    ],
  },
];

const refused: readonly {
  name: string;
  parameters: Parameters;
  secretKeys?: readonly string[];
  problems: readonly string[];
}[] = [
  { name: "nothing at all", parameters: {}, problems: ["keyvaultName", "tenantID", "clientID", "objects"] },
  { name: "no array", parameters: { ...vault, objects: "list: []" }, problems: ["objects.array"] },
  { name: "an empty array", parameters: { ...vault, objects: "array: []" }, problems: ["objects.array"] },
  { name: "an array that is none", parameters: { ...vault, objects: "array: {a: b}" }, problems: ["objects.array"] },
  { name: "a list for the map", parameters: { ...vault, objects: "- a" }, problems: ["objects"] },
  { name: "YAML that is none", parameters: { ...vault, objects: "array: [" }, problems: ["objects"] },
  {
    name: "items that are no texts of YAML",
    parameters: {
      ...vault,
      objects: "array:\n  - {objectName: a, objectType: secret}\n  - '['\n  - a\n  - ''\n  - |\n    - b\n",
    },
    problems: [0, 1, 2, 3, 4].map((index) => `objects.array[${index}]`),
  },
  {
    name: "everything at once, each with its place",
    parameters: {
      ...vault,
      objects: objects(
        "{objectType: secret}",
        "{objectName: a}",
        "{objectName: b, objectType: Secret}",
        "{objectName: c, objectType: key, objectFormat: pfx}",
        "{objectName: d, objectType: secret, objectFormat: der}",
        "{objectName: e, objectType: cert, objectEncoding: base64}",
        "{objectName: f, objectType: secret, objectEncoding: rot13}",
        "{objectName: g, objectType: secret, filePermission: 0888}",
        "{objectName: h, objectType: secret, filePermission: 01777}",
        "{objectName: i, objectType: secret, objectVersionHistory: some}",
        "{objectName: j_k, objectType: secret}",
        "{objectName: l, objectType: secret, objectVersion: a/b}",
        "{objectName: m, objectType: secret, objectAlias: [n]}",
      ),
    },
    problems: [
      "objects.array[0].objectName",
      "objects.array[1].objectType",
      "objects.array[2].objectType",
      "objects.array[3].objectFormat",
      "objects.array[4].objectFormat",
      "objects.array[5].objectEncoding",
      "objects.array[6].objectEncoding",
      "objects.array[7].filePermission",
      "objects.array[8].filePermission",
      "objects.array[9].objectVersionHistory",
      "objects.array[10].objectName",
      "objects.array[11].objectVersion",
      "objects.array[12].objectAlias",
    ],
  },
  {
    name: "files that cannot be in one volume",
    parameters: {
      ...vault,
      objects: objects(
        "{objectName: a, objectType: secret}",
        "{objectName: a, objectType: key}",
        "{objectName: b, objectType: secret, objectAlias: a/b}",
        "{objectName: c, objectType: secret, objectAlias: c..d}",
        "{objectName: e, objectType: secret, objectAlias: /etc/e}",
        "{objectName: f, objectType: secret, objectVersionHistory: 2}",
        "{objectName: g, objectType: secret, objectAlias: f}",
        "{objectName: f, objectType: key, objectVersionHistory: 2}",
        "{objectName: h, objectType: key, objectAlias: f/0}",
      ),
    },
    problems: [
      "objects.array[1].objectName",
      "objects.array[2].objectAlias",
      "objects.array[3].objectAlias",
      "objects.array[4].objectAlias",
      "objects.array[6].objectAlias",
      "objects.array[7].objectName",
      "objects.array[8].objectAlias",
    ],
  },
  {
    name: "a vault's name that leads elsewhere",
    parameters: { ...vault, keyvaultName: "evil.example/", objects: db },
    problems: ["keyvaultName"],
  },
  {
    name: "a name with dots",
    parameters: { ...vault, keyvaultName: "a.b.c", objects: db },
    problems: ["keyvaultName"],
  },
  { name: "a name too short", parameters: { ...vault, keyvaultName: "ab", objects: db }, problems: ["keyvaultName"] },
  { name: "a cloud that is none", parameters: { ...vault, cloudName: "Sky", objects: db }, problems: ["cloudName"] },
  {
    name: "a cloud that only a file of the provider tells of",
    parameters: { ...vault, cloudName: "AzureStackCloud", cloudEnvFileName: "/etc/cloud.json", objects: db },
    problems: ["cloudName"],
  },
  {
    name: "two tenants",
    parameters: { ...vault, tenantId: "other", objects: db },
    problems: ["tenantId"],
  },
  { name: "a tenant that is none", parameters: { ...vault, tenantID: "a/b", objects: db }, problems: ["tenantID"] },
  { name: "a client that is none", parameters: { ...vault, clientID: "a b", objects: db }, problems: ["clientID"] },
  {
    name: "two identities",
    parameters: { ...vault, useVMManagedIdentity: "true", objects: db },
    problems: ["clientID", "useVMManagedIdentity"],
  },
  {
    name: "identities that are no more, or not here",
    parameters: { ...vault, usePodIdentity: "true", useAzureTokenProxy: "true", objects: db },
    problems: ["usePodIdentity", "useAzureTokenProxy"],
  },
  {
    name: "truth values that are none",
    parameters: { ...vault, usePodIdentity: "no", useVMManagedIdentity: "off", objects: db },
    problems: ["usePodIdentity", "useVMManagedIdentity"],
  },
  {
    name: "a principal without its secret",
    parameters: { ...vault, clientID: "", objects: db },
    secretKeys: ["clientid"],
    problems: ["nodePublishSecretRef"],
  },
];

suite("a class of Azure's CSI provider", () => {
  for (const { name, objects: given, files } of understood)
    test(name, () => {
      const request = parsed({ ...vault, objects: given });
      assert.deepEqual(request.files.map(told), files);
      const { store } = open(request);
      for (const { ref } of request.files) store.locate(ref);
    });

  for (const { name, parameters, secretKeys, problems } of refused)
    test(`is refused: ${name}`, () => {
      const found = problemsOf(parameters, secretKeys).map(({ path }) => path);
      assert.deepEqual(found.sort(byText), [...problems].sort(byText));
    });

  test("is the kind's own", () => assert.deepEqual(azurekv.dialects, [azureDialect]));

  const clouds: readonly (readonly [string, string, string])[] = [
    ["", "https://shop.vault.azure.net", "https://login.microsoftonline.com"],
    ["AzurePublicCloud", "https://shop.vault.azure.net", "https://login.microsoftonline.com"],
    ["AZURECHINACLOUD", "https://shop.vault.azure.cn", "https://login.chinacloudapi.cn"],
    ["AzureUSGovernmentCloud", "https://shop.vault.usgovcloudapi.net", "https://login.microsoftonline.us"],
    ["AzureGermanCloud", "https://shop.vault.microsoftazure.de", "https://login.microsoftonline.de"],
  ];
  for (const [cloudName, vaultUrl, authority] of clouds)
    test(`finds the vault in ${cloudName || "the cloud that is meant without a name"}`, () => {
      const { config } = open(parsed({ ...vault, keyvaultName: " shop ", cloudName, objects: db }));
      assert.deepEqual([config["vaultUrl"], config["authority"]], [vaultUrl, authority]);
    });

  test("reads as the pod by the client's id, and asks nothing of its account", () => {
    const given = { keyvaultName: "shop", tenantId: "tenant", clientID: "client", objects: db };
    const flags = { usePodIdentity: "false", useVMManagedIdentity: "", userAssignedIdentityID: "" };
    const { store, config } = open(parsed({ ...given, ...flags }, ["clientid", "clientsecret"]));
    assert.deepEqual(store.proofNeed, {
      kind: "token",
      field: "spec.provider.azurekv.serviceAccountRef",
      audience: "api://AzureADTokenExchange",
    });
    const { method, tenantId, clientId } = config["login"] as Readonly<Record<string, unknown>>;
    assert.deepEqual([method, tenantId, clientId], ["workloadIdentity", "tenant", "client"]);
  });

  test("reads as a principal whose id and secret come with the mount", () => {
    const request = parsed({ ...vault, clientID: " ", objects: db }, ["clientsecret", "clientid", "other"]);
    const { proofNeed } = open(request).store;
    assert.ok(proofNeed.kind === "static");
    const shown = Object.entries(proofNeed.secrets).map(([name, { name: secret, key }]) => [name, secret, key]);
    assert.deepEqual(shown, [
      ["clientId", "nodePublishSecretRef", "clientid"],
      ["clientSecret", "nodePublishSecretRef", "clientsecret"],
    ]);
  });

  test("tells two versions of one object apart", () => {
    const versions = ["", "objectVersion: 1a, objectAlias: b", "objectVersion: 1b, objectAlias: c"];
    const given = objects(
      ...versions.map((more) => `{objectName: a, objectType: secret, ${more}}`),
      "{objectName: a, objectType: key, objectVersion: 2a, objectAlias: d}",
      "{objectName: a, objectType: key, objectVersion: 2a, objectAlias: e}",
    );
    const { files } = parsed({ ...vault, objects: given });
    assert.deepEqual(
      files.map(({ object }) => object.id),
      ["secret/a", "secret/a/1a", "secret/a/1b", "key/a", "key/a"],
    );
  });

  test("reads as the machine for a namespace that may", () => {
    const { clientID: _, ...given } = { ...vault, useVMManagedIdentity: "True", objects: db };
    const identityOf = (parameters: Parameters): unknown => {
      const request = parsed(parameters, [], { processIdentity: true });
      assert.equal(request.processIdentity, true);
      const { method, identityId } = open(request, forAll).config["login"] as Readonly<Record<string, unknown>>;
      return [method, identityId];
    };
    assert.deepEqual(identityOf(given), ["managedIdentity", undefined]);
    assert.deepEqual(identityOf({ ...given, userAssignedIdentityID: "mine" }), ["managedIdentity", "mine"]);
    const [problem] = problemsOf(given);
    assert.equal(problem?.path, "useVMManagedIdentity");
    assert.match(problem.problem, /--process-identity-namespaces/);
    assert.equal(parsed({ ...vault, objects: db }, [], { processIdentity: true }).processIdentity, undefined);
  });
});

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
