/**
 * No value, token or upstream body leaves by a side door.
 *
 * Canaries are planted in everything that comes in: values, credentials, tokens, attributes, error bodies, redirect
 * targets, broken manifests. Then the program is driven through its successes and failures at log level debug, and every
 * output is searched in every encoding. The search itself is tested twice: on planted leaks of every form, and by looking
 * for a word that is known to stand in each output.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, relative } from "node:path";
import { test } from "node:test";
import { mountAsDriver } from "../fakes/driver-client.ts";
import { createTokenIssuer } from "../fakes/token-issuer.ts";
import { Canaries, forms } from "./canaries.ts";
import { type Program, runOnce, standaloneArgs, startProgram, until } from "./program.ts";

const pod = {
  namespace: "shop",
  podName: "checkout-1",
  podUid: "0f2f6a31-5a8e-4d0e-9b4e-1f9b5f9d7a11",
  serviceAccountName: "checkout",
};

/** One sync tries an unavailable store for 30 s before it says so. */
const patienceMs = 60_000;

/** How the planted store answers each key; every answer carries canaries. */
const faults = {
  forbidden: 403,
  missing: 404,
  throttled: 429,
  broken: 500,
  sealed: 503,
  redirect: 302,
  html: 200,
  cut: 200,
  shapeless: 200,
} as const;

