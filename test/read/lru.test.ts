import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createLru, createWeighedLru } from "../../plugin/read/lru.ts";

const keysOf = (map: { entries(): Iterable<[string, unknown]> }): string[] => [...map.entries()].map(([key]) => key);

suite("a map bounded by entries", () => {
  test("drops what was not used for longest, and tells", () => {
    const dropped: string[] = [];
    const map = createLru<string>({ entries: 2, dispose: (value) => void dropped.push(value) });
    map.set("a", "1").set("b", "2");
    assert.equal(map.get("a"), "1");
    map.set("c", "3");
    assert.deepEqual([keysOf(map).sort(), dropped], [["a", "c"], ["2"]]);
  });

  test("holds all that it may", () => {
    const map = createLru<number>({ entries: 1_000 });
    for (let i = 0; i < 2_000; i++) map.set(`key-${i}`, i);
    assert.equal(map.size, 1_000);
    assert.equal(map.get("key-1000"), 1_000);
    assert.equal(map.get("key-999"), undefined);
  });

  test("reserves nothing for entries that it does not have", () => {
    const before = process.memoryUsage().heapUsed;
    const maps = Array.from({ length: 4 }, () => createLru<string>({ entries: 10_000_000 }));
    const grownBytes = process.memoryUsage().heapUsed - before;
    assert.ok(grownBytes < 10_000_000, `${maps.length} maps took ${grownBytes} bytes`);
  });
});

suite("a map bounded by entries and bytes", () => {
  const mapOf = (bounds: { entries: number; bytes: number }) =>
    createWeighedLru<string>({ ...bounds, bytesOf: (value) => value.length });

  const rows: readonly [string, { entries: number; bytes: number }, readonly [string, string][], string[]][] = [
    [
      "fits",
      { entries: 2, bytes: 4 },
      [
        ["a", "11"],
        ["b", "22"],
      ],
      ["a", "b"],
    ],
    [
      "has one entry too many",
      { entries: 2, bytes: 100 },
      [
        ["a", "1"],
        ["b", "2"],
        ["c", "3"],
      ],
      ["b", "c"],
    ],
    [
      "has a byte too many",
      { entries: 10, bytes: 4 },
      [
        ["a", "11"],
        ["b", "22"],
        ["c", "3"],
      ],
      ["b", "c"],
    ],
    [
      "is heavier than the whole map",
      { entries: 10, bytes: 4 },
      [
        ["a", "1"],
        ["b", "22222"],
      ],
      ["a"],
    ],
    [
      "grew beyond the whole map",
      { entries: 10, bytes: 4 },
      [
        ["a", "1"],
        ["a", "22222"],
      ],
      [],
    ],
    [
      "is set again",
      { entries: 2, bytes: 4 },
      [
        ["a", "1"],
        ["b", "2"],
        ["a", "333"],
      ],
      ["a", "b"],
    ],
  ];
  for (const [what, bounds, sets, kept] of rows)
    test(`what ${what}`, () => {
      const map = mapOf(bounds);
      for (const [key, value] of sets) map.set(key, value);
      assert.deepEqual(keysOf(map).sort(), kept);
    });

  test("reading keeps an entry, peeking does not", () => {
    const map = mapOf({ entries: 2, bytes: 100 });
    map.set("a", "1");
    map.set("b", "2");
    assert.equal(map.peek("a"), "1");
    map.set("c", "3");
    assert.deepEqual(keysOf(map).sort(), ["b", "c"]);
    assert.equal(map.get("b"), "2");
    map.set("d", "4");
    assert.deepEqual(keysOf(map).sort(), ["b", "d"]);
    map.delete("b");
    assert.deepEqual(keysOf(map), ["d"]);
  });
});
