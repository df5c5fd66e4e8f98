import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { locate, locateFind } from "../../../plugin/stores/gcp/address.ts";
import { crc32c } from "../../../plugin/stores/gcp/crc32c.ts";

const anywhere = { project: "shop" };
const inFrankfurt = { project: "shop", location: "europe-west3" };
type Row = readonly [key: string, version: string | undefined, address: string, located: string];

const global = "projects/shop/secrets/db";
const regional = "projects/shop/locations/europe-west3/secrets/db";
const rows: readonly (readonly [place: typeof anywhere, ...Row])[] = [
  [anywhere, "db", undefined, global, ""],
  [anywhere, "db", "latest", global, ""],
  [anywhere, "db", "7", global, "7"],
  [anywhere, "db", "stable", global, "stable"],
  [anywhere, global, undefined, global, ""],
  [anywhere, `${global}/versions/latest`, undefined, global, ""],
  [anywhere, `${global}/versions/7`, undefined, global, "7"],
  [anywhere, global, "7", global, "7"],
  [anywhere, `${regional}/versions/7`, undefined, regional, "7"],
  [inFrankfurt, "db", undefined, regional, ""],
  [inFrankfurt, regional, "3", regional, "3"],
  [inFrankfurt, global, undefined, global, ""],
];

suite("the address of a key", () => {
  for (const [place, key, version, address, found] of rows)
    test(`${key}${version ? ` at ${version}` : ""} is ${address}${found ? ` at ${found}` : ""}`, () => {
      const ref = { key, metadataPolicy: "None" as const, ...(version === undefined ? {} : { version }) };
      assert.deepEqual(locate(place, ref), { address, method: "GET", arguments: "", version: found });
    });
  test("metadata have the secret's address, and no version", () => {
    assert.deepEqual(locate(anywhere, { key: "db", version: "7", metadataPolicy: "Fetch" }), {
      address: global,
      method: "GET",
      arguments: "metadata",
      version: "",
    });
  });

  const refused: readonly (readonly [key: string, version: string | undefined, says: RegExp])[] = [
    ["", undefined, /name that a secret can have/],
    ["a b", undefined, /name that a secret can have/],
    ["db:access", undefined, /name that a secret can have/],
    ["x".repeat(256), undefined, /at most 255/],
    ["../db", undefined, /no resource name/],
    ["projects/shop/secrets/", undefined, /no resource name/],
    ["projects/shop/secrets/..", undefined, /name that a secret can have/],
    ["projects/shop/secrets/db/versions/7/x", undefined, /no resource name/],
    ["projects/shop/locations/evil.example#/secrets/db", undefined, /no location/],
    ["projects/bank/secrets/db", undefined, /another project than the store's \(shop\)/],
    ["projects/123456789012/secrets/db", undefined, /another project/],
    [`${global}/versions/7`, "8", /keep one/],
    ["db", "007", /number, an alias or latest/],
    ["db", "7:access", /number, an alias or latest/],
    ["db", "../../x", /number, an alias or latest/],
  ];
  for (const [key, version, says] of refused)
    test(`there is none for ${JSON.stringify(key).slice(0, 60)}${version ? ` at ${version}` : ""}`, () => {
      const ref = { key, metadataPolicy: "None" as const, ...(version === undefined ? {} : { version }) };
      assert.throws(() => locate(anywhere, ref), { code: "ref_invalid", message: says });
    });
});

suite("the address of a find", () => {
  test("is where it lists", () => {
    const at = (wish: object, place = anywhere) => locateFind(place, wish).address;
    assert.equal(at({}), "projects/shop/secrets");
    assert.equal(at({ path: "team-a-" }), "projects/shop/secrets");
    assert.equal(at({}, inFrankfurt), "projects/shop/locations/europe-west3/secrets");
  });
  test("differs by what narrows it", () => {
    const name = { source: "^db", matches: () => true };
    const wishes = [
      {},
      { path: "a" },
      { tags: { a: "b" } },
      { tags: { a: "c" } },
      { name },
      { name, tags: { a: "b" } },
    ];
    const seen = wishes.map((wish) => JSON.stringify(locateFind(anywhere, wish)));
    assert.equal(new Set(seen).size, wishes.length);
    assert.deepEqual(
      locateFind(anywhere, { tags: { a: "1", b: "2" } }),
      locateFind(anywhere, { tags: { b: "2", a: "1" } }),
    );
  });
  for (const wish of [
    { path: "a/b" },
    { path: "a OR name:b" },
    { tags: { "a=b OR labels.c": "d" } },
    { tags: { a: "b OR c" } },
  ])
    test(`there is none for ${JSON.stringify(wish)}: it would become part of the filter`, () => {
      assert.throws(() => locateFind(anywhere, wish), { code: "ref_invalid" });
    });
});

/** The second is RFC 3720's. */
const checksums: readonly (readonly [string | Buffer, number])[] = [
  ["", 0],
  ["123456789", 0xe3069283],
  [Buffer.alloc(32), 0x8a9136aa],
  [Buffer.alloc(32, 0xff), 0x62a8ab43],
];
for (const [data, checksum] of checksums)
  test(`the checksum of ${JSON.stringify(data).slice(0, 30)} is ${checksum.toString(16)}`, () => {
    assert.equal(crc32c(Buffer.from(data as string)), checksum);
  });