async function startPlantedStore(canaries: Canaries) {
  const good = {
    username: canaries.plant("vault value"),
    password: canaries.plant("vault value"),
    nested: { deep: canaries.plant("vault nested value") },
  };
  const server = createServer((request, response) => {
    const key = (request.url ?? "").split("/").at(-1) as keyof typeof faults | "good";
    const note = canaries.plant(`store's body for ${key}`);
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "x-request-id": canaries.plant(`header for ${key}`).replaceAll('"', ""),
    };
    if (key === "redirect")
      headers["location"] = `http://127.0.0.1:1/${encodeURIComponent(canaries.plant("redirect target"))}`;
    if (key === "throttled") headers["retry-after"] = "1";
    const bodies: Record<string, string> = {
      good: JSON.stringify({ request_id: "r-1", data: { data: good, metadata: { version: 3 } } }),
      html: `<html>${note}</html>`,
      cut: `{"request_id": "${note.replaceAll('"', "")}", "data": {"data": {"password": "${note}`,
      shapeless: JSON.stringify({ data: note }),
    };
    response.writeHead(key in faults ? faults[key as keyof typeof faults] : 200, headers);
    response.end(bodies[key] ?? JSON.stringify({ errors: [note] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => (server.closeAllConnections(), server.close()),
  };
}

const yamlText = (text: string): string => JSON.stringify(text);

const externalSecret = (name: string, store: string, entries: string): string => `
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: ${store}}
  data: ${entries}
`;

function manifestsOf(canaries: Canaries, url: string, jwt: string): Record<string, string> {
  const vaultStore = (name: string, auth: string): string => `
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: ${name}, namespace: shop}
spec: {provider: {vault: {server: ${url}, path: secret, auth: ${auth}}}}
`;
  const fakeValues = Array.from(
    { length: 6 },
    (_, i) => `{key: k${i}, value: ${yamlText(canaries.plant("fake store value"))}}`,
  );
  const secret = (name: string, data: Record<string, string>, type = "Opaque", annotations = ""): string => `
---
apiVersion: v1
kind: Secret
type: ${type}
metadata: {name: ${name}, namespace: shop${annotations}}
stringData: ${JSON.stringify(data)}
`;
  return {
    "stores.yaml":
      `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: files, namespace: shop}
spec: {provider: {file: {path: $FOLDER/store}}}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: fake, namespace: shop}
spec: {provider: {fake: {data: [${fakeValues.join(", ")}]}}}
` +
      vaultStore("token", "{tokenSecretRef: {name: vault-token, key: token}}") +
      vaultStore("approle", "{appRole: {path: approle, roleId: role-1, secretRef: {name: approle, key: secretId}}}") +
      vaultStore(
        "jwt",
        "{jwt: {path: jwt, role: shop, kubernetesServiceAccountToken: {serviceAccountRef: {name: checkout}}}}",
      ) +
      secret("vault-token", {
        token: canaries.watch("vault token", "hvs.canarytokencanarytokencanary"),
        other: canaries.plant("unused Secret key"),
      }) +
      secret("approle", { secretId: canaries.plant("approle secret id") }) +
      secret(
        "checkout",
        { token: jwt },
        "kubernetes.io/service-account-token",
        ", annotations: {kubernetes.io/service-account.name: checkout}",
      ),
    "good.yaml":
      externalSecret("file-good", "files", "[{secretKey: a, remoteRef: {key: db, property: password}}]") +
      externalSecret(
        "fake-good",
        "fake",
        "[{secretKey: a, remoteRef: {key: k0}}, {secretKey: b, remoteRef: {key: k1}}]",
      ) +
      externalSecret("vault-good", "token", "[{secretKey: a, remoteRef: {key: good, property: password}}]"),
    "bad.yaml":
      Object.keys(faults)
        .map((key) =>
          externalSecret(`vault-${key}`, "token", `[{secretKey: a, remoteRef: {key: ${key}, property: password}}]`),
        )
        .join("") +
      externalSecret("login-approle", "approle", "[{secretKey: a, remoteRef: {key: forbidden}}]") +
      externalSecret("login-jwt", "jwt", "[{secretKey: a, remoteRef: {key: broken}}]") +
      externalSecret("no-property", "files", "[{secretKey: a, remoteRef: {key: db, property: nothing}}]") +
      externalSecret(
        "no-base64",
        "files",
        "[{secretKey: a, remoteRef: {key: db, property: password, decodingStrategy: Base64}}]",
      ) +
      externalSecret("null-bytes", "files", "[{secretKey: a, remoteRef: {key: binary, nullBytePolicy: Fail}}]") +
      externalSecret("no-map", "fake", "[{secretKey: a, remoteRef: {key: k2, property: deep.inside}}]"),
    "broken.yaml": `kind: Secret\nstringData: {password: ${yamlText(canaries.plant("broken YAML"))}\n  : [`,
    "no-base64.yaml": `apiVersion: v1\nkind: Secret\nmetadata: {name: bad, namespace: shop}\ndata: {password: ${yamlText(canaries.plant("Secret that is no base64"))}}\n`,
    "wrong-types.yaml": `apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: wrong, namespace: shop}\nspec: {provider: {vault: {server: [${yamlText(canaries.plant("provider field of a wrong type"))}], auth: ${yamlText(canaries.plant("auth that is text"))}}}}\n---\n${externalSecret("wrong", "wrong", "[{secretKey: a, remoteRef: {key: x}}]").replace("---\n", "")}`,
  };
}

/** All that the program gave out, by where: everything but the values in Secrets and in mounted files. */
async function outputsOf(program: Program, answers: readonly string[]): Promise<Map<string, string>> {
  const { stdout, stderr } = program.printed();
  const outputs = new Map([
    ["stdout", stdout],
    ["log", stderr],
    ["audit", readFileSync(program.at("audit.jsonl"), "utf8")],
    ["metrics", (await program.get("/metrics")).text],
    ["livez", (await program.get("/livez")).text],
    ["readyz", (await program.get("/readyz")).text],
    ["not found page", (await program.get("/nothing?x=1")).text],
    ["mount errors", answers.join("\n")],
    ["process arguments", readFileSync("/proc/self/cmdline", "utf8")],
  ]);
  const names: string[] = [];
  for (const path of filesBelow(program.at("out"))) {
    const where = relative(program.at("out"), path);
    names.push(where);
    if (where.startsWith("secrets/"))
      outputs.set(`metadata of ${where}`, readFileSync(path, "utf8").replace(/^data:\n( {2}.*\n)*/m, ""));
    else if (!statSync(path).isSocket()) outputs.set(where, readFileSync(path, "latin1"));
  }
  outputs.set("file names", names.join("\n"));
  return outputs;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function driveMounts(
  program: Program,
  canaries: Canaries,
  tokens: { real: string; foreign: string },
): Promise<string[]> {
  const answers: string[] = [];
  const own = { secretStoreRef: "{name: files}", data: "- {secretKey: p, remoteRef: {key: db, property: password}}" };
  const vaultKey = (key: string, store = "jwt"): Record<string, string> => ({
    secretStoreRef: `{name: ${store}}`,
    data: `- {secretKey: p, remoteRef: {key: ${key}}}`,
    identity: store === "jwt" ? "Pod" : "Store",
  });
  const calls: ReadonlyArray<{ parameters: Record<string, string>; token?: string; secrets?: Record<string, string> }> =
    [
      { parameters: own, token: tokens.real, secrets: { password: canaries.plant("nodePublishSecretRef value") } },
      { parameters: own, token: tokens.foreign },
      { parameters: own, token: canaries.watch("opaque pod token", `opaque-${"canary".repeat(4)}`) },
      ...Object.keys(faults).map((key) => ({ parameters: vaultKey(key, "token") })),
      { parameters: vaultKey("good"), token: tokens.real },
      { parameters: { ...own, dta: canaries.plant("unknown parameter") } },
      {
        parameters: {
          ...own,
          data: `- {secretKey: p, remoteRef: {key: db}, note: ${yamlText(canaries.plant("unknown field of an entry"))}}`,
        },
      },
      { parameters: { ...own, data: `- {secretKey: p, : ${canaries.plant("broken YAML in a parameter")}` } },
      { parameters: { ...own, refreshInterval: canaries.plant("bad duration") } },
      { parameters: { secretStoreRef: own.secretStoreRef, data: "- {secretKey: ../p, remoteRef: {key: db}}" } },
    ];
  // Side by side: an unavailable store is tried for as long as a mount may take.
  await Promise.all(
    calls.map(async ({ parameters, token, secrets }) => {
      const credentials = { ...(token ? { tokens: { vault: token } } : {}), ...(secrets ? { secrets } : {}) };
      try {
        await mountAsDriver(program.socket, { ...pod, parameters, ...credentials });
      } catch (problem) {
        answers.push(problem instanceof Error ? `${problem.message}\n${JSON.stringify(problem)}` : String(problem));
      }
    }),
  );
  return answers;
}

test("canaries in every input; every output searched in every encoding", async () => {
  const canaries = new Canaries();
  const [issuer, attacker] = await Promise.all([createTokenIssuer(), createTokenIssuer()]);
  const account = {
    namespace: "shop",
    serviceAccountName: "checkout",
    serviceAccountUid: "u-1",
    pod: { name: pod.podName, uid: pod.podUid },
  };
  const jwt = canaries.watch("account token", await issuer.sign(account));
  const tokens = {
    real: canaries.watch("pod token", await issuer.sign(account)),
    foreign: canaries.watch("planted token", await attacker.sign(account)),
  };
  const planted = await startPlantedStore(canaries);
  const program = await startProgram({
    args: ["--log-level", "debug", "--token-jwks", "$FOLDER/jwks.json"],
    files: {
      "jwks.json": issuer.jwks,
      "store/db.yaml": `password: ${yamlText(canaries.plant("file store value"))}\nother: ${yamlText(canaries.plant("file store value"))}\n`,
      "store/binary": `${canaries.plant("file store bytes")}\0`,
    },
    manifests: manifestsOf(canaries, planted.url, jwt),
  });
  try {
    const failing = [
      ...Object.keys(faults).map((key) => `vault-${key}`),
      "login-approle",
      "login-jwt",
      "no-property",
      "no-base64",
      "null-bytes",
      "no-map",
      "wrong",
    ];
    for (const name of failing)
      await until(async () => {
        const status = await program.status("shop", name);
        assert.equal(status.conditions[0]?.status, "False", `${name} should have failed`);
        return true;
      }, patienceMs);
    await until(async () => (await program.status("shop", "vault-good")).conditions[0]?.status === "True", patienceMs);
    const answers = await driveMounts(program, canaries, tokens);
    const outputs = await outputsOf(program, answers);

    assert.ok(canaries.count >= 40, `only ${canaries.count} canaries were planted`);
    assert.ok(outputs.size >= 12, `only ${outputs.size} outputs were searched`);
    assert.deepEqual(canaries.search(outputs), []);

    // Each kind of output was really looked at: a word that belongs there is found there.
    const expected: Record<string, string> = {
      log: "manifest",
      audit: '"delivery":"mount"',
      metrics: "externalsecrets_sync_calls_total",
      "mount errors": "[not_allowed]",
      "file names": "secrets/shop/file-good.yaml",
      "status/ExternalSecret/shop/vault-forbidden.yaml": "store_denied",
      "metadata of secrets/shop/file-good.yaml": "data-hash",
    };
    for (const [where, word] of Object.entries(expected))
      assert.ok(outputs.get(where)?.includes(word), `${where} lacks ${word}`);
    assert.ok(answers.length >= 14, `only ${answers.length} mounts failed`);
  } finally {
    await program.kill("SIGTERM");
    const once = await runOnce(standaloneArgs(program.folder, ["--once", "--log-level", "debug"]));
    await program.stop();
    planted.close();
    assert.deepEqual(canaries.search(new Map([["--once", once.stdout + once.stderr]])), []);
  }
});

test("the search finds a deliberate leak of every form", () => {
  const canaries = new Canaries();
  const text = canaries.plant("here");
  for (const [form, needle] of forms(text))
    assert.notEqual(canaries.search(new Map([["out", `x ${needle} y`]])).length, 0, form);
  for (const prefix of ["", "a", "ab", "abc"]) {
    const encoded = Buffer.from(`${prefix}${text}tail`).toString("base64");
    assert.notEqual(canaries.search(new Map([["out", encoded]])).length, 0, `base64 after ${prefix.length} bytes`);
  }
  assert.deepEqual(canaries.search(new Map([["out", "nothing of it"]])), []);
});
