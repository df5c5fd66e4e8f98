/**
 * What a new user gets wrong, tried on the whole program: one clear line with the field and the way out, the right exit
 * code, and nothing lost of what was right beside it.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { layOut, runOnce, standaloneArgs } from "./program.ts";

const store = `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: files, namespace: shop}
spec: {provider: {file: {path: $FOLDER/store}}}
`;
const storeFiles = { "store/db.yaml": "username: u\npassword: p\n" };

/** An ExternalSecret `shop/wrong`; the spec is given as YAML flow or block text indented by two. */
const wrong = (spec: string): string =>
  `apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: wrong, namespace: shop}\nspec:\n${spec}\n`;

const right = `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: right, namespace: shop}
spec:
  secretStoreRef: {name: files}
  data: [{secretKey: password, remoteRef: {key: db, property: password}}]
`;

const entry = "  data: [{secretKey: a, remoteRef: {key: db, property: password}}]";

const rows: ReadonlyArray<{ name: string; manifests: Record<string, string>; want: RegExp; unwanted?: RegExp }> = [
  {
    name: "an unknown provider",
    manifests: {
      "b.yaml":
        "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: odd, namespace: shop}\nspec: {provider: {gitlab: {}}}\n---\n" +
        wrong(`  secretStoreRef: {name: odd}\n${entry}`),
    },
    want: /ExternalSecret shop\/wrong: .*\[store_invalid\].*provider "gitlab" is not supported; supported: .*vault/,
  },
  {
    name: "a store that does not exist",
    manifests: { "b.yaml": wrong(`  secretStoreRef: {name: nowhere}\n${entry}`) },
    want: /ExternalSecret shop\/wrong: .*\[store_not_found\].*nowhere/,
  },
  {
    name: "a bad duration",
    manifests: { "b.yaml": wrong(`  refreshInterval: 1 day\n  secretStoreRef: {name: files}\n${entry}`) },
    want: /ExternalSecret shop\/wrong: .*\[manifest_invalid\].*spec\.refreshInterval/,
  },
  {
    name: "a CA bundle that is none",
    manifests: {
      "b.yaml":
        "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: vault, namespace: shop}\nspec: {provider: {vault: {server: 'https://127.0.0.1:8200', path: secret, caBundle: bm90IGEgY2VydA==, auth: {tokenSecretRef: {name: t, key: t}}}}}\n---\n" +
        wrong(`  secretStoreRef: {name: vault}\n${entry}`),
    },
    want: /ExternalSecret shop\/wrong: .*\[store_invalid\].*spec\.provider\.vault\.caBundle/,
  },
  {
    name: "`..` in a key",
    manifests: {
      "b.yaml": wrong("  secretStoreRef: {name: files}\n  data: [{secretKey: a, remoteRef: {key: ../../etc/passwd}}]"),
    },
    want: /ExternalSecret shop\/wrong: .*\[ref_invalid\].*spec\.data\[0\]/,
  },
  {
    name: "two entries with one key",
    manifests: {
      "b.yaml": wrong(
        "  secretStoreRef: {name: files}\n  data: [{secretKey: a, remoteRef: {key: db}}, {secretKey: a, remoteRef: {key: db}}]",
      ),
    },
    want: /ExternalSecret shop\/wrong: .*\[manifest_invalid\].*spec\.data\[1\]\.secretKey/,
  },
  {
    name: "a misspelt field",
    manifests: { "b.yaml": wrong(`  refreshIntervall: 1h\n  secretStoreRef: {name: files}\n${entry}`) },
    want: /ExternalSecret shop\/wrong: .*spec\.refreshIntervall.*refreshInterval/,
  },
  {
    name: "a template of a key that is not read",
    manifests: {
      "b.yaml": wrong(`  secretStoreRef: {name: files}\n  target: {template: {data: {a: "{{ .nope }}"}}}\n${entry}`),
    },
    want: /ExternalSecret shop\/wrong: .*\[template_failed\].*spec\.target\.template\.data\[a\].*no entry for key "nope"/,
  },
  {
    name: "another kind of target, which is not built yet",
    manifests: {
      "b.yaml": wrong(
        `  secretStoreRef: {name: files}\n  target: {manifest: {apiVersion: v1, kind: ConfigMap}}\n${entry}`,
      ),
    },
    want: /ExternalSecret shop\/wrong: .*\[manifest_invalid\].*spec\.target\.manifest.*not supported yet/,
  },
  {
    name: "a find in a store that cannot find",
    manifests: { "b.yaml": wrong("  secretStoreRef: {name: files}\n  dataFrom: [{find: {name: {regexp: .}}}]") },
    want: /ExternalSecret shop\/wrong: .*\[ref_invalid\].*spec\.dataFrom\[0\]\.find: .*provider file cannot find/,
  },
  {
    name: "a find by an expression that is none, and by what the store does not have",
    manifests: {
      "b.yaml":
        "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: trial, namespace: shop}\nspec: {provider: {fake: {data: [{key: a, value: b}]}}}\n---\n" +
        wrong("  secretStoreRef: {name: trial}\n  dataFrom: [{find: {name: {regexp: '('}}}, {find: {tags: {a: b}}}]"),
    },
    want: /ExternalSecret shop\/wrong: .*\[manifest_invalid\].*spec\.dataFrom\[0\]\.find\.name\.regexp: .*RE2.*spec\.dataFrom\[1\]\.find\.tags: .*fake does not find by tags; use name/,
  },
  {
    name: "a property that is not there",
    manifests: {
      "b.yaml": wrong(
        "  secretStoreRef: {name: files}\n  data: [{secretKey: a, remoteRef: {key: db, property: pasword}}]",
      ),
    },
    want: /ExternalSecret shop\/wrong: .*\[property_not_found\].*spec\.data\[0\].*pasword/,
  },
  {
    name: "the same object in two files",
    manifests: {
      "b.yaml": wrong(`  secretStoreRef: {name: files}\n${entry}`),
      "c.yaml": wrong(`  secretStoreRef: {name: files}\n${entry}`),
    },
    want: /shop\/wrong.*b\.yaml.*c\.yaml/,
  },
  {
    name: "broken YAML",
    manifests: { "b.yaml": "kind: ExternalSecret\n  metadata: {name: [\n" },
    want: /b\.yaml/,
  },
];

