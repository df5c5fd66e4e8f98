/** Classes of AWS's own CSI provider: what is read by what, into which files, and what is wrong with them. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Problem } from "../../../plugin/manifests/objects.ts";
import { aws } from "../../../plugin/stores/aws/kind.ts";
import { awsDialect } from "../../../plugin/stores/aws/dialect.ts";
import type { ClassRequest, DialectFile } from "../../../plugin/stores/class-dialect.ts";
import { createHttpClients, type HttpClients } from "../../../plugin/wire/http.ts";
import { openWhole } from "./opened.ts";

type Parameters = Readonly<Record<string, string>>;
const surroundings = { namespace: "shop", serviceAccountName: "checkout", secretKeys: [], filePermission: 0o644 };
const inFrankfurt = { region: "eu-central-1" };
const arn = (service: string, region: string, name: string): string =>
  `arn:aws:${service}:${region}:123456789012:${name}`;

function parsed(parameters: Parameters): ClassRequest {
  const result = awsDialect.parse(parameters, surroundings);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

function problemsOf(parameters: Parameters): readonly Problem[] {
  const result = awsDialect.parse(parameters, surroundings);
  assert.ok(!result.ok, "nothing was wrong with it");
  return result.problems;
}

/** One line a file: `path mode <- key@version (part) [block] |failover`. */
function told({ path, mode, ref, part, block, failover, object, encoding }: DialectFile): string {
  assert.deepEqual([object, encoding], [{ id: path, version: "store" }, "utf-8"]);
  const keyed = (one: typeof ref): string => one.key + (one.version === undefined ? "" : `@${one.version}`);
  const cut = part.kind === "jmesPath" ? ` (${part.path})` : "";
  const other = failover ? ` |${keyed(failover.ref)} [${failover.block}]` : "";
  return `${path} ${mode.toString(8)} <- ${keyed(ref)}${cut}${block === undefined ? "" : ` [${block}]`}${other}`;
}

const secret = (fields: string): string => `- {objectType: secretsmanager, ${fields}}\n`;
const parameter = (fields: string): string => `- {objectType: ssmparameter, ${fields}}\n`;

