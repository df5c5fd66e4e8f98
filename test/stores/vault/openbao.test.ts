/** ESO's own block for OpenBao: the shared suite, and what sets it apart from the vault block. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { StoreContext } from "../../../plugin/stores/contract.ts";
import { parseOpenBaoBlock } from "../../../plugin/stores/vault/block.ts";
import { openBao } from "../../../plugin/stores/vault/kind.ts";
import { locate } from "../../../plugin/stores/vault/path.ts";
import { canaries, runContractSuite } from "../contract-suite.ts";

const context: StoreContext = { scope: "SecretStore", name: "openbao", namespace: "shop" };
const json = (status: number, body: unknown) => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
const secretOf = (version: number, data: object | null) => ({ data: { data, metadata: { version } } });
const userPass = { userPass: { username: "ferry", secretRef: { name: "s", key: "password" } } };

runContractSuite("openBao with userPass", {
  ref: { key: "payments/db", metadataPolicy: "None" },
  value: `{"password":"${canaries.value}"}`,
  version: "7",
  open(server, deps) {
    const opened = openBao.open({ server, auth: userPass }, context, deps);
    if (!opened.ok) assert.fail(JSON.stringify(opened.problems));
    return opened.value.store;
  },
  proof: { kind: "static", secrets: { password: SecretValue.fromText(canaries.proof) } },
  login: {
    isLogin: ({ method, path }) => method === "POST" && path === "/v1/auth/userpass/login/ferry",
    good: json(200, { auth: { client_token: canaries.token, lease_duration: 3600 } }),
  },
  good: json(200, secretOf(7, { password: canaries.value })),
  pinned: {
    version: "3",
    good: json(200, secretOf(3, { password: canaries.value })),
    gone: json(404, secretOf(3, null)),
  },
  notFound: {
    "with an empty list of errors": json(404, { errors: [] }),
    "for a deleted version": json(404, secretOf(7, null)),
  },
  notReallyMissing: {
    "of a path without an engine": [
      json(404, { errors: [`no handler for route "${canaries.upstream}"`] }),
      "store_invalid",
    ],
    "page of a proxy": [{ status: 404, body: `<html>${canaries.upstream}</html>` }, "answer_invalid"],
  },
});

suite("the openBao block", () => {
  const server = "https://bao.example.com:8200";
  const token = { tokenSecretRef: { name: "t", key: "token" } };
  const configOf = (block: object) => {
    const parsed = parseOpenBaoBlock({ server, auth: token, ...block }, context, false);
    if (!parsed.ok) assert.fail(JSON.stringify(parsed.problems));
    return parsed.value;
  };
  const addressOf = (block: object, key: string, version?: string) =>
    locate(configOf(block), { key, metadataPolicy: "None", ...(version === undefined ? {} : { version }) });

  test("reads the mount kv unless it names another", () => {
    assert.equal(addressOf({}, "foo").address, "kv/data/foo");
    assert.equal(addressOf({ path: "" }, "foo").address, "kv/data/foo");
    assert.equal(addressOf({ path: "team" }, "foo").address, "team/data/foo");
    assert.equal(addressOf({ version: "v1" }, "foo").address, "kv/foo");
  });
  test("a key is below the mount, also when it begins like it", () => {
    assert.equal(addressOf({}, "kv/foo").address, "kv/data/kv/foo");
    assert.equal(addressOf({}, "kv/data/foo").address, "kv/data/kv/data/foo");
  });
  test("KV v1 has no versions to ask for", () => {
    assert.equal(addressOf({}, "foo", "3").version, "3");
    assert.throws(() => addressOf({ version: "v1" }, "foo", "3"), { code: "ref_invalid" });
  });
  test("its references name its own fields", () => {
    const { proof } = configOf({ caProvider: { type: "Secret", name: "ca", key: "ca.crt" } }).login;
    assert.deepEqual(proof.kind === "static" && Object.values(proof.secrets).map(({ field }) => field), [
      "spec.provider.openBao.auth.tokenSecretRef",
      "spec.provider.openBao.caProvider",
    ]);
  });
  for (const login of ["appRole", "kubernetes", "userPass"])
    test(`has the login ${login}`, () => {
      const auths: Readonly<Record<string, object>> = {
        appRole: { roleId: "r", secretRef: { name: "s", key: "k" } },
        kubernetes: { role: "r", serviceAccountRef: { name: "app" } },
        userPass: userPass.userPass,
      };
      assert.equal(configOf({ auth: { [login]: auths[login] } }).login.method, login);
    });
  const strangers: readonly (readonly [block: object, path: string])[] = [
    [{ headers: { a: "b" } }, "headers"],
    [{ tls: {} }, "tls"],
    [{ auth: { ldap: { username: "u" } } }, "auth.ldap"],
    [{ auth: { cert: {} } }, "auth.cert"],
  ];
  for (const [block, path] of strangers)
    test(`${path} is not one of its fields`, () => {
      const parsed = parseOpenBaoBlock({ server, auth: token, ...block }, context, false);
      const found = parsed.ok ? undefined : parsed.problems.find((one) => one.path === path);
      assert.match(found?.problem ?? "accepted", /unknown field/);
    });
  test("without a login it names those it has", () => {
    const parsed = parseOpenBaoBlock({ server }, context, false);
    assert.match(
      parsed.ok ? "" : parsed.problems[0].problem,
      /give one of tokenSecretRef, appRole, kubernetes, userPass$/,
    );
  });
});
