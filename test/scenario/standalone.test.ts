/** The whole program on a file store: what a user of a folder of manifests sees happen, and how soon nothing breaks. */
import assert from "node:assert/strict";
import { chmod, readFile, rm, stat, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { mountAsDriver } from "../fakes/driver-client.ts";
import { createTokenIssuer } from "../fakes/token-issuer.ts";
import { type Program, type ProgramOptions, runOnce, standaloneArgs, startProgram, until } from "./program.ts";

const pod = {
  namespace: "shop",
  podName: "checkout-1",
  podUid: "0f2f6a31-5a8e-4d0e-9b4e-1f9b5f9d7a11",
  serviceAccountName: "checkout",
};

const stores = `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: files}
spec: {provider: {file: {path: $FOLDER/store}}}
`;

const externalSecret = (name: string, property = "password", more = ""): string => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: files, kind: ClusterSecretStore}
  data: [{secretKey: value, remoteRef: {key: db, property: ${property}}}]
${more}`;

const dbFile = (password: string): string => `username: ferry\npassword: ${password}\n`;

async function withProgram(options: Partial<ProgramOptions>, use: (program: Program) => Promise<void>): Promise<void> {
  const program = await startProgram({
    manifests: { "stores.yaml": stores, "a.yaml": externalSecret("a"), ...options.manifests },
    files: { "store/db.yaml": dbFile("one"), ...options.files },
    args: options.args ?? [],
  });
  try {
    await use(program);
  } finally {
    assert.equal(await program.stop(), 0, program.printed().stderr);
  }
}

const valueOf = async (program: Program, name: string): Promise<string | undefined> =>
  (await program.secret("shop", name))["value"];
const untilValue = (program: Program, name: string, want: string): Promise<unknown> =>
  until(async () => {
    assert.equal(await valueOf(program, name), want);
    return true;
  });

async function readyMessage(program: Program, name: string): Promise<string> {
  const ready = (await program.status("shop", name)).conditions.find((condition) => condition.type === "Ready");
  return ready ? `${ready.status} ${ready.message}` : "";
}

const untilReady = (program: Program, name: string, want: RegExp): Promise<unknown> =>
  until(async () => {
    assert.match(await readyMessage(program, name), want);
    return true;
  });

const mountOf = async (
  program: Program,
  parameters: Record<string, string>,
  more: object = {},
): Promise<Record<string, string>> => {
  const { files } = await mountAsDriver(program.socket, { ...pod, parameters, ...more });
  return Object.fromEntries([...files].map(([path, { contents }]) => [path, contents.toString()]));
};

const ownClass = {
  secretStoreRef: "{name: files, kind: ClusterSecretStore}",
  data: "- {secretKey: db/password, remoteRef: {key: db, property: password}}",
};

test("manifests are watched: added, edited, broken and removed ones take effect, and the program goes on", () =>
  withProgram({}, async (program) => {
    await untilValue(program, "a", "one");
    await program.put(program.at("manifests/b.yaml"), externalSecret("b", "username"));
    await untilValue(program, "b", "ferry");
    await program.put(program.at("manifests/b.yaml"), externalSecret("b", "password"));
    await untilValue(program, "b", "one");
    await program.put(program.at("manifests/b.yaml"), externalSecret("b", "nothing"));
    await untilReady(program, "b", /^False .*\[property_not_found\]/);
    assert.equal(await valueOf(program, "b"), "one");
    await program.put(program.at("manifests/b.yaml"), "kind: [");
    await until(() => /b\.yaml/.test(program.printed().stderr));
    assert.equal(await valueOf(program, "b"), "one");
    await program.put(program.at("manifests/b.yaml"), externalSecret("b", "username"));
    await untilValue(program, "b", "ferry");
    await rm(program.at("manifests/b.yaml"));
    await until(async () => (await stat(program.at("out/secrets/shop/b.yaml")).catch(() => "gone")) === "gone");
    assert.equal(await valueOf(program, "a"), "one");
  }));

test("a rotated value reaches every Secret and the next mount, long before the interval", () =>
  withProgram({ manifests: { "b.yaml": externalSecret("b") } }, async (program) => {
    await untilValue(program, "a", "one");
    await untilValue(program, "b", "one");
    assert.deepEqual(await mountOf(program, ownClass), { "db/password": "one" });
    await program.put(program.at("store/db.yaml"), dbFile("two"));
    await untilValue(program, "a", "two");
    await untilValue(program, "b", "two");
    assert.deepEqual(await mountOf(program, ownClass), { "db/password": "two" });
  }));

test("an edited and a deleted output are restored, counted, and the event names the key but no value", () =>
  withProgram({}, async (program) => {
    await untilValue(program, "a", "one");
    const path = program.at("out/secrets/shop/a.yaml");
    await writeFile(path, (await readFile(path, "utf8")).replace("b25l", "ZXZpbA=="));
    await untilValue(program, "a", "one");
    await rm(path);
    await untilValue(program, "a", "one");
    await until(async () => {
      const drifted =
        (await program.status("shop", "a")).events?.filter((event) => event.reason === "SecretDrifted") ?? [];
      assert.ok(
        drifted.some((event) => event.message.includes("value")),
        JSON.stringify(drifted),
      );
      return true;
    });
    assert.match((await program.get("/metrics")).text, /externalsecrets_drift_detected_total\{[^}]*name="a"[^}]*\} 2/);
  }));

test("a hash that was forged beside the value does not hide the edit", () =>
  withProgram({}, async (program) => {
    await untilValue(program, "a", "one");
    await program.put(program.at("manifests/b.yaml"), externalSecret("b", "username"));
    await untilValue(program, "b", "ferry");
    const [a, b] = await Promise.all(
      ["a", "b"].map((name) => readFile(program.at(`out/secrets/shop/${name}.yaml`), "utf8")),
    );
    const hash = /data-hash: (.*)/;
    const forged = a!.replace("b25l", "ZmVycnk=").replace(hash.exec(a!)![1]!, hash.exec(b!)![1]!);
    await writeFile(program.at("out/secrets/shop/a.yaml"), forged);
    await untilValue(program, "a", "one");
  }));

test("the store's folder disappears: mounts of known requests go on, unknown ones fail, Secrets stay", () =>
  withProgram({}, async (program) => {
    await untilValue(program, "a", "one");
    const parameters = { ...ownClass, refreshInterval: "1ms" };
    assert.deepEqual(await mountOf(program, parameters), { "db/password": "one" });
    await rm(program.at("store"), { recursive: true });
    await untilReady(program, "a", /^False .*\[store_unreachable\]/);
    assert.deepEqual(await mountOf(program, parameters), { "db/password": "one" });
    const unknown = { ...ownClass, data: "- {secretKey: other, remoteRef: {key: other}}" };
    await assert.rejects(mountOf(program, unknown), /FAILED_PRECONDITION.*\[store_unreachable\]/s);
    assert.equal(await valueOf(program, "a"), "one");
    await rm(program.at("out/secrets/shop/a.yaml"));
    await untilValue(program, "a", "one");
  }));

test("a mount of an ExternalSecret gives its keys as files", () =>
  withProgram({}, async (program) => {
    assert.deepEqual(await mountOf(program, { externalSecret: "a" }), { value: "one" });
    await assert.rejects(mountOf(program, { externalSecret: "none" }), /\[ref_invalid\].*none/s);
  }));

test("a restart moves nothing: Secrets keep their bytes and their times", () =>
  withProgram({}, async (program) => {
    await untilReady(program, "a", /^True/);
    const path = program.at("out/secrets/shop/a.yaml");
    const before = await stat(path, { bigint: true });
    await program.kill("SIGTERM");
    const again = await runOnce(standaloneArgs(program.folder, ["--once"]));
    assert.equal(again.code, 0, again.stderr);
    assert.equal((await stat(path, { bigint: true })).mtimeNs, before.mtimeNs);
  }));

test("a Secret that was edited while nothing ran is drift at the next start", () =>
  withProgram({}, async (program) => {
    await untilReady(program, "a", /^True/);
    await program.kill("SIGTERM");
    const path = program.at("out/secrets/shop/a.yaml");
    await writeFile(path, (await readFile(path, "utf8")).replace("b25l", "ZXZpbA=="));
    const again = await runOnce(standaloneArgs(program.folder, ["--once"]));
    assert.equal(again.code, 0, again.stderr);
    assert.equal(await valueOf(program, "a"), "one");
  }));

test("--as files: one file a key, switched together, with the value of the store", () =>
  withProgram({ args: ["--as", "files"] }, async (program) => {
    const path = program.at("out/files/shop/a/value");
    await until(async () => (await readFile(path, "utf8")) === "one");
    await program.put(program.at("store/db.yaml"), dbFile("two"));
    await until(async () => (await readFile(path, "utf8")) === "two");
    assert.equal(((await stat(path)).mode & 0o077).toString(8), "0");
  }));

test("output files and sockets are for their owner alone", () =>
  withProgram({}, async (program) => {
    await untilValue(program, "a", "one");
    for (const path of [
      "out/secrets/shop/a.yaml",
      "out/.keyferry/digest-key",
      "out/.keyferry/version-key",
      "out/providers/keyferry.sock",
    ])
      assert.equal(((await stat(program.at(path))).mode & 0o077).toString(8), "0", path);
  }));

test("a StorePolicy decides which namespace reads what, for mount and sync alike", () =>
  withProgram(
    {
      files: { "store/team/key.yaml": "password: team\n" },
      manifests: {
        "policy.yaml": `