const understood: readonly { name: string; parameters: Parameters; files: readonly string[] }[] = [
  {
    name: "a secret's file has its name, with a slash translated",
    parameters: { ...inFrankfurt, objects: secret("objectName: shop/db") },
    files: ["shop_db 644 <- shop/db"],
  },
  {
    name: "an alias is translated too",
    parameters: { ...inFrankfurt, pathTranslation: "-", objects: secret("objectName: a, objectAlias: b/c") },
    files: ["b-c 644 <- a"],
  },
  {
    name: "without translation folders stay, and slashes in front go",
    parameters: { ...inFrankfurt, pathTranslation: "fAlse", objects: parameter("objectName: /shop/db/password") },
    files: ["shop/db/password 644 <- /shop/db/password"],
  },
  {
    name: "versions are ids and labels of either service",
    parameters: {
      ...inFrankfurt,
      objects:
        secret("objectName: a, objectVersion: 1b2c") +
        secret("objectName: b, objectVersionLabel: AWSPREVIOUS") +
        secret("objectName: c, objectVersion: 1b2c, objectVersionLabel: AWSCURRENT") +
        parameter("objectName: d, objectVersion: 3") +
        parameter("objectName: e, objectVersionLabel: stable"),
    },
    files: [
      "a 644 <- a@uuid/1b2c",
      "b 644 <- b@AWSPREVIOUS",
      "c 644 <- c@uuid/1b2c",
      "d 644 <- d@3 [ParameterStore eu-central-1]",
      "e 644 <- e@stable [ParameterStore eu-central-1]",
    ],
  },
  {
    name: "values without quotes are YAML 1.1, put into texts again",
    parameters: {
      ...inFrankfurt,
      objects:
        parameter("objectName: on, objectVersion: 010") +
        parameter('objectName: "off", objectVersion: "010"') +
        parameter("objectName: 0x1F, objectVersion: 1_000") +
        parameter("objectName: 7.50, objectVersion: null") +
        parameter("objectName: 2024-01-01"),
    },
    files: [
      "true 644 <- true@8",
      "off 644 <- off@010",
      "31 644 <- 31@1000",
      "7.5 644 <- 7.5",
      "2024-01-01 644 <- 2024-01-01",
    ],
  },
  {
    name: "fields are known in any letters, and unknown ones mean nothing",
    parameters: {
      ...inFrankfurt,
      someday: "maybe",
      objects: "- {ObjectName: db, OBJECTTYPE: secretsmanager, objectalias: file, yes: 1, true: 2}",
    },
    files: ["file 644 <- db"],
  },
  {
    name: "files have the mode that they name",
    parameters: {
      ...inFrankfurt,
      objects:
        secret('objectName: a, filePermission: "0400"') +
        secret('objectName: b, filePermission: "4755"') +
        secret('objectName: c, filePermission: "0440", jmesPath: [{path: x, objectAlias: d}]'),
    },
    files: ["a 400 <- a", "b 755 <- b", "c 440 <- c", "d 440 <- c (x)"],
  },
  {
    name: "what is cut out stands beside the whole",
    parameters: {
      ...inFrankfurt,
      objects: `- objectName: shop/db
  objectType: secretsmanager
  jmesPath:
    - {path: user.name, objectAlias: user}
    - {path: '"pass-word"', objectAlias: pw/x, filePermission: "0400"}
`,
    },
    files: ["shop_db 644 <- shop/db", "user 644 <- shop/db (user.name)", 'pw_x 400 <- shop/db ("pass-word")'],
  },
  {
    name: "an ARN says what it is of",
    parameters: {
      ...inFrankfurt,
      objects: `
- objectName: ${arn("secretsmanager", "eu-central-1", "secret:db-a1b2c3")}
- {objectName: "${arn("ssm", "eu-central-1", "parameter/shop/db")}", objectType: ssmparameter, objectAlias: p}
`,
    },
    files: [
      `${arn("secretsmanager", "eu-central-1", "secret:db-a1b2c3")} 644 <- ${arn("secretsmanager", "eu-central-1", "secret:db-a1b2c3")}`,
      `p 644 <- ${arn("ssm", "eu-central-1", "parameter/shop/db")} [ParameterStore eu-central-1]`,
    ],
  },
  {
    name: "with another region each object is there under its name, or under that of failoverObject",
    parameters: {
      ...inFrankfurt,
      failoverRegion: "eu-west-1",
      objects:
        secret("objectName: a, objectVersionLabel: AWSPREVIOUS") +
        secret("objectName: b, objectAlias: b, failoverObject: {objectName: b2, objectVersionLabel: old}") +
        secret(`objectName: "${arn("secretsmanager", "eu-central-1", "secret:c")}", objectAlias: c`) +
        parameter("objectName: d"),
    },
    files: [
      "a 644 <- a@AWSPREVIOUS |a@AWSPREVIOUS [SecretsManager eu-west-1]",
      "b 644 <- b |b2@old [SecretsManager eu-west-1]",
      `c 644 <- ${arn("secretsmanager", "eu-central-1", "secret:c")}`,
      "d 644 <- d [ParameterStore eu-central-1] |d [ParameterStore eu-west-1]",
    ],
  },
  {
    name: "one secret makes several files under several names",
    parameters: {
      ...inFrankfurt,
      objects:
        secret("objectName: a") +
        secret("objectName: a, objectAlias: before, objectVersionLabel: AWSPREVIOUS") +
        secret("objectName: a, objectAlias: again"),
    },
    files: ["a 644 <- a", "before 644 <- a@AWSPREVIOUS", "again 644 <- a"],
  },
];

