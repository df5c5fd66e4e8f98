import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { Failure } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { ObjectMeta } from "../../plugin/manifests/objects.ts";
import type { ExistingSecret, SecretObject, SecretWrite, WriteOutcome } from "../../plugin/sync/ports.ts";
import { never, owner, read, secret, setUp, texts, until, type Setup } from "./setup.ts";

const key = { namespace: "shop", name: "db" };
const limits = { timeout: 30_000 };

function write(content: SecretObject, by: ObjectMeta | undefined): SecretWrite {
  return { secret: content, owner: by, fieldManager: "test" };
}

/** The Secret as it was read at some version. */
function at(resourceVersion: string): ExistingSecret {
  return { ...secret("db", {}), resourceVersion, lastWriter: "test" };
}

function versionOf(outcome: WriteOutcome): string {
  assert.ok(outcome.done);
  return outcome.resourceVersion;
}

async function written(
  { directory }: Setup,
  data: Record<string, string>,
  more: Partial<SecretObject> = {},
): Promise<string> {
  return versionOf(await directory.targets.create(write({ ...secret("db", data), ...more }, owner("db")), never));
}

for (const as of ["yaml", "files"] as const)
  suite(`Secrets as ${as}`, limits, () => {
    test("are read back as they were written", async () => {
      await using setup = await setUp({ as });
      const version = await written(
        setup,
        { b: "2", a: "1\n", empty: "" },
        { type: "kubernetes.io/tls", immutable: true, annotations: { "a/b": "yes", x: "" } },
      );
      await setup.reopen();
      const found = await setup.directory.targets.get(key, never);
      assert.ok(found);
      const { data, ...others } = found;
      assert.deepEqual(texts(data), { a: "1\n", b: "2", empty: "" });
      assert.deepEqual(others, {
        ...key,
        type: "kubernetes.io/tls",
        immutable: true,
        labels: { "reconcile.external-secrets.io/managed": "true" },
        annotations: { "a/b": "yes", x: "" },
        owner: "shop/db",
        resourceVersion: version,
        lastWriter: "file edit",
      });
    });
    test("a write needs the version that was read", async () => {
      await using setup = await setUp({ as });
      const { targets } = setup.directory;
      const first = await written(setup, { a: "1" });
      assert.deepEqual(await targets.create(write(secret("db", { a: "x" }), undefined), never), { done: false });
      const second = versionOf(await targets.replace(write(secret("db", { a: "2" }), owner("db")), at(first), never));
      assert.deepEqual(await targets.replace(write(secret("db", { a: "3" }), owner("db")), at(first), never), {
        done: false,
      });
      assert.deepEqual(await targets.remove(at(first), never), { done: false });
      assert.deepEqual(texts((await targets.get(key, never))?.data), { a: "2" });
      assert.equal((await targets.get(key, never))?.lastWriter, "keyferry");
      assert.ok((await targets.remove(at(second), never)).done);
      assert.equal(await targets.get(key, never), undefined);
      assert.ok((await targets.remove(at(second), never)).done, "what is gone is removed");
      assert.deepEqual(await targets.replace(write(secret("db", { a: "3" }), owner("db")), at(second), never), {
        done: false,
      });
    });
    test("an owner finds its Secrets, by reference or by label, also those of an earlier run", async () => {
      await using setup = await setUp({ as });
      await written(setup, { a: "1" });
      const createdBy = createHash("sha3-224").update("shop/db").digest("hex");
      const labelled = { ...secret("labelled", {}), labels: { "reconcile.external-secrets.io/created-by": createdBy } };
      await setup.directory.targets.create(write(labelled, undefined), never);
      await setup.directory.targets.create(write(secret("other", {}), owner("other")), never);
      const names = async (): Promise<readonly string[]> =>
        (await setup.directory.targets.ownedBy(key)).map(({ name }) => name).toSorted();
      assert.deepEqual(await names(), ["db", "labelled"]);
      await setup.reopen();
      assert.deepEqual(await names(), ["db", "labelled"]);
      const { resourceVersion } = (await setup.directory.targets.get(key, never))!;
      await setup.directory.targets.remove(at(resourceVersion), never);
      assert.deepEqual(await names(), ["labelled"]);
      assert.deepEqual(await setup.directory.targets.ownedBy({ namespace: "other", name: "db" }), []);
    });
    test("names that are none never become paths", async () => {
      await using setup = await setUp({ as });
      for (const bad of [{ namespace: "../up" }, { name: "../../up" }, { name: "UP" }, { namespace: "" }])
        await assert.rejects(setup.directory.targets.create(write({ ...secret("db", {}), ...bad }, undefined), never), {
          code: "target_refused",
        });
      assert.deepEqual(readdirSync(setup.out), []);
    });
    test("edits and deletions by others are told, our own writes are not", async () => {
      await using setup = await setUp({ as });
      const path = join(setup.out, as === "yaml" ? "secrets/shop/db.yaml" : "files/shop/db/a");
      const version = await written(setup, { a: "1" });
      const told: string[] = [];
      setup.directory.targets.onForeignChange(({ namespace, name }) => told.push(`${namespace}/${name}`));
      const edited = versionOf(
        await setup.directory.targets.replace(write(secret("db", { a: "2" }), owner("db")), at(version), never),
      );
      writeFileSync(path, as === "yaml" ? read(path)!.replace("Mg==", "Mw==") : "3");
      await until("the edit is told", () => told.length === 1);
      const drifted = (await setup.directory.targets.get(key, never))!;
      assert.deepEqual([texts(drifted.data), drifted.lastWriter], [{ a: "3" }, "file edit"]);
      assert.deepEqual(
        await setup.directory.targets.replace(write(secret("db", { a: "2" }), owner("db")), at(edited), never),
        {
          done: false,
        },
      );
      await setup.directory.targets.replace(
        write(secret("db", { a: "2" }), owner("db")),
        at(drifted.resourceVersion),
        never,
      );
      rmSync(path);
      await until("the deletion is told", () => told.length === 2);
      assert.deepEqual(told, ["shop/db", "shop/db"]);
    });
    test("our own writes are not told", async () => {
      await using setup = await setUp({ as });
      const told: string[] = [];
      setup.directory.targets.onForeignChange(({ name }) => told.push(name));
      let version = await written(setup, { a: "0" });
      for (const round of ["1", "2", "3"])
        version = versionOf(
          await setup.directory.targets.replace(write(secret("db", { a: round }), owner("db")), at(version), never),
        );
      // Events come in order: once that of another's file is told, ours have been seen.
      versionOf(await setup.directory.targets.create(write(secret("marker", { a: "1" }), owner("marker")), never));
      rmSync(join(setup.out, as === "yaml" ? "secrets/shop/marker.yaml" : "files/shop/marker/a"));
      await until("the marker is told", () => told.includes("marker"));
      await setup.directory.targets.get(key, never);
      assert.deepEqual(told, ["marker"]);
    });
    test("the removal of the whole folder is told, and a repair is followed by the next", async () => {
      await using setup = await setUp({ as });
      await written(setup, { a: "1" });
      let told = 0;
      setup.directory.targets.onForeignChange(() => told++);
      for (const round of [1, 2]) {
        rmSync(join(setup.out, as === "yaml" ? "secrets" : "files"), { recursive: true });
        await until(`removal ${round} is told`, () => told === round);
        const found = await setup.directory.targets.get(key, never);
        if (found)
          await setup.directory.targets.replace(
            write(secret("db", { a: "1" }), owner("db")),
            at(found.resourceVersion),
            never,
          );
        else await written(setup, { a: "1" });
      }
    });
    test("a Secret of an earlier run that somebody deletes is told", async () => {
      await using setup = await setUp({ as });
      await written(setup, { a: "1" });
      await setup.reopen();
      let told = 0;
      setup.directory.targets.onForeignChange(() => told++);
      assert.ok(await setup.directory.targets.get(key, never));
      rmSync(join(setup.out, as === "yaml" ? "secrets/shop/db.yaml" : "files/shop/db/a"));
      await until("it is told", () => told === 1);
    });
    test("a reader sees the old content or the new one, never a part", async () => {
      await using setup = await setUp({ as });
      const { targets } = setup.directory;
      const sized = (round: number): Record<string, string> => ({ a: String(round % 10).repeat(50_000) });
      let version = await written(setup, sized(0));
      const path = join(setup.out, as === "yaml" ? "secrets/shop/db.yaml" : "files/shop/db/a");
      let running = true;
      const reader = (async () => {
        let reads = 0;
        for (; running || reads === 0; reads++) {
          const text = await readFile(path, "utf8");
          const value =
            as === "files" ? text : Buffer.from(/^ {2}a: "?([^"\n]*)/m.exec(text)?.[1] ?? "", "base64").toString();
          assert.match(value, /^(\d)\1{49999}$/);
        }
        return reads;
      })();
      for (let round = 1; round <= 30; round++)
        version = versionOf(await targets.replace(write(secret("db", sized(round)), owner("db")), at(version), never));
      running = false;
      assert.ok((await reader) > 5);
    });
    test("a write that fails leaves the old content and says why", async () => {
      await using setup = await setUp({ as });
      const version = await written(setup, { a: "1" });
      // A folder in the way fails for every user, root included.
      const folder = join(setup.out, as === "yaml" ? "secrets/blocked" : "files/blocked");
      mkdirSync(join(setup.out, as === "yaml" ? "secrets" : "files"), { recursive: true });
      writeFileSync(folder, "in the way");
      const refused = setup.directory.targets.create(
        write({ ...secret("db", { a: "1" }), namespace: "blocked" }, undefined),
        never,
      );
      await assert.rejects(refused, (thrown) => {
        assert.ok(thrown instanceof Failure);
        assert.equal(thrown.code, "target_refused");
        assert.match(thrown.message, /(secrets|files)\/blocked.*(EEXIST|ENOTDIR)/);
        assert.ok(!thrown.message.includes(setup.base), "the path is relative");
        return true;
      });
      assert.equal((await setup.directory.targets.get(key, never))?.resourceVersion, version);
    });
  });

