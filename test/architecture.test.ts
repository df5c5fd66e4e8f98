/** What holds for the whole house and no single test sees: who may reach what, how big things are, what belongs together. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { failureHandling } from "../plugin/core/failure.ts";
import type { FailureCode } from "../plugin/core/failure.ts";
import { storeKinds } from "../plugin/stores/registry.ts";
import { cruise } from "./tools/cruise.ts";
import { readSources } from "./tools/source.ts";

const product = readSources("plugin/**/*.{ts,mjs}");
const everything = [...product, ...readSources("{proto,test,bench,tools}/**/*.{ts,mjs,cjs}")];

const text = (path: string): string => readFileSync(path, "utf8");
const within = (path: string, places: readonly string[]): boolean =>
  places.some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place));

test("every import keeps to the rooms, and no modules import each other in a circle", async () => {
  const { modules, violations } = await cruise(".", ["plugin", "proto", "bench", "tools", "test"]);
  assert.deepEqual(violations, []);
  assert.ok(modules >= everything.length, `the cruiser saw ${modules} modules of ${everything.length}`);
});

test("every room has its rule", () => {
  const { forbidden } = createRequire(import.meta.url)("../.dependency-cruiser.cjs") as {
    forbidden: { name: string }[];
  };
  const rules = forbidden.map((rule) => rule.name);
  const rooms = new Set(globSync("plugin/*/*").map((path) => path.split("/")[1]!));
  assert.deepEqual(
    [...rooms].filter((room) => !rules.includes(`room-${room}`)),
    [],
  );
});

const clockAndWire = ["plugin/core/clock.ts", "plugin/wire/"];
const reaches: readonly { use: string; only: readonly string[] }[] = [
  { use: "process.env", only: ["plugin/config.ts"] },
  { use: "Date.now", only: clockAndWire },
  { use: "new Date()", only: clockAndWire },
  { use: "performance.now", only: clockAndWire },
  { use: "setTimeout", only: clockAndWire },
  { use: "setInterval", only: clockAndWire },
  { use: "fetch", only: ["plugin/wire/"] },
];

for (const { use, only } of reaches) {
  test(`${use} is used in ${only.join(" and ")} alone`, () => {
    const users = product.filter((source) => source.uses.has(use) && !within(source.path, only));
    assert.deepEqual(
      users.map((source) => source.path),
      [],
    );
  });
}

/** The whole list of places that see plaintext, each with its reason. */
const revealers: Readonly<Record<string, string>> = {
  "plugin/directory/account-token.ts": "the claims of an account's token are read",
  "plugin/directory/files-shelf.ts": "the version of a Secret kept as files",
  "plugin/directory/secret-yaml.ts": "a Secret's file is written",
  "plugin/files/atomic-writer.ts": "a volume's file is written",
  "plugin/files/object-version.ts": "the keyed version of a file",
  "plugin/kube/digest-key.ts": "the key of drift digests is taken from its Secret",
  "plugin/kube/secret-object.ts": "a Secret's data leaves for the API server",
  "plugin/provider/calls.ts": "files leave in a Mount answer",
  "plugin/read/decode/decode.ts": "properties and encodings of an answer",
  "plugin/read/find-listing.ts": "what a listing names is parsed",
  "plugin/read/keyed-digest.ts": "the keyed digest of a credential, for cache keys",
  "plugin/read/pod-tokens.ts": "a pod's tokens are parsed and verified",
  "plugin/read/referred.ts": "a Secret as a whole is shown to a store as JSON",
  "plugin/read/rewrite.ts": "a template has made a key's name",
  "plugin/read/template-map.ts": "a template's output is parsed as keys and values",
  "plugin/read/template-pieces.ts": "the text of a template that is kept in a Secret",
  "plugin/read/templating.ts": "labels, annotations and encodings of what a template made",
  "plugin/stores/akeyless/api.ts": "a request's body leaves with its token",
  "plugin/stores/akeyless/known-items.ts": "a value is known again by a keyed digest",
  "plugin/stores/akeyless/login.ts": "a login's credentials are shaped for the request",
  "plugin/stores/aws/login.ts": "an access key is handed to the SDK",
  "plugin/stores/aws/request-handler.ts": "answers are handed to the SDK",
  "plugin/stores/aws/sts.ts": "a token is handed to the SDK",
  "plugin/stores/azure/client-assertion.ts": "a certificate's key is read",
  "plugin/stores/azure/login.ts": "a login's credentials are put into its form",
  "plugin/stores/azure/secrets.ts": "answers are handed to the SDK",
  "plugin/stores/bearer.ts": "a token from a Secret becomes an Authorization header",
  "plugin/stores/ca-bundle.ts": "the certificates of a CA kept in a Secret",
  "plugin/stores/client-certificate.ts": "a client certificate and its key are read",
  "plugin/stores/doppler/login.ts": "a login's token is shaped for the request",
  "plugin/stores/file/read-secret.ts": "the text of a secret's file is parsed",
  "plugin/stores/gcp/external-account.ts": "whether what a token's source answers can be a token",
  "plugin/stores/gcp/metadata-server.ts": "the machine's cluster is read as text",
  "plugin/stores/gcp/sdk.ts": "answers are handed to Google's client",
  "plugin/stores/gcp/token-exchange.ts": "a token is put into the request that trades it",
  "plugin/stores/json-body.ts": "the JSON of an answer is parsed",
  "plugin/stores/kubernetes/login.ts": "a kubeconfig is parsed, and the end of a token read",
  "plugin/stores/onepassword/items.ts": "files of an item are handed on",
  "plugin/stores/onepassword/kept-item.ts": "an item is kept as JSON, and read again",
  "plugin/stores/vault/aws-login.ts": "access keys are checked before they are used",
  "plugin/stores/vault/aws-signature.ts": "a request is signed with a secret key",
  "plugin/stores/vault/aws-sts.ts": "a token leaves in a form, and the answer's keys are read",
  "plugin/stores/vault/client.ts": "a login's body is written",
  "plugin/stores/vault/connection.ts": "the value of a header is checked",
  "plugin/stores/vault/login.ts": "whether a token from a Secret can be sent",
  "plugin/stores/vault/shown.ts": "line ends behind a credential are dropped",
  "plugin/stores/webhook/headers.ts": "whether a header is one line",
  "plugin/stores/webhook/request.ts": "a template has made a url or a path",
  "plugin/stores/webhook/variables.ts": "a whole Secret becomes a template's variables",
  "plugin/sync/digest.ts": "the keyed digest of a Secret",
  "plugin/sync/secret-shape.ts": "ESO's hash of a Secret's data",
  "plugin/sync/secret-types.ts": "whether a registry's credentials are JSON",
  "plugin/template/execute.ts": "values become the dot of a template",
  "plugin/template/handlebars/render.ts": "values become the context of a template",
  "plugin/template/job.ts": "values go to the template worker",
  "plugin/wire/http.ts": "request headers and bodies leave",
  "plugin/wire/http-proxy.ts": "the login of a proxy leaves",
  "plugin/wire/kube-http.ts": "a client certificate's key and request bodies leave",
  "plugin/wire/rendered-secret.ts": "a Secret is printed for whoever asks to see it",
};

