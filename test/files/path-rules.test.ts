import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { posix } from "node:path";
import { filePathProblem, pathClash } from "../../plugin/files/path-rules.ts";

const allowed = [
  "password",
  "db/password",
  "a/b/c/d/e",
  ".env",
  ".config/app.json",
  "a..b",
  "a/..b", // only the first component may not begin with two dots
  "a/...",
  "café/key",
  "with space",
  "back\\slash",
  "semi;colon$(x)",
  "~root",
  "C:",
  "emoji-🔑",
  "x".repeat(255),
  "é".repeat(127),
  Array.from({ length: 16 }, () => "y".repeat(255)).join("/"), // 4095 bytes
];

const refused: readonly (readonly [string, RegExp])[] = [
  ["", /is empty/],
  ["/etc/passwd", /absolute/],
  ["//etc/passwd", /absolute/],
  ["/", /absolute/],
  ["..", /`\.\.` component/],
  ["../x", /`\.\.` component/],
  ["../../../../var/lib/kubelet/pods/x", /`\.\.` component/],
  ["a/..", /`\.\.` component/],
  ["a/../b", /`\.\.` component/],
  ["a/../../b", /`\.\.` component/],
  ["a/b/../../../etc/shadow", /`\.\.` component/],
  ["..data", /starts with/],
  ["..data/password", /starts with/],
  ["..data_tmp", /starts with/],
  ["...", /starts with/],
  ["..2026_01_01_00_00_00.1", /starts with/],
  [".", /shortest form/],
  ["./a", /shortest form/],
  ["a/./b", /shortest form/],
  ["a//b", /shortest form/],
  ["a/", /shortest form/],
  ["a/.", /shortest form/],
  ["x".repeat(256), /component longer than 255 bytes/],
  ["é".repeat(128), /component longer than 255 bytes/],
  [`${Array.from({ length: 16 }, () => "y".repeat(255)).join("/")}/z`, /longer than 4096 bytes/],
  ["a\u0000b", /control character/],
  ["a\nb", /control character/],
  ["a\u001b[2Jb", /control character/],
  ["a\u007f", /control character/],
  ["a\u009bb", /control character/],
  ["a\ud800b", /not valid Unicode/],
];

suite("a file name in a volume", () => {
  for (const path of allowed)
    test(`${JSON.stringify(path.slice(0, 30))} is allowed`, () => assert.equal(filePathProblem(path), undefined));
  for (const [path, reason] of refused)
    test(`${JSON.stringify(path.slice(0, 40))} is refused: ${reason.source}`, () =>
      assert.match(filePathProblem(path) ?? "allowed", reason));

  test("whatever is allowed stays inside the volume and is its own shortest form", () => {
    const piece = fc.oneof(fc.constantFrom("..", ".", "", "/", "a", "..data", "\u0000"), fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const path = pieces.join("/");
        if (filePathProblem(path) !== undefined) return;
        const absolute = posix.resolve("/volume", path);
        assert.equal(absolute, `/volume/${path}`);
        assert.ok(!absolute.startsWith("/volume/.."));
      }),
    );
  });
});

suite("the file names of one volume together", () => {
  const cases: readonly { name: string; paths: string[]; index?: number; problem?: RegExp }[] = [
    { name: "different names agree", paths: ["a", "b", "c/d", "c/e"] },
    { name: "names that differ in case alone are two files", paths: ["key", "KEY", "dir/x", "Dir/x"] },
    { name: "names in two Unicode spellings are two files", paths: ["caf\u00e9", "cafe\u0301"] },
    { name: "a name that another begins with agrees", paths: ["db", "dbx", "db.d/x"] },
    { name: "one name twice is refused", paths: ["a", "b", "a"], index: 2, problem: /two files/ },
    { name: "a file in the place of a folder is refused", paths: ["a/b/c", "a/b"], index: 1, problem: /folder of/ },
    { name: "a folder in the place of a file is refused", paths: ["a", "a/b/c"], index: 1, problem: /lies in/ },
    { name: "`__proto__` is an ordinary name", paths: ["__proto__", "constructor"] },
    { name: "`__proto__` twice is refused", paths: ["__proto__", "__proto__"], index: 1, problem: /two files/ },
  ];
  for (const c of cases)
    test(c.name, () => {
      const clash = pathClash(c.paths);
      assert.equal(clash?.index, c.index);
      if (c.problem) assert.match(clash!.problem, c.problem);
    });
});
