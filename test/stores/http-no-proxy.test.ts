import assert from "node:assert/strict";
import { test } from "node:test";
import { createNoProxy, isNoProxyEntry } from "../../plugin/stores/http-no-proxy.ts";

const rows: readonly (readonly [entry: string, direct: readonly string[], proxied: readonly string[]])[] = [
  ["*", ["https://vault.example.com", "https://10.0.0.1", "https://[::1]:8200"], []],
  [
    "example.com",
    ["https://example.com", "https://a.b.example.com:8200", "https://EXAMPLE.com."],
    ["https://badexample.com", "https://example.com.evil.test", "https://com"],
  ],
  [
    ".example.com",
    ["https://vault.example.com", "https://a.b.example.com"],
    ["https://example.com", "https://xexample.com"],
  ],
  ["*.example.com", ["https://vault.example.com"], ["https://example.com"]],
  ["Example.COM.", ["https://example.com"], ["https://example.org"]],
  ["example.com:8200", ["https://example.com:8200", "https://a.example.com:8200"], ["https://example.com"]],
  ["example.com:443", ["https://example.com"], ["https://example.com:8443"]],
  [".example.com:443", ["https://a.example.com"], ["https://a.example.com:8443", "https://example.com"]],
  ["10.0.0.1", ["https://10.0.0.1:8200", "https://0x0a000001"], ["https://10.0.0.10", "https://110.0.0.1"]],
  ["10.0.0.1:8200", ["https://10.0.0.1:8200"], ["https://10.0.0.1"]],
  ["10.0.0.0/8", ["https://10.255.0.1"], ["https://11.0.0.1", "https://vault.example.com", "https://[fd00::1]"]],
  ["fd00::/8", ["https://[fd12::1]:8200"], ["https://[fe80::1]", "https://10.0.0.1"]],
  ["fd00::1", ["https://[fd00:0::1]"], ["https://[fd00::2]"]],
  ["[fd00::1]", ["https://[fd00::1]"], ["https://[fd00::2]"]],
  ["[fd00::1]:8200", ["https://[fd00::1]:8200"], ["https://[fd00::1]"]],
  [".1", [], ["https://10.0.0.1"]],
];
for (const [entry, direct, proxied] of rows)
  test(`${entry} is for its own hosts and no other`, () => {
    assert.ok(isNoProxyEntry(entry));
    const isDirect = createNoProxy([entry]);
    assert.deepEqual(
      direct.filter((url) => !isDirect(new URL(url))),
      [],
    );
    assert.deepEqual(
      proxied.filter((url) => isDirect(new URL(url))),
      [],
    );
  });

test("one entry of a list is enough, none is nothing", () => {
  const url = new URL("https://vault.example.com");
  assert.equal(createNoProxy(["a.test", "vault.example.com"])(url), true);
  assert.equal(createNoProxy([])(url), false);
});

for (const entry of [
  "",
  "http://a",
  "a/b",
  "a b",
  "a:0",
  "a:65536",
  "a:x",
  "10.0.0.0/33",
  "[a]:80",
  "[::1",
  "a,b",
  "a.*.b",
])
  test(`"${entry}" is no entry`, () => assert.equal(isNoProxyEntry(entry), false));