test("plaintext is seen where it leaves or is decoded, and nowhere else", () => {
  const seen = product.filter((source) => source.uses.has(".reveal(")).map((source) => source.path);
  assert.deepEqual(seen, Object.keys(revealers).sort());
});

/** By kind; a folder may hold several. */
const folderOf = new Map(
  [...text("plugin/stores/registry.ts").matchAll(/^ {2}(\w+): .*import\("\.\/(\w+)\/kind\.ts"\)/gm)].map(
    ([, name, folder]) => [name!, folder!] as const,
  ),
);

for (const name of Object.keys(storeKinds)) {
  const folder = folderOf.get(name)!;
  test(`the store kind ${name} has tests, the shared suite, an example and a page`, () => {
    const tests = globSync(`test/stores/${folder}/*.test.ts`);
    assert.ok(tests.length > 0, `no test/stores/${folder}/*.test.ts`);
    const shared = tests.filter((file) => text(file).includes('from "../contract-suite.ts"'));
    assert.ok(shared.length > 0, `no test of test/stores/${folder}/ runs test/stores/contract-suite.ts`);
    assert.ok(globSync(`crds/examples/${folder}-*.yaml`).length > 0, `no crds/examples/${folder}-<topic>.yaml`);
    assert.ok(
      text(`docs/stores/${folder}.md`).includes(`${name}:`),
      `docs/stores/${folder}.md shows no provider block`,
    );
  });
}

test("docs/errors.md lists exactly the failure codes, with their class and what Mount answers", () => {
  const rows = [...text("docs/errors.md").matchAll(/^\| `(\w+)` \| (\w+) \| ([\w–]+) \|/gm)].map((row) =>
    row.slice(1, 4),
  );
  const known = (Object.keys(failureHandling) as FailureCode[]).map((code) => {
    const handling = failureHandling[code];
    return [code, handling.class, handling.class === "target" ? "–" : handling.grpc];
  });
  assert.deepEqual(rows.sort(), known.sort());
});

/** The value below which `share` of the values lie. */
function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1]!;
}

test("files and functions stay small", () => {
  const lines = product.map((source) => source.lines);
  assert.ok(quantile(lines, 0.5) <= 100, `the median file has ${quantile(lines, 0.5)} lines`);
  assert.ok(quantile(lines, 0.95) <= 250, `95 % of the files have up to ${quantile(lines, 0.95)} lines`);
  assert.deepEqual(
    product.filter((source) => source.lines > 400).map((source) => source.path),
    [],
  );
  const functions = product.flatMap((source) => [...source.functions.values()]);
  assert.ok(quantile(functions, 0.95) <= 50, `95 % of the functions have up to ${quantile(functions, 0.95)} lines`);
});

test("nothing is left for later", () => {
  const words = /\b(TO[D]O|FIX[M]E|XX[X])\b/;
  const left = everything.filter((source) => words.test(source.text)).map((source) => source.path);
  assert.deepEqual(left, []);
});

test("every script is the same launcher, and every dependency is pinned", () => {
  const manifest = JSON.parse(text("package.json")) as Record<string, Record<string, string>>;
  const names = ["demo", "test", "test:peers", "bench", "build", "crds", "fuzz"];
  assert.deepEqual(manifest.scripts, Object.fromEntries(names.map((name) => [name, `node tools/run.mjs ${name}`])));
  for (const group of ["dependencies", "optionalDependencies", "devDependencies"])
    for (const [name, version] of Object.entries(manifest[group]!))
      assert.match(version, /^(npm:[a-z0-9@/-]+@)?\d+\.\d+\.\d+$/, `${name} is not pinned`);
});
