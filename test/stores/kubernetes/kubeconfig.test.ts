import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { stringify } from "yaml";
import { readKubeconfig } from "../../../plugin/stores/kubernetes/kubeconfig.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const canary = "canary-value-4711";

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
  readonly rest?: object;
}

function text({ cluster = {}, user = { token: canary }, rest = {} }: Parts = {}): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    preferences: {},
    "current-context": "here",
    contexts: [
      { name: "there", context: { cluster: "there", user: "they" } },
      { name: "here", context: { cluster: "here", user: "me", namespace: "elsewhere" } },
    ],
    clusters: [
      { name: "there", cluster: { server: "https://there" } },
      { name: "here", cluster: { server: "https://here:6443/", ...cluster } },
    ],
    users: [
      { name: "they", user: { exec: { command: "true" } } },
      { name: "me", user },
    ],
    ...rest,
  });
}

suite("a kubeconfig", () => {
  test("is its current context", () => {
    assert.deepEqual(readKubeconfig(text(), false), {
      ok: true,
      value: { server: "https://here:6443", token: canary },
    });
  });
  test("may hold a CA and a client certificate", () => {
    const user = { "client-certificate-data": base64("cert"), "client-key-data": base64("key") };
    const read = readKubeconfig(text({ cluster: { "certificate-authority-data": base64("ca") }, user }), false);
    const pair = { certificate: "cert", key: "key" };
    assert.deepEqual(read, { ok: true, value: { server: "https://here:6443", ca: "ca", pair } });
  });
  test("may say that it does not want what is refused", () => {
    const read = readKubeconfig(
      text({ cluster: { "insecure-skip-tls-verify": false }, user: { token: "a", exec: null } }),
      false,
    );
    assert.ok(read.ok);
  });

  const refused: readonly [what: string, text: string, problem: RegExp][] = [
    ["no YAML", `a: [${canary}`, /cannot be read: line 1/],
    ["an empty text", "", /is no kubeconfig/],
    ["a list", "- a", /is no kubeconfig/],
    ["no current context", text({ rest: { "current-context": "" } }), /has no current-context/],
    [
      "a context that is not there",
      text({ rest: { "current-context": canary } }),
      /lacks the context that its current-context names/,
    ],
    ["a cluster that is not there", text({ rest: { clusters: [] } }), /lacks the cluster that its context names/],
    ["a user that is not there", text({ rest: { users: null } }), /lacks the user that its context names/],
    ["plain HTTP", text({ cluster: { server: "http://here" } }), /server must be https/],
    ["a CA in a file", text({ cluster: { "certificate-authority": "/etc/ca" } }), /certificate-authority names a file/],
    [
      "an unchecked server",
      text({ cluster: { "insecure-skip-tls-verify": true } }),
      /would not check whom it talks to/,
    ],
    ["a proxy", text({ cluster: { "proxy-url": "http://proxy" } }), /names a proxy/],
    ["another server name", text({ cluster: { "tls-server-name": "a" } }), /tls-server-name is not supported/],
    ["a program", text({ user: { token: canary, exec: { command: "id" } } }), /exec would run a program/],
    ["an auth provider", text({ user: { "auth-provider": { name: "gcp" } } }), /auth-provider would run a program/],
    ["a token in a file", text({ user: { tokenFile: "/etc/token" } }), /tokenFile names a file/],
    [
      "a certificate in a file",
      text({ user: { "client-certificate": "/etc/crt" } }),
      /client-certificate names a file/,
    ],
    ["a key in a file", text({ user: { "client-key": "/etc/key" } }), /client-key names a file/],
    ["a password", text({ user: { username: "a", password: canary } }), /API servers no longer have/],
    ["another user's name", text({ user: { token: canary, as: "root" } }), /acts for somebody else/],
    ["half a certificate", text({ user: { "client-key-data": base64("key") } }), /give both/],
    ["no credential", text({ user: {} }), /without a token and a client certificate/],
    ["a token that is no text", text({ user: { token: 12 } }), /token that is no text/],
    ["what is no base64", text({ cluster: { "certificate-authority-data": canary } }), /is not base64/],
  ];
  for (const [what, given, problem] of refused)
    test(`is refused for ${what}`, () => {
      const read = readKubeconfig(given, false);
      assert.ok(!read.ok);
      assert.match(read.problem, problem);
      assert.doesNotMatch(read.problem, /canary/);
    });
});