for (const row of rows)
  test(`${row.name}: a clear line, exit 1, and the object beside it is synced`, async () => {
    const folder = await layOut({
      manifests: { "a.yaml": `${store}---${right}`, ...row.manifests },
      files: storeFiles,
    });
    try {
      const result = await runOnce(standaloneArgs(folder, ["--once"]));
      const lines = result.stderr.split("\n").filter((line) => line.startsWith("keyferry: "));
      assert.ok(
        lines.some((line) => row.want.test(line)),
        `no line matches ${row.want}:\n${result.stderr}`,
      );
      assert.equal(result.code, 1);
      assert.match(await readFile(join(folder, "out/secrets/shop/right.yaml"), "utf8"), /^ {2}password: cA==$/m);
      assert.equal(existsSync(join(folder, "out/secrets/shop/wrong.yaml")), false);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

test("--once with everything right: exit 0, no socket, nothing on stderr but the log", async () => {
  const folder = await layOut({ manifests: { "a.yaml": `${store}---${right}` }, files: storeFiles });
  try {
    const result = await runOnce(standaloneArgs(folder, ["--once"]));
    assert.equal(result.code, 0, result.stderr);
    for (const line of result.stderr.trim().split("\n")) assert.doesNotThrow(() => void JSON.parse(line), line);
    assert.equal(existsSync(join(folder, "out/providers/keyferry.sock")), false);
  } finally {
    await rm(folder, { recursive: true });
  }
});

const refusals: ReadonlyArray<{ name: string; args: (folder: string, port: number) => string[]; want: RegExp }> = [
  { name: "an unknown flag", args: () => ["--onse"], want: /^keyferry: --onse: no such flag; did you mean --once\?$/m },
  {
    name: "a port in use",
    args: (_, port) => ["--http-addr", `127.0.0.1:${port}`],
    want: /^keyferry: --http-addr: 127\.0\.0\.1:\d+ is in use; /,
  },
  {
    name: "a key set that is not there",
    args: (folder) => ["--token-jwks", join(folder, "none.json")],
    want: /^keyferry: --token-jwks: .*none\.json.*; /m,
  },
  {
    name: "a key set that is none",
    args: (folder) => ["--token-jwks", join(folder, "store/db.yaml")],
    want: /^keyferry: --token-jwks: the token key file is not JSON: save what/m,
  },
  {
    name: "an output folder that is a file",
    args: (folder) => ["--out", join(folder, "store/db.yaml")],
    want: /^keyferry: --out: .*; /m,
  },
  {
    name: "a manifests folder that does not exist",
    args: (folder) => ["--manifests", join(folder, "none")],
    want: /^keyferry: --manifests: .*none.*; /,
  },
  {
    name: "a socket path beyond what the system can hold",
    args: (folder) => ["--socket-dir", join(folder, "d".repeat(100))],
    want: /^keyferry: --socket-dir: .*Linux allows 107; /m,
  },
  {
    name: "an audit file in no folder",
    args: (folder) => ["--audit-log", join(folder, "none/audit.jsonl")],
    want: /^keyferry: --audit-log: .*; /,
  },
];

for (const row of refusals)
  test(`${row.name}: one line, exit 2`, async () => {
    const folder = await layOut({ manifests: { "a.yaml": `${store}---${right}` }, files: storeFiles });
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    try {
      const given = row.args(folder, port);
      const args = standaloneArgs(folder).filter(
        (word, i, all) => !given.includes(word) && !given.includes(all[i - 1] ?? ""),
      );
      const result = await runOnce([...args, ...given]);
      assert.equal(result.code, 2, result.stderr);
      assert.match(result.stderr, row.want);
      assert.doesNotMatch(result.stderr, /^\s+at /m);
    } finally {
      taken.close();
      await rm(folder, { recursive: true });
    }
  });

test("an older Node is refused in one line", (t) => {
  const old = ["/usr/local/bin/node", "/usr/bin/node"].find(
    (path) =>
      existsSync(path) && Number(spawnSync(path, ["-p", "process.versions.node"]).stdout.toString().split(".")[0]) < 24,
  );
  if (!old) return t.skip("no older Node on this machine");
  const main = join(import.meta.dirname, "../../plugin/keyferry.mjs");
  const result = spawnSync(old, [main, "standalone"], { encoding: "utf8" });
  assert.equal(result.status, 2);
  assert.match(result.stderr, /^keyferry: Node v\d+\S* is too old: start it with Node 24 or later\n$/);
});
