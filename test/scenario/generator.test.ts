/**
 * A VaultDynamicSecret through the whole program: one credential for each ExternalSecret, kept alive while it can be,
 * replaced when it cannot, given back when its ExternalSecret goes. Vault is a server that makes accounts with leases.
 */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { mountAsDriver } from "../fakes/driver-client.ts";
import { refusal, success } from "../fakes/vault-answers.ts";
import type { VaultAnswer } from "../fakes/vault-answers.ts";
import { granted, startWire } from "../stores/vault/wire.ts";
import type { Asked, Wire } from "../stores/vault/wire.ts";
import { type Program, startProgram, until } from "./program.ts";

let wire: Wire;
let program: Program;
/** Lease id → its account; those that were given back are gone. */
const accounts = new Map<string, { readonly username: string; readonly password: string }>();
const renewed: string[] = [];
let made = 0;
let renewable = true;

function answer({ method, path, body, headers }: Asked): VaultAnswer {
  const leaseOf = (): string => (JSON.parse(body) as { lease_id: string }).lease_id;
  switch (`${method} ${path}`) {
    case "POST auth/userpass/login/ferry":
      return granted("t", { lease_duration: 3_600 });
    case "POST sys/leases/renew":
      if (!renewable) return refusal(400, "lease is not renewable");
      renewed.push(leaseOf());
      return success({ lease_id: leaseOf(), lease_duration: 3, renewable: true });
    case "POST sys/leases/revoke":
      accounts.delete(leaseOf());
      return success({}, 204);
    case "POST database/creds/app": {
      if (headers["x-vault-token"] !== "t") return refusal(403, "permission denied");
      const n = String(++made);
      const account = { username: `u${n}`, password: `p${n} ${body}` };
      accounts.set(`database/creds/app/${n}`, account);
      const lease = { lease_id: `database/creds/app/${n}`, lease_duration: 3, renewable: true };
      return success({ ...lease, data: { ...account, ttl: 3 } });
    }
    default:
      return refusal(404, "no handler for route");
  }
}

const externalSecret = (name: string, rewrite = ""): string => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: shop}
spec:
  refreshInterval: 1s
  dataFrom:
    - sourceRef: {generatorRef: {kind: VaultDynamicSecret, name: app}}
${rewrite}`;

const generator = (): string => `
apiVersion: v1
kind: Secret
metadata: {name: user, namespace: shop}
stringData: {password: let me in}
---
apiVersion: generators.external-secrets.io/v1alpha1
kind: VaultDynamicSecret
metadata: {name: app, namespace: shop}
spec:
  path: database/creds/app
  method: POST
  parameters: {ttl: 3s}
  provider:
    server: ${wire.url}
    auth: {userPass: {username: ferry, secretRef: {name: user, key: password}}}
`;

before(async () => {
  wire = await startWire();
  wire.answer = answer;
  program = await startProgram({
    manifests: {
      "generator.yaml": generator(),
      "one.yaml": externalSecret("one"),
      "two.yaml": externalSecret("two", '      rewrite: [{regexp: {source: "^", target: "db_"}}]\n'),
    },
  });
});
after(async () => {
  assert.equal(await program.stop(), 0);
  await wire.close();
});

const user = async (name: string, key = "username"): Promise<string | undefined> =>
  (await program.secret("shop", name))[key];

test("user and password are of one read, and two ExternalSecrets have two accounts", async () => {
  const one = await until(() => program.secret("shop", "one"));
  const two = await until(() => program.secret("shop", "two"));
  assert.notEqual(one["username"], two["db_username"]);
  for (const [name, password, ttl] of [
    [one["username"], one["password"], one["ttl"]],
    [two["db_username"], two["db_password"], two["db_ttl"]],
  ])
    assert.deepEqual([password, ttl], [`p${name!.slice(1)} {"ttl":"3s"}`, "3"]);
  assert.equal(made, 2);
});

test("refreshes keep them alive and make no others", async () => {
  const before = await user("one");
  const first = renewed.length;
  // Two renewals each: longer than a lease lives by itself.
  await until(() => renewed.length >= first + 4);
  assert.equal(await user("one"), before);
  assert.equal(made, 2);
});

test("what cannot be renewed is replaced while it still lives", async () => {
  const before = await user("one");
  renewable = false;
  await until(async () => (await user("one")) !== before);
  const { username, password } = await program.secret("shop", "one");
  assert.equal(password, `p${username!.slice(1)} {"ttl":"3s"}`);
  renewable = true;
  await until(async () => (await program.status("shop", "one")).conditions.some(({ status }) => status === "True"));
});

test("when its ExternalSecret goes it is given back, and the other's stays", async () => {
  const lease = `database/creds/app/${(await user("two", "db_username"))!.slice(1)}`;
  const kept = `database/creds/app/${(await user("one"))!.slice(1)}`;
  assert.ok(accounts.has(lease));
  await rm(program.at("manifests", "two.yaml"));
  await until(() => !accounts.has(lease));
  assert.ok(accounts.has(kept));
});

test("no volume is made of it", async () => {
  const pod = { namespace: "shop", podName: "web", podUid: "u-1", serviceAccountName: "web" };
  const atMount = made;
  for (const parameters of [
    { externalSecret: "one" },
    { dataFrom: "- sourceRef: {generatorRef: {kind: VaultDynamicSecret, name: app}}" },
  ])
    await assert.rejects(
      mountAsDriver(program.socket, { ...pod, parameters }),
      /\[not_mountable\].*dataFrom\[0\]\.sourceRef\.generatorRef: a generator makes something new for each reader/,
    );
  assert.equal(made, atMount);
});

test("an edit of the generator makes its ExternalSecrets due, and its faults are told in their status", async () => {
  const before = await user("one");
  await program.put(program.at("manifests", "generator.yaml"), generator().replace("ttl: 3s", "ttl: 4s"));
  await until(async () => (await program.secret("shop", "one"))["password"]?.endsWith('{"ttl":"4s"}'));
  assert.notEqual(await user("one"), before);
  await program.put(program.at("manifests", "generator.yaml"), generator().replace("path: database", "pat: database"));
  await until(async () =>
    (await program.status("shop", "one")).conditions.some(({ message }) => /spec\.path: must be set/.test(message)),
  );
  assert.ok(await user("one"), "the Secret stays as it was");
});
