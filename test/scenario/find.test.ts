/** The whole program on a fake store that is found in: by sync, by a mount and by `render --live`. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { mountAsDriver } from "../fakes/driver-client.ts";
import { launch, type Program, startProgram, until } from "./program.ts";

const pod = {
  namespace: "shop",
  podName: "checkout-1",
  podUid: "0f2f6a31-5a8e-4d0e-9b4e-1f9b5f9d7a11",
  serviceAccountName: "checkout",
};

/** `keys`: with their values. */
const store = (keys: Readonly<Record<string, string>>): string => `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: trial}
spec: {provider: {fake: {data: ${JSON.stringify(Object.entries(keys).map(([key, value]) => ({ key, value })))}}}}
`;

const first = { "pay/db": "one", "pay/api": "two", "web/db": "canary-of-others" };

const externalSecret = (find: string, more = ""): string => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: found, namespace: shop}
spec:
  refreshInterval: 1s
  secretStoreRef: {name: trial, kind: ClusterSecretStore}
  dataFrom:
    - find: ${find}
      rewrite: [{regexp: {source: "^pay/", target: ""}}]
${more}`;

const policy = `
apiVersion: keyferry.dev/v1alpha1
kind: StorePolicy
metadata: {name: trial}
spec:
  storeRef: {name: trial, kind: ClusterSecretStore}
  rules: [{namespaces: [shop], keys: [pay/*]}]
`;

async function withProgram(
  manifests: Readonly<Record<string, string>>,
  use: (program: Program) => Promise<void>,
): Promise<void> {
  const program = await startProgram({ manifests: { "store.yaml": store(first), ...manifests } });
  try {
    await use(program);
  } finally {
    assert.equal(await program.stop(), 0, program.printed().stderr);
  }
}

const untilSecret = (program: Program, want: Readonly<Record<string, string>>): Promise<unknown> =>
  until(async () => {
    assert.deepEqual(await program.secret("shop", "found"), want);
    return true;
  });

const filesOf = async (program: Program, find: string): Promise<Readonly<Record<string, string>>> => {
  const parameters = {
    secretStoreRef: "{name: trial, kind: ClusterSecretStore}",
    dataFrom: `- find: ${find}`,
    refreshInterval: "0s",
  };
  const { files } = await mountAsDriver(program.socket, { ...pod, parameters });
  return Object.fromEntries([...files].map(([path, { contents }]) => [path, contents.toString()]));
};

test("what is added, changed and removed at the store follows into the Secret and the next mount", () =>
  withProgram({ "a.yaml": externalSecret('{name: {regexp: "^pay/"}}') }, async (program) => {
    await untilSecret(program, { db: "one", api: "two" });
    assert.deepEqual(await filesOf(program, '{name: {regexp: "^pay/"}}'), { pay_db: "one", pay_api: "two" });
    await program.put(program.at("manifests/store.yaml"), store({ "pay/db": "rotated", "pay/new": "three" }));
    await untilSecret(program, { db: "rotated", new: "three" });
    assert.deepEqual(await filesOf(program, '{name: {regexp: "^pay/"}}'), { pay_db: "rotated", pay_new: "three" });
    assert.deepEqual(await filesOf(program, "{name: {regexp: nothing}}"), {});
  }));

test("when nothing is found any more, the Secret stays with Retain and says so", () =>
  withProgram({ "a.yaml": externalSecret('{name: {regexp: "^pay/"}}') }, async (program) => {
    await untilSecret(program, { db: "one", api: "two" });
    await program.put(program.at("manifests/store.yaml"), store({ other: "x" }));
    await until(async () => {
      const [ready] = (await program.status("shop", "found")).conditions;
      assert.deepEqual([ready?.status, ready?.message], ["True", "secret retained due to DeletionPolicy=Retain"]);
      return true;
    });
    await untilSecret(program, { db: "one", api: "two" });
  }));

test("when nothing is found any more, the Secret goes with Delete", () =>
  withProgram(
    { "a.yaml": externalSecret('{name: {regexp: "^pay/"}}', "  target: {deletionPolicy: Delete}") },
    async (program) => {
      await untilSecret(program, { db: "one", api: "two" });
      await program.put(program.at("manifests/store.yaml"), store({ other: "x" }));
      await until(async () => {
        const [ready] = (await program.status("shop", "found")).conditions;
        assert.deepEqual([ready?.status, ready?.reason], ["True", "SecretDeleted"]);
        return true;
      });
    },
  ));

test("what the rules keep from a namespace is nowhere: not in files, logs, audit or status", () =>
  withProgram({ "a.yaml": externalSecret("{}"), "policy.yaml": policy }, async (program) => {
    await untilSecret(program, { db: "one", api: "two" });
    assert.deepEqual(await filesOf(program, "{}"), { pay_db: "one", pay_api: "two" });
    const audit = await readFile(program.at("audit.jsonl"), "utf8");
    const lines = audit
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { delivery: string; address: string; withheld?: number });
    for (const delivery of ["sync", "mount"]) {
      const released = lines.filter((line) => line.delivery === delivery).map((line) => [line.address, line.withheld]);
      assert.deepEqual(released.slice(0, 3), [
        ["*", 1],
        ["pay/api", undefined],
        ["pay/db", undefined],
      ]);
    }
    const { stdout, stderr } = program.printed();
    const status = await readFile(program.at("out/status/ExternalSecret/shop/found.yaml"), "utf8");
    for (const text of [audit, stdout, stderr, status]) assert.doesNotMatch(text, /web\/db|canary/);
  }));

test("render --live shows what a find comes to", () =>
  withProgram({ "a.yaml": externalSecret('{name: {regexp: "^pay/"}}') }, async (program) => {
    const main = join(import.meta.dirname, "../../plugin/main.ts");
    const args = [main, "render", program.at("manifests/a.yaml"), program.at("manifests/store.yaml"), "--live"];
    const { ended, printed } = launch([...args, "--show-values"], {});
    assert.equal(await ended, 0, printed().stderr);
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    assert.match(printed().stdout, new RegExp(`api: ${base64("two")}\\s+db: ${base64("one")}`));
  }));