apiVersion: keyferry.dev/v1alpha1
kind: StorePolicy
metadata: {name: files}
spec:
  storeRef: {name: files, kind: ClusterSecretStore}
  rules: [{namespaces: [shop], keys: [db]}]
`,
        "b.yaml": externalSecret("b").replace("key: db", "key: team/key"),
      },
    },
    async (program) => {
      await untilValue(program, "a", "one");
      await untilReady(program, "b", /^False .*\[not_allowed\].*StorePolicy/);
      assert.deepEqual(await mountOf(program, ownClass), { "db/password": "one" });
      const other = { ...ownClass, data: "- {secretKey: p, remoteRef: {key: team/key}}" };
      await assert.rejects(mountOf(program, other), /PERMISSION_DENIED.*\[not_allowed\]/s);
    },
  ));

test("with a key set, a planted token ends as not_allowed; the real one in `secrets` wins over it", async () => {
  const [issuer, attacker] = await Promise.all([createTokenIssuer(), createTokenIssuer()]);
  const account = {
    namespace: "shop",
    serviceAccountName: "checkout",
    serviceAccountUid: "u-1",
    pod: { name: pod.podName, uid: pod.podUid },
  };
  const real = { vault: await issuer.sign(account) };
  const planted = { vault: await attacker.sign(account) };
  await withProgram(
    { files: { "jwks.json": issuer.jwks }, args: ["--token-jwks", "$FOLDER/jwks.json"] },
    async (program) => {
      assert.deepEqual(await mountOf(program, ownClass, { tokens: real }), { "db/password": "one" });
      await assert.rejects(mountOf(program, ownClass, { tokens: planted }), /PERMISSION_DENIED.*\[not_allowed\]/s);
      const secrets = {
        "csi.storage.k8s.io/serviceAccount.tokens": JSON.stringify({
          vault: { token: real.vault, expirationTimestamp: "2099-01-01T00:00:00Z" },
        }),
      };
      assert.deepEqual(await mountOf(program, ownClass, { tokens: planted, secrets }), { "db/password": "one" });
    },
  );
});

test("an output folder that cannot be written is told as such, and written once it can", async (t) => {
  if (process.getuid?.() === 0) return t.skip("root may write everywhere");
  await withProgram({}, async (program) => {
    await untilValue(program, "a", "one");
    await chmod(program.at("out/secrets/shop"), 0o500);
    await program.put(program.at("store/db.yaml"), dbFile("two"));
    await untilReady(program, "a", /^False .*\[target_refused\]/);
    await chmod(program.at("out/secrets/shop"), 0o700);
    await untilValue(program, "a", "two");
  });
});

test("/livez, /readyz and /metrics answer; anything else is 404", () =>
  withProgram({}, async (program) => {
    for (const path of ["/livez", "/readyz", "/metrics"]) assert.equal((await program.get(path)).status, 200, path);
    assert.equal((await program.get("/")).status, 404);
  }));

test("every release is audited before it happens, with who, what and which version", () =>
  withProgram({}, async (program) => {
    await untilValue(program, "a", "one");
    await mountOf(program, ownClass);
    const lines = (await readFile(program.at("audit.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const mount = lines.find((line) => line["delivery"] === "mount")!;
    assert.deepEqual(mount["consumer"], { kind: "Pod", namespace: "shop", name: pod.podName, uid: pod.podUid });
    assert.equal(mount["address"], "db");
    assert.equal(mount["store"], "ClusterSecretStore/files");
    assert.ok(lines.some((line) => line["delivery"] === "sync"));
  }));
