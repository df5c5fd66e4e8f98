import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { Failure } from "../../plugin/core/failure.ts";
import { parseMountCall, type MountCall } from "../../plugin/mount/attributes.ts";

const canary = "canary-8f2e51";
const prefix = "csi.storage.k8s.io/";
const facts = {
  secretProviderClass: "app",
  [`${prefix}pod.name`]: "web-0",
  [`${prefix}pod.namespace`]: "shop",
  [`${prefix}pod.uid`]: "6f1c0c34-7f2e-4c12-9a47-0f5b6f6f5b11",
  [`${prefix}serviceAccount.name`]: "checkout",
  [`${prefix}ephemeral`]: "true",
};
const tokens = JSON.stringify({ vault: { token: canary, expirationTimestamp: "2026-01-01T00:00:00Z" } });

const call = (parts: Partial<MountCall> = {}, more: Record<string, unknown> = {}): MountCall => ({
  attributes: JSON.stringify({ ...facts, externalSecret: "db", ...more }),
  secrets: "{}",
  permission: "420",
  ...parts,
});

suite("the strings of a mount call", () => {
  test("become pod facts, parameters and a mode", () => {
    const parsed = parseMountCall(call({}, { filePermission: "0400" }));
    assert.deepEqual(parsed.pod, {
      namespace: "shop",
      podName: "web-0",
      podUid: "6f1c0c34-7f2e-4c12-9a47-0f5b6f6f5b11",
      serviceAccountName: "checkout",
    });
    assert.deepEqual({ ...parsed.parameters }, { externalSecret: "db", filePermission: "0400" });
    assert.equal(parsed.permission, 0o644);
    assert.equal(parsed.tokens, undefined);
  });

  for (const secrets of ["", "null", "{}", " null ", '{"other":"x"}'])
    test(`secrets may be ${JSON.stringify(secrets)}`, () => {
      assert.equal(parseMountCall(call({ secrets })).tokens, undefined);
    });

  test("tokens come from the attribute", () => {
    const parsed = parseMountCall(call({}, { [`${prefix}serviceAccount.tokens`]: tokens }));
    assert.equal(parsed.tokens?.reveal().toString(), tokens);
    assert.ok(!inspect(parsed, { depth: 9 }).includes(canary) && !JSON.stringify(parsed).includes(canary));
  });

  test("tokens in secrets win over the attribute, which a pod's author can write", () => {
    const secrets = JSON.stringify({ [`${prefix}serviceAccount.tokens`]: tokens });
    const parsed = parseMountCall(call({ secrets }, { [`${prefix}serviceAccount.tokens`]: "forged" }));
    assert.equal(parsed.tokens?.reveal().toString(), tokens);
  });

  test("`__proto__` is an ordinary parameter", () => {
    const attributes = call().attributes.replace("{", '{"__proto__":"x","constructor":"y",');
    const { parameters } = parseMountCall(call({ attributes }));
    assert.deepEqual(Object.keys(parameters), ["__proto__", "constructor", "externalSecret"]);
  });

  for (const [text, mode] of [
    ["420", 0o644],
    ["0", 0],
    ["511", 0o777],
    [" 256 ", 0o400],
    ["420.0", 0o644],
  ] as const)
    test(`permission ${JSON.stringify(text)} is mode 0${mode.toString(8)}`, () =>
      assert.equal(parseMountCall(call({ permission: text })).permission, mode));

  for (const permission of ["", "512", "-1", "0644", '"420"', "1.5", "1e99", "null", "[420]", "abc", "9".repeat(400)])
    test(`permission ${JSON.stringify(permission.slice(0, 20))} is refused`, () =>
      refused(call({ permission }), /^permission must be a JSON number from 0 to 511/));
});

const refused = (bad: MountCall, message: RegExp): void =>
  assert.throws(
    () => parseMountCall(bad),
    (thrown: unknown) => {
      assert.ok(thrown instanceof Failure);
      assert.equal(thrown.code, "manifest_invalid");
      assert.match(thrown.message, message);
      assert.ok(!inspect(thrown, { depth: 9, showHidden: true }).includes(canary), "holds nothing of the input");
      return true;
    },
  );

suite("a broken mount call is refused without showing any of it", () => {
  const shapes: readonly { name: string; text: string; message: RegExp }[] = [
    { name: "not JSON", text: `{"a": ${canary}`, message: /not valid JSON/ },
    { name: "text after JSON", text: `{} ${canary}`, message: /not valid JSON/ },
    { name: "an array", text: `["${canary}"]`, message: /must be a JSON object of strings/ },
    { name: "a string", text: `"${canary}"`, message: /must be a JSON object of strings/ },
    { name: "a number", text: "7", message: /must be a JSON object of strings/ },
    { name: "a nested object", text: `{"a": {"${canary}": "x"}}`, message: /nested deeper/ },
    { name: "a number inside", text: `{"${canary}": 7}`, message: /value 1 is no string/ },
    { name: "null inside", text: `{"a": "x", "${canary}": null}`, message: /value 2 is no string/ },
    { name: "true inside", text: `{"${canary}": true}`, message: /value 1 is no string/ },
    { name: "100,000 brackets", text: "[".repeat(100_000), message: /nested deeper/ },
    { name: "20,000 members", text: `{${'"a":"",'.repeat(20_000)}"b":""}`, message: /more than 10000 members/ },
    { name: "3 MiB", text: `{"a":"${"x".repeat(3 << 20)}"}`, message: /longer than/ },
  ];
  for (const field of ["attributes", "secrets"] as const)
    for (const { name, text, message } of shapes)
      test(`${field}: ${name}`, () => refused(call({ [field]: text }), new RegExp(`^${field} .*${message.source}`)));

  for (const attributes of ["", "null"])
    test(`attributes: ${JSON.stringify(attributes)}`, () => refused(call({ attributes }), /^attributes is empty/));

  for (const key of ["pod.name", "pod.namespace", "pod.uid", "serviceAccount.name"]) {
    test(`without ${key}, which it names with the way out`, () =>
      refused(call({}, { [prefix + key]: undefined }), new RegExp(`${key} is missing; set podInfoOnMount: true`)));
    test(`with an empty ${key}`, () => refused(call({}, { [prefix + key]: "" }), new RegExp(`${key} is missing`)));
    for (const text of [`a/${canary}`, `../${canary}`, `${canary}\u0000`, `${canary} x`, "x".repeat(300)])
      test(`with ${key} ${JSON.stringify(text.slice(0, 24))}`, () =>
        refused(call({}, { [prefix + key]: text }), new RegExp(`${key} is not such a name`)));
  }

  test("whatever comes, the outcome is an answer or a Failure", () => {
    const text = fc.oneof(
      fc.json(),
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "null", "{}", call().attributes),
    );
    fc.assert(
      fc.property(text, text, fc.oneof(fc.json(), fc.string()), (attributes, secrets, permission) => {
        try {
          parseMountCall({ attributes, secrets, permission });
        } catch (thrown) {
          assert.ok(thrown instanceof Failure && thrown.code === "manifest_invalid");
        }
      }),
    );
  });
});