suite("a Secret's YAML file", limits, () => {
  test("is a v1 Secret in block style, mode 0600, one line a key, nothing beside it", async () => {
    await using setup = await setUp();
    await written(setup, { on: "x".repeat(300), "1": "a", "tls.crt": "true-ish", b64null: "\x9e\xe9e" });
    const path = join(setup.out, "secrets/shop/db.yaml");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(join(setup.out, "secrets/shop")), ["db.yaml"]);
    const text = read(path)!;
    assert.match(text, /^apiVersion: v1\nkind: Secret\nmetadata:\n {2}name: db\n {2}namespace: shop\n {2}labels:\n/);
    assert.equal(text.match(/^ {2}("on"|"1"|tls\.crt|b64null): \S+$/gm)?.length, 4);
    const document = parse(text) as { metadata: { ownerReferences: unknown }; data: Record<string, string> };
    assert.deepEqual(document.metadata.ownerReferences, [
      {
        apiVersion: "external-secrets.io/v1",
        kind: "ExternalSecret",
        name: "db",
        uid: "u-1",
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    assert.equal(Buffer.from(document.data.on!, "base64").toString(), "x".repeat(300));
  });
  test("binary values survive", async () => {
    await using setup = await setUp();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await setup.directory.targets.create(
      write({ ...secret("db", {}), data: new Map([["all", new SecretValue(bytes)]]) }, undefined),
      never,
    );
    const found = await setup.directory.targets.get(key, never);
    assert.deepEqual(found?.data.get("all")?.reveal(), bytes);
    assert.equal(found?.owner, undefined);
  });
  const spoiled: readonly (readonly [name: string, text: string])[] = [
    ["no YAML", "{{{"],
    ["nothing", ""],
    ["another kind", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db, namespace: shop}\n"],
    ["another Secret", "apiVersion: v1\nkind: Secret\nmetadata: {name: other, namespace: shop}\n"],
    ["bad base64", "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\ndata: {a: '!'}\n"],
    ["two documents", "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\n---\na: b\n"],
  ];
  for (const [name, text] of spoiled)
    test(`edited into ${name} is told, reads as absent and is replaced by create`, async () => {
      await using setup = await setUp();
      await written(setup, { a: "1" });
      let told = 0;
      setup.directory.targets.onForeignChange(() => told++);
      writeFileSync(join(setup.out, "secrets/shop/db.yaml"), text);
      await until("it is told", () => told === 1);
      assert.equal(await setup.directory.targets.get(key, never), undefined);
      await written(setup, { a: "1" });
      assert.deepEqual(texts((await setup.directory.targets.get(key, never))?.data), { a: "1" });
    });
  test("edited by hand is read as the API server would, another controller named", async () => {
    await using setup = await setUp();
    mkdirSync(join(setup.out, "secrets/shop"), { recursive: true });
    const references = "[{apiVersion: apps/v1, kind: Deployment, name: web, controller: true}]";
    const text = `apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop, ownerReferences: ${references}}\nstringData: {a: text}\n`;
    writeFileSync(join(setup.out, "secrets/shop/db.yaml"), text);
    const found = await setup.directory.targets.get(key, never);
    assert.deepEqual(
      [texts(found?.data), found?.foreignController, found?.owner],
      [{ a: "text" }, "Deployment/web", undefined],
    );
  });
  test("a draft left by a kill is no obstacle", async () => {
    await using setup = await setUp();
    mkdirSync(join(setup.out, "secrets/shop"), { recursive: true });
    writeFileSync(join(setup.out, "secrets/shop/.db.yaml.draft"), "half");
    chmodSync(join(setup.out, "secrets/shop/.db.yaml.draft"), 0o644);
    await written(setup, { a: "1" });
    assert.deepEqual(readdirSync(join(setup.out, "secrets/shop")), ["db.yaml"]);
    assert.equal(statSync(join(setup.out, "secrets/shop/db.yaml")).mode & 0o777, 0o600);
  });
  test("files of others beside it stay", async () => {
    await using setup = await setUp();
    const version = await written(setup, { a: "1" });
    writeFileSync(join(setup.out, "secrets/shop/README.md"), "mine");
    await setup.directory.targets.remove(at(version), never);
    assert.deepEqual(readdirSync(join(setup.out, "secrets/shop")), ["README.md"]);
  });
});

suite("a Secret as files", limits, () => {
  test("has one file a key, mode 0600, and its type and labels elsewhere", async () => {
    await using setup = await setUp({ as: "files" });
    await written(setup, { "tls.crt": "cert", a: "1" });
    assert.equal(setup.output("files/shop/db/tls.crt"), "cert");
    assert.equal(statSync(join(setup.out, "files/shop/db/a")).mode & 0o777, 0o600);
    assert.doesNotMatch(setup.output(".keyferry/meta/shop/db.yaml")!, /^data/m);
  });
  test("other files in its folder are neither read nor removed, and are no drift", async () => {
    await using setup = await setUp({ as: "files" });
    const version = await written(setup, { a: "1" });
    writeFileSync(join(setup.out, "files/shop/db/mine"), "x");
    assert.equal((await setup.directory.targets.get(key, never))?.resourceVersion, version);
    await setup.directory.targets.replace(write(secret("db", { b: "2" }), owner("db")), at(version), never);
    assert.deepEqual(
      readdirSync(join(setup.out, "files/shop/db")).filter((name) => !name.startsWith(".")),
      ["b", "mine"],
    );
  });
  test("a file in the place of a key is drift that a write repairs", async () => {
    await using setup = await setUp({ as: "files" });
    await written(setup, { a: "1" });
    const path = join(setup.out, "files/shop/db/a");
    rmSync(path);
    writeFileSync(path, "1");
    const found = (await setup.directory.targets.get(key, never))!;
    assert.deepEqual(texts(found.data), {});
    await setup.directory.targets.replace(
      write(secret("db", { a: "1" }), owner("db")),
      at(found.resourceVersion),
      never,
    );
    assert.deepEqual(texts((await setup.directory.targets.get(key, never))?.data), { a: "1" });
  });
});