const refused: readonly { name: string; parameters: Parameters; problems: readonly string[] }[] = [
  { name: "nothing at all", parameters: {}, problems: ["objects", "region"] },
  { name: "no object", parameters: { ...inFrankfurt, objects: "[]" }, problems: ["objects"] },
  { name: "a map for the list", parameters: { ...inFrankfurt, objects: "objectName: a" }, problems: ["objects"] },
  { name: "YAML that is none", parameters: { ...inFrankfurt, objects: "- {" }, problems: ["objects"] },
  {
    name: "items that are no maps",
    parameters: { ...inFrankfurt, objects: "- a\n-\n" },
    problems: ["objects[0]", "objects[1]"],
  },
  {
    name: "a region that is none",
    parameters: { region: "moon", objects: secret("objectName: a") },
    problems: ["region"],
  },
  {
    name: "a failover region that is the region itself",
    parameters: { ...inFrankfurt, failoverRegion: "eu-central-1", objects: secret("objectName: a") },
    problems: ["failoverRegion"],
  },
  {
    name: "a failover region that is none",
    parameters: { ...inFrankfurt, failoverRegion: "moon", objects: secret("objectName: a") },
    problems: ["failoverRegion"],
  },
  {
    name: "a translation into two characters",
    parameters: { ...inFrankfurt, pathTranslation: "__", objects: secret("objectName: a") },
    problems: ["pathTranslation"],
  },
  {
    name: "a truth value that is none",
    parameters: { ...inFrankfurt, usePodIdentity: "yes", objects: secret("objectName: a") },
    problems: ["usePodIdentity"],
  },
  {
    name: "everything at once, each with its place",
    parameters: {
      ...inFrankfurt,
      objects: `
- {objectType: secretsmanager}
- {objectName: a}
- {objectName: b, objectType: vault}
- {objectName: c, objectType: SecretsManager}
- {objectName: d, objectType: ssmparameter, objectVersion: 1, objectVersionLabel: x}
- {objectName: e, objectType: ssmparameter, objectVersion: "1:2"}
- {objectName: "f g", objectType: secretsmanager}
- {objectName: h, objectType: secretsmanager, filePermission: 0644}
- {objectName: i, objectType: secretsmanager, filePermission: "644"}
- {objectName: j, objectType: secretsmanager, jmesPath: [{objectAlias: x}, {path: y}, z]}
- {objectName: k, objectType: secretsmanager, jmesPath: x}
- {objectName: l, objectType: secretsmanager, objectName2: x, OBJECTNAME: m}
- {objectName: [n], objectType: secretsmanager}
`,
    },
    problems: [
      "objects[0].objectName",
      "objects[1].objectType",
      "objects[2].objectType",
      "objects[3].objectType",
      "objects[4].objectVersionLabel",
      "objects[5].objectName",
      "objects[6].objectName",
      "objects[7].filePermission",
      "objects[8].filePermission",
      "objects[9].jmesPath[0].path",
      "objects[9].jmesPath[1].objectAlias",
      "objects[9].jmesPath[2]",
      "objects[10].jmesPath",
      "objects[11].objectName",
      "objects[12].objectName",
    ],
  },
  {
    name: "ARNs of elsewhere",
    parameters: {
      ...inFrankfurt,
      objects: `
- objectName: ${arn("secretsmanager", "eu-west-1", "secret:a")}
- objectName: ${arn("s3", "eu-central-1", "b")}
- objectName: arn:aws:ssm
- {objectName: "${arn("ssm", "eu-central-1", "parameter/c")}", objectType: secretsmanager}
`,
    },
    problems: ["objects[0].objectName", "objects[1].objectName", "objects[2].objectName", "objects[3].objectType"],
  },
  {
    name: "a failover object without a region, an alias and the same version",
    parameters: {
      ...inFrankfurt,
      objects: secret('objectName: a, objectVersion: v1, failoverObject: {objectName: b, objectVersion: "v2"}'),
    },
    problems: ["objects[0].failoverObject", "objects[0].failoverObject.objectVersion", "objects[0].objectAlias"],
  },
  {
    name: "a failover object of another service or region",
    parameters: {
      ...inFrankfurt,
      failoverRegion: "eu-west-1",
      objects:
        secret(
          `objectName: a, objectAlias: a, failoverObject: {objectName: "${arn("ssm", "eu-west-1", "parameter/a")}"}`,
        ) +
        secret(
          `objectName: b, objectAlias: b, failoverObject: {objectName: "${arn("secretsmanager", "eu-central-1", "secret:b")}"}`,
        ),
    },
    problems: ["objects[0].failoverObject.objectName", "objects[1].failoverObject.objectName"],
  },
  {
    name: "files that cannot be in one volume",
    parameters: {
      ...inFrankfurt,
      pathTranslation: "False",
      objects:
        secret("objectName: a") +
        secret("objectName: a, objectVersionLabel: AWSPREVIOUS") +
        secret("objectName: a/b, jmesPath: [{path: x, objectAlias: c/../../d}]") +
        secret("objectName: ..data") +
        secret("objectName: e, objectAlias: f//g"),
    },
    problems: [
      "objects[1].objectName",
      "objects[2].jmesPath[0].objectAlias",
      "objects[2].objectName",
      "objects[3].objectName",
      "objects[4].objectAlias",
    ],
  },
];

