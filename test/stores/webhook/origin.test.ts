import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../../../plugin/core/failure.ts";
import { checkedUrl, originOf } from "../../../plugin/stores/webhook/origin.ts";

const origins: readonly [url: string, origin: string | RegExp][] = [
  ["https://api.example.com/a/{{ .remoteRef.key }}", "https://api.example.com"],
  ["https://api.example.com", "https://api.example.com"],
  ["https://API.example.com:443/", "https://api.example.com"],
  ["https://api.example.com:8443?key={{ .remoteRef.key }}", "https://api.example.com:8443"],
  ["https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"],
  ["http://api.example.com/", /plain http/],
  ["https://{{ .remoteRef.key }}/", /written out/],
  ["https://api.example.com{{ .remoteRef.key }}", /written out/],
  ["https://api.{{ .remoteRef.key }}.example.com/", /written out/],
  ["https://api.example.com:{{ .remoteRef.key }}/", /written out/],
  ["https://api.{{.remoteRef.key}}.example.com/", /written out/],
  ["{{ .remoteRef.key }}https://api.example.com/", /written out/],
  ['{{ define "x" }}{{ end }}https://api.example.com/', /written out/],
  ["https://api.example.com#{{ .remoteRef.key }}", /written out/],
  ["https://api.example.com\\{{ .remoteRef.key }}", /written out/],
  ["https://api.example.com {{- .remoteRef.key }}", /written out/],
  ["https://user:password@api.example.com/", /user name/],
  ["ftp://api.example.com/", /written out/],
  ["file:///etc/passwd", /written out/],
  ["//api.example.com/", /written out/],
  ["https://api.exa mple.com/", /written out/],
];

suite("the origin of a url", () => {
  for (const [url, expected] of origins)
    test(`${JSON.stringify(url)}`, () => {
      const found = originOf(url, false);
      if (typeof expected === "string") assert.deepEqual(found, { ok: true, origin: expected });
      else assert.match(found.ok ? "" : found.problem, expected);
    });
  test("is http where that is allowed", () =>
    assert.deepEqual(originOf("http://127.0.0.1:80/x", true), { ok: true, origin: "http://127.0.0.1" }));
});

const home = "https://api.example.com";
const stays: readonly [rendered: string, path: string][] = [
  [`${home}/a%2Fb?v=1`, "/a%2Fb?v=1"],
  [`${home}/a/b..c/...`, "/a/b..c/..."],
  [`${home}/a?b=../..`, "/a?b=../.."],
  [`${home}/a@b:1//evil.example.com`, "/a@b:1//evil.example.com"],
  [`${home}`, "/"],
];
const leaves: readonly [name: string, rendered: string][] = [
  ["another host", "https://evil.example.com/a"],
  ["another port", `${home}:8443/a`],
  ["another scheme", "http://api.example.com/a"],
  ["a user", "https://api.example.com@evil.example.com/a"],
  ["a user at home", "https://u:p@api.example.com/a"],
  ["a folder above", `${home}/secrets/../admin`],
  ["a folder above, written otherwise", `${home}/secrets/%2E./admin`],
  ["a folder above, with a backslash", `${home}/secrets\\..\\admin`],
  ["a folder above at the end", `${home}/secrets/..`],
  ["a dot alone", `${home}/secrets/./db`],
  ["a line break", `${home}/secrets/a\r\nHost: evil.example.com`],
  ["a tab, which URL parsers drop", `${home}/secrets/.\t./admin`],
  ["nothing", ""],
];

suite("a rendered url", () => {
  for (const [rendered, path] of stays)
    test(`${rendered} is asked for as it is`, () => {
      const url = checkedUrl(rendered, home);
      assert.equal(url.pathname + url.search, path);
    });
  for (const [name, rendered] of leaves)
    test(`${name} is refused, and not quoted`, () => {
      assert.throws(
        () => checkedUrl(rendered, home),
        (thrown) => thrown instanceof Failure && thrown.code === "ref_invalid" && !thrown.message.includes("evil"),
      );
    });
});
