/** 1Password's own client reads from the server that these tests stand on, and sees what a onepassword store sees. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { OnePasswordConnect } from "@1password/connect";
import { createHttpClients } from "../../../plugin/wire/http.ts";
import { startConnect } from "../../fakes/connect-server.ts";
import type { FakeConnect } from "../../fakes/connect-server.ts";
import { openConnect, readText } from "./opened.ts";

const clients = createHttpClients({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
let server: FakeConnect;
let vault: string;
let db: string;
let cert: string;

before(async () => {
  server = await startConnect();
  vault = server.vault("prod");
  server.vault("other");
  server.grant("token", vault);
  db = server.put(vault, {
    title: "db",
    tags: ["app"],
    sections: [{ id: "s1", label: "database" }],
    fields: [
      { id: "password", label: "password", value: "hunter2" },
      { id: "host", label: "host", value: "db.example.com", section: { id: "s1" } },
    ],
  });
  cert = server.put(vault, {
    title: "cert",
    category: "DOCUMENT",
    files: [{ name: "tls.crt", content: Buffer.from("pem") }],
  });
});
after(async () => {
  await clients.close();
  await server.close();
});

const vendor = (token = "token") => OnePasswordConnect({ serverURL: server.url, token });
const store = () => openConnect({ prod: 1 }, { url: server.url, clients });

suite("1Password's client and ours", () => {
  test("see the vaults that the token may see", async () => {
    assert.deepEqual(
      (await vendor().listVaults()).map(({ id, name, items }) => [id, name, items]),
      [[vault, "prod", 2]],
    );
    assert.equal((await vendor().getVault("prod")).id, vault);
  });
  test("read an item by its title and by its id", async () => {
    for (const key of ["db", db]) {
      const item = await vendor().getItem(vault, key);
      const [password, host] = item.fields!.map(({ value }) => value);
      assert.equal(await readText(store(), { key }), password);
      assert.equal(await readText(store(), { key, property: "database/host" }), host);
    }
  });
  test("read a file", async () => {
    const [file] = await vendor().listFiles(vault, "cert");
    const content = await vendor().getFileContent(vault, cert, file!.id!);
    assert.equal(await readText(store(), { key: "cert", property: file!.name! }), content);
  });
  test("list items with their tags", async () => {
    const items = await vendor().listItems(vault);
    assert.deepEqual(
      items.map(({ title, tags }) => [title, tags]),
      [
        ["db", ["app"]],
        ["cert", undefined],
      ],
    );
  });
  const refusals: readonly [what: string, ask: () => Promise<unknown>, status: number][] = [
    ["a token that is unknown", () => vendor("nobody").listVaults(), 401],
    ["a vault that is not in scope", () => vendor().getVault(server.vault("late")), 403],
    ["an item that is not there", () => vendor().getItemById(vault, "z".repeat(26)), 404],
    ["an id that is none", () => vendor().getItemById(vault, "short"), 400],
  ];
  for (const [what, ask, status] of refusals)
    test(`${what} is ${status}, in Connect's form`, async () => {
      await assert.rejects(ask(), (thrown: unknown) => {
        const { status: told, message } = thrown as { status: number; message: string };
        assert.equal(told, status);
        assert.equal(typeof message, "string");
        return true;
      });
    });
});