suite("a class of AWS's CSI provider", () => {
  let clients: HttpClients;
  before(
    () => (clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] })),
  );
  after(() => clients.close());

  /** Every block must open, and every ref must be one that its block's store knows. */
  function open({ block, further = {}, files }: ClassRequest): void {
    const storeOf = (one: unknown) => openWhole(one as object, { url: "http://127.0.0.1:1", clients }).store;
    const stores = new Map(Object.entries(further).map(([name, one]) => [name, storeOf(one)]));
    const main = storeOf(block);
    for (const file of files) {
      (file.block === undefined ? main : stores.get(file.block)!).locate(file.ref);
      if (file.failover) stores.get(file.failover.block)!.locate(file.failover.ref);
    }
  }

  for (const { name, parameters, files } of understood)
    test(name, () => {
      const request = parsed(parameters);
      assert.deepEqual(request.files.map(told), files);
      open(request);
    });

  for (const { name, parameters, problems } of refused)
    test(`is refused: ${name}`, () => {
      const found = problemsOf(parameters);
      assert.deepEqual(found.map(({ path }) => path).sort(byPlace), [...problems].sort(byPlace));
      for (const { problem } of found) assert.match(problem, /\S/);
    });

  test("is the kind's own", () => assert.deepEqual(aws.dialects, [awsDialect]));

  test("reads in blocks of their own what one block cannot say", () => {
    const auth = { jwt: { serviceAccountRef: { name: "checkout", audiences: ["sts.amazonaws.com"] } } };
    const block = (service: string, region: string) => ({ service, region, auth });
    const objects = parameter("objectName: a") + secret("objectName: b");
    const { block: main, further } = parsed({ ...inFrankfurt, failoverRegion: "eu-west-1", objects });
    assert.deepEqual(main, block("ParameterStore", "eu-central-1"));
    assert.deepEqual(further, {
      "ParameterStore eu-west-1": block("ParameterStore", "eu-west-1"),
      "SecretsManager eu-central-1": block("SecretsManager", "eu-central-1"),
      "SecretsManager eu-west-1": block("SecretsManager", "eu-west-1"),
    });
    assert.deepEqual(Object.keys(parsed({ ...inFrankfurt, objects: parameter("objectName: a") })), ["block", "files"]);
  });

  const identities: readonly { parameters: Parameters; audience: string; urls?: readonly string[] }[] = [
    { parameters: {}, audience: "sts.amazonaws.com" },
    { parameters: { usePodIdentity: "false" }, audience: "sts.amazonaws.com" },
    {
      parameters: { usePodIdentity: "true" },
      audience: "pods.eks.amazonaws.com",
      urls: ["http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1/credentials"],
    },
    {
      parameters: { usePodIdentity: "T", preferredAddressType: "IPv6" },
      audience: "pods.eks.amazonaws.com",
      urls: ["http://[fd00:ec2::23]/v1/credentials"],
    },
    {
      parameters: { usePodIdentity: "1", preferredAddressType: "ipv4" },
      audience: "pods.eks.amazonaws.com",
      urls: ["http://169.254.170.23/v1/credentials"],
    },
  ];
  for (const { parameters, audience, urls } of identities)
    test(`shows the pod's own token: ${JSON.stringify(parameters)}`, () => {
      const { block } = parsed({ ...inFrankfurt, ...parameters, objects: secret("objectName: a") });
      const { store, config } = openWhole(block as object, { url: "http://127.0.0.1:1", clients });
      const need = store.proofNeed;
      assert.ok(need.kind === "token");
      assert.deepEqual([need.audience, need.annotations?.audience], [audience, undefined]);
      assert.deepEqual(need.annotations?.shown, urls ? undefined : ["eks.amazonaws.com/role-arn"]);
      assert.deepEqual((config as { login: { urls?: unknown } }).login.urls, urls);
    });
});

const byPlace = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
