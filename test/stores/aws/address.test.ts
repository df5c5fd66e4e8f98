import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { locate } from "../../../plugin/stores/aws/address.ts";
import type { AwsConfig } from "../../../plugin/stores/aws/config.ts";

type Service = AwsConfig["service"];
const read = (service: Service, key: string, version?: string, prefix = "") =>
  locate({ service, prefix }, { key, metadataPolicy: "None", ...(version === undefined ? {} : { version }) });

const secretArn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:payments/db-AbCdEf";
const parameterArn = "arn:aws:ssm:eu-central-1:123456789012:parameter/payments/db";

const certificateArn = "arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-4234-8234-123456789012";

const rows: readonly (readonly [
  name: string,
  service: Service,
  key: string,
  version: string | undefined,
  prefix: string,
  want: readonly [string, string],
])[] = [
  ["a secret's name", "SecretsManager", "payments/db", undefined, "", ["payments/db", ""]],
  ["a secret behind the prefix", "SecretsManager", "db", undefined, "payments/", ["payments/db", ""]],
  ["a secret's ARN", "SecretsManager", secretArn, undefined, "", [secretArn, ""]],
  ["a managed secret", "SecretsManager", "rds!cluster-1", undefined, "", ["rds!cluster-1", ""]],
  ["a staging label", "SecretsManager", "db", "AWSPREVIOUS", "", ["db", "AWSPREVIOUS"]],
  ["the current label, which is no version", "SecretsManager", "db", "AWSCURRENT", "", ["db", ""]],
  ["a version id", "SecretsManager", "db", "uuid/123", "", ["db", "uuid/123"]],
  ["a parameter's name", "ParameterStore", "/payments/db", undefined, "", ["/payments/db", ""]],
  ["a parameter behind the prefix", "ParameterStore", "db", undefined, "/payments/", ["/payments/db", ""]],
  ["a parameter's version", "ParameterStore", "/payments/db", "3", "", ["/payments/db", "3"]],
  ["a parameter's version in its key", "ParameterStore", "/payments/db:3", undefined, "", ["/payments/db", "3"]],
  ["a parameter's label in its key", "ParameterStore", "db:prod", undefined, "", ["db", "prod"]],
  ["a parameter's ARN", "ParameterStore", parameterArn, undefined, "", [parameterArn, ""]],
  ["a parameter's ARN with a version", "ParameterStore", `${parameterArn}:3`, undefined, "", [parameterArn, "3"]],
];

suite("an address of aws", () => {
  for (const [name, service, key, version, prefix, [address, at]] of rows)
    test(name, () => {
      const located = read(service, key, version, prefix);
      assert.deepEqual(located, { address, method: "GET", arguments: "", version: at });
    });
  test("a certificate's ARN, whatever the prefix", () => {
    const located = read("CertificateManager", certificateArn, undefined, "team/");
    assert.deepEqual(located, { address: certificateArn, method: "GET", arguments: "", version: "" });
  });
  test("tags are another read than the value, and of no version", () => {
    const located = locate(
      { service: "SecretsManager", prefix: "" },
      { key: "db", version: "AWSPREVIOUS", metadataPolicy: "Fetch" },
    );
    assert.deepEqual(located, { address: "db", method: "GET", arguments: "tags", version: "" });
  });
});

const refused: readonly (readonly [
  name: string,
  service: Service,
  key: string,
  version: string | undefined,
  prefix: string,
  says: RegExp,
])[] = [
  ["an empty key", "SecretsManager", "", undefined, "", /the key is empty/],
  ["an empty key behind a prefix", "SecretsManager", "", undefined, "team/", /the key is empty/],
  ["white space", "SecretsManager", "pay ments", undefined, "", /white space/],
  ["a line end", "ParameterStore", "a\nb", undefined, "", /control character/],
  ["half a character", "SecretsManager", "a\ud800", undefined, "", /not valid Unicode/],
  ["an endless key", "SecretsManager", "a".repeat(2_049), undefined, "", /longer than 2048/],
  [
    "an ARN that would step around the prefix",
    "SecretsManager",
    secretArn,
    undefined,
    "team/",
    /puts its prefix in front/,
  ],
  [
    "a parameter's ARN around the prefix",
    "ParameterStore",
    parameterArn,
    undefined,
    "/team/",
    /puts its prefix in front/,
  ],
  ["no version id", "SecretsManager", "db", "uuid/", "", /names no id/],
  ["a version with a space", "SecretsManager", "db", "a b", "", /printable ASCII/],
  ["two versions", "ParameterStore", "db:3", "4", "", /keep one/],
  ["a colon without a version", "ParameterStore", "db:", undefined, "", /no version follows/],
  ["two colons", "ParameterStore", "db:3:4", undefined, "", /no version follows/],
  ["a version with a colon", "ParameterStore", "db", "3:4", "", /without a colon/],
  ["a certificate by its name", "CertificateManager", "shop.example.com", undefined, "", /not a certificate's ARN/],
  ["a secret's ARN as certificate", "CertificateManager", secretArn, undefined, "", /not a certificate's ARN/],
  ["a certificate's version", "CertificateManager", certificateArn, "1", "", /version has no meaning/],
];

suite("aws has no address for", () => {
  for (const [name, service, key, version, prefix, says] of refused)
    test(name, () => assert.throws(() => read(service, key, version, prefix), { code: "ref_invalid", message: says }));
});

test("aws has no tags of a certificate", () => {
  const asked = { key: certificateArn, metadataPolicy: "Fetch" } as const;
  assert.throws(() => locate({ service: "CertificateManager", prefix: "" }, asked), { code: "ref_invalid" });
});
