/** The whole program with templates: what is made of values follows them, and what goes wrong is told without them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { mountAsDriver } from "../fakes/driver-client.ts";
import { Canaries } from "./canaries.ts";
import { type Program, type ProgramOptions, startProgram, until } from "./program.ts";

/** As the project's example has it, word by word. */
const seedTemplate = readFileSync(join(import.meta.dirname, "../../crds/examples/seed-template.yaml"), "utf8");

const stores = `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: vault-prod}
spec: {provider: {file: {path: $FOLDER/store}}}
`;
const dbFile = (username: string, password: string): string =>
  `username: ${JSON.stringify(username)}\npassword: ${JSON.stringify(password)}\n`;
const urlOf = (username: string, password: string): string =>
  `postgresql://${username}:${password}@db-prod.internal:5432/payments?sslmode=require\n`;

async function withProgram(options: Partial<ProgramOptions>, use: (program: Program) => Promise<void>): Promise<void> {
  const program = await startProgram({
    manifests: { "stores.yaml": stores, ...options.manifests },
    files: { "store/secret/payments/db.yaml": dbFile("app", "one"), ...options.files },
    args: options.args ?? [],
  });
  try {
    await use(program);
  } finally {
    assert.equal(await program.stop(), 0, program.printed().stderr);
  }
}

const untilSecret = (program: Program, name: string, want: Record<string, string>): Promise<unknown> =>
  until(async () => {
    assert.deepEqual(await program.secret("payments", name), want);
    return true;
  });

const untilReady = (program: Program, name: string, want: RegExp): Promise<unknown> =>
  until(async () => {
    const ready = (await program.status("payments", name)).conditions.find(({ type }) => type === "Ready");
    assert.match(`${ready?.status} ${ready?.message}`, want);
    return true;
  });

const templated = (template: string, more = ""): string => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: made, namespace: payments, labels: {team: pay}}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: vault-prod, kind: ClusterSecretStore}
  target:
    template:
${template.replace(/^/gm, "      ")}
  data:
    - {secretKey: username, remoteRef: {key: secret/payments/db, property: username}}
    - {secretKey: password, remoteRef: {key: secret/payments/db, property: password}}
${more}`;

test("a connection string is made anew when one of its values rotates", () =>
  withProgram({ manifests: { "seed.yaml": seedTemplate } }, async (program) => {
    await untilSecret(program, "postgres-connection", { DATABASE_URL: urlOf("app", "one"), POSTGRES_PASSWORD: "one" });
    await program.put(program.at("store/secret/payments/db.yaml"), dbFile("app", "two"));
    await untilSecret(program, "postgres-connection", { DATABASE_URL: urlOf("app", "two"), POSTGRES_PASSWORD: "two" });
    await untilReady(program, "postgres-connection", /^True secret synced/);
    const { files } = await mountAsDriver(program.socket, {
      namespace: "payments",
      podName: "web-1",
      podUid: "0f2f6a31-5a8e-4d0e-9b4e-1f9b5f9d7a11",
      serviceAccountName: "web",
      parameters: { externalSecret: "postgres-connection" },
    });
    assert.deepEqual(
      [...files].map(([path, { contents }]) => [path, contents.toString()]),
      [
        ["DATABASE_URL", urlOf("app", "two")],
        ["POSTGRES_PASSWORD", "two"],
      ],
    );
  }));

test("a template that fails leaves the Secret as it is and says where, and a correction takes effect", () =>
  withProgram({ manifests: { "seed.yaml": seedTemplate } }, async (program) => {
    const good = { DATABASE_URL: urlOf("app", "one"), POSTGRES_PASSWORD: "one" };
    await untilSecret(program, "postgres-connection", good);
    const file = program.at("manifests/seed.yaml");
    await program.put(file, seedTemplate.replace("{{ .username }}", "{{ .usernam }}"));
    await untilReady(
      program,
      "postgres-connection",
      /^False .*\[template_failed\] spec\.target\.template\.data\[DATABASE_URL\]: template: DATABASE_URL:1:16: executing "DATABASE_URL" at <\.usernam>: map has no entry for key "usernam"/,
    );
    assert.deepEqual(await program.secret("payments", "postgres-connection"), good);
    await program.put(file, seedTemplate.replace("{{ .username }}", "{{ .username"));
    await untilReady(program, "postgres-connection", /\[template_failed\] .*DATABASE_URL:1: /);
    await program.put(file, seedTemplate.replace("{{ .username }}", "{{ .username | upper }}"));
    await untilSecret(program, "postgres-connection", { ...good, DATABASE_URL: urlOf("APP", "one") });
  }));

test("a template in Handlebars is told by its annotation or by the class, and never guessed", () => {
  const text = 'data: {made: "{{upper username}}/{{#if password}}{{password}}{{/if}}"}';
  const inHandlebars = templated(text).replace(
    "labels:",
    "annotations: {keyferry.dev/template-engine: handlebars}, labels:",
  );
  return withProgram({ manifests: { "made.yaml": inHandlebars } }, async (program) => {
    await untilSecret(program, "made", { made: "APP/one" });
    assert.ok(!(await readFile(program.at("out/secrets/payments/made.yaml"), "utf8")).includes("keyferry.dev"));
    const mount = (parameters: Record<string, string>) =>
      mountAsDriver(program.socket, {
        namespace: "payments",
        podName: "web-1",
        podUid: "0f2f6a31-5a8e-4d0e-9b4e-1f9b5f9d7a11",
        serviceAccountName: "web",
        parameters: {
          secretStoreRef: "{name: vault-prod, kind: ClusterSecretStore}",
          data: "[{secretKey: username, remoteRef: {key: secret/payments/db, property: username}}]",
          ...parameters,
        },
      });
    const { files } = await mount({ template: 'data: {a/b: "{{username}}!"}', templateEngine: "handlebars" });
    assert.deepEqual(
      [...files].map(([path, { contents }]) => [path, contents.toString()]),
      [["a/b", "app!"]],
    );
    await assert.rejects(mount({ template: 'data: {a: "{{username}}!"}' }), /function "username" not defined/);
    await assert.rejects(
      mount({ template: 'data: {a: "{{randAlpha 4}}"}', templateEngine: "handlebars" }),
      /not_mountable.*randAlpha/,
    );
    await program.put(program.at("manifests/made.yaml"), templated(text));
    await untilReady(
      program,
      "made",
      /^False .*\[template_failed\] .*data\[made\]: template: made:1: function "username" not defined/,
    );
  });
});

const configMap = (host: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: tpl, namespace: payments}
data:
  app.conf: "user={{ .username }} host=${host}"
  pairs.yaml: |
    port: 5432
    dsn: {{ printf "%s@${host}" .username | toJson }}
`;
const fromConfigMap = `
metadata: {labels: {app: db}, annotations: {owner: "{{ .username }}"}}
templateFrom:
  - configMap: {name: tpl, items: [{key: app.conf}, {key: pairs.yaml, templateAs: KeysAndValues}]}`;

test("templates of a ConfigMap: an edit takes effect at once, a missing key is named", () =>
  withProgram({ manifests: { "made.yaml": templated(fromConfigMap) } }, async (program) => {
    await untilReady(
      program,
      "made",
      /^False .*\[template_failed\] spec\.target\.template\.templateFrom\[0\]\.configMap\.items\[0\]: there is no ConfigMap payments\/tpl with the key app\.conf/,
    );
    const file = program.at("manifests/tpl.yaml");
    await program.put(file, configMap("a"));
    await untilSecret(program, "made", { "app.conf": "user=app host=a", port: "5432", dsn: "app@a" });
    const text = await readFile(program.at("out/secrets/payments/made.yaml"), "utf8");
    assert.match(text, /\n {4}app: "?db"?\n/);
    assert.match(text, /\n {4}owner: "?app"?\n/);
    assert.ok(!text.includes("team"), "with a template the labels of the ExternalSecret are not copied");
    const editedMs = performance.now();
    await program.put(file, configMap("b"));
    await untilSecret(program, "made", { "app.conf": "user=app host=b", port: "5432", dsn: "app@b" });
    assert.ok(performance.now() - editedMs < 5_000);
  }));

test("a random value stays for as long as nothing is refreshed", () =>
  withProgram({ manifests: { "made.yaml": templated('data: {token: "{{ randAlphaNum 24 }}"}') } }, async (program) => {
    await untilReady(program, "made", /^True/);
    const first = await program.secret("payments", "made");
    assert.match(first["token"]!, /^[0-9A-Za-z]{24}$/);
    // Another object of the folder has every ExternalSecret read again, from the same answers.
    await program.put(program.at("manifests/ns.yaml"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: payments}\n");
    await program.put(program.at("manifests/two.yaml"), seedTemplate);
    await untilReady(program, "postgres-connection", /^True/);
    const file = program.at("out/secrets/payments/made.yaml");
    await program.put(file, (await readFile(file, "utf8")).replace(/token: .*/, "token: ZXZpbA=="));
    await untilSecret(program, "made", first);
    await program.put(program.at("store/secret/payments/db.yaml"), dbFile("app", "two"));
    await until(async () => (await program.secret("payments", "made"))["token"] !== first["token"]);
  }));

test("what fails in a template never shows the values that it worked on", async () => {
  const canaries = new Canaries();
  const username = canaries.plant("a value");
  const password = canaries.plant("another value");
  const files = { "store/secret/payments/db.yaml": dbFile(username, password) };
  const broken = {
    number: "{{ .password | int | div 0 }}{{ .password | fromJson }}{{ mustFromJson .password }}",
    date: "{{ mustToDate .password .username }}",
    pem: '{{ filterPEM "KEY" .password }}',
    fail: '{{ fail (printf "no: %s" .password) }}',
    index: "{{ index .password 9999 }}",
    call: "{{ template .password }}{{ .username.password }}",
    regex: '{{ mustRegexMatch (printf "(%s" .password) "x" }}',
  };
  await withProgram({ files }, async (program) => {
    let version = 0;
    for (const [name, text] of Object.entries(broken)) {
      const data = `metadata: {annotations: {v: "${++version}"}}\ndata:\n  ${name}: ${JSON.stringify(text)}`;
      await program.put(program.at("manifests/made.yaml"), templated(data));
      await untilReady(program, "made", new RegExp(`^False .*\\[template_failed\\] .*data\\[${name}\\]`));
    }
    const literal = `templateFrom: [{literal: "{{ .password }}: [{{ .username }}"}]`;
    await program.put(program.at("manifests/made.yaml"), templated(literal));
    await untilReady(program, "made", /^False .*\[template_failed\] .*literal: /);
    const outputs = new Map<string, string>([
      ["stdout", program.printed().stdout],
      ["stderr", program.printed().stderr],
      ["audit", await readFile(program.at("audit.jsonl"), "utf8").catch(() => "")],
      ["metrics", (await program.get("/metrics")).text],
    ]);
    for (const file of await readdir(program.at("out/status"), { recursive: true, withFileTypes: true }))
      if (file.isFile()) outputs.set(file.name, await readFile(join(file.parentPath, file.name), "utf8"));
    assert.deepEqual(canaries.search(outputs), []);
  });
});
