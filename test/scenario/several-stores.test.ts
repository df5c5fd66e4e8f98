/**
 * One Secret and one volume out of three stores: Vault, AWS Secrets Manager and 1Password, each with its own login. The
 * whole program runs; what it asked is read from the servers' own logs.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { type AwsServer, startAwsServer } from "../fakes/aws-server.ts";
import { type FakeConnect, startConnect } from "../fakes/connect-server.ts";
import { mountAsDriver } from "../fakes/driver-client.ts";
import { createTokenIssuer } from "../fakes/token-issuer.ts";
import { type FakeVault, startVaultServer } from "../fakes/vault-server.ts";
import { type Program, startProgram, until } from "./program.ts";

const pod = {
  namespace: "shop",
  podName: "checkout-1",
  podUid: "0f2f6a31-5a8e-4d0e-9b4e-1f9b5f9d7a11",
  serviceAccountName: "checkout",
};
const roleArn = "arn:aws:iam::123456789012:role/shop";
const audience = "sts.amazonaws.com";

interface World {
  readonly vault: FakeVault;
  readonly aws: AwsServer;
  readonly connect: FakeConnect;
  /** Puts another value into one of the stores. */
  readonly rotate: Readonly<Record<StoreName, (value: string) => void>>;
  readonly program: Program;
}

const storeNames = ["vault", "aws", "onepassword"] as const;
type StoreName = (typeof storeNames)[number];

/** What both deliveries ask for: an entry of each store. */
const entries = {
  vault: "{secretKey: database, remoteRef: {key: shop/db, property: password}, sourceRef: {storeRef: {name: vault}}}",
  aws: "{secretKey: payment, remoteRef: {key: shop/payment, property: key}, sourceRef: {storeRef: {name: aws}}}",
  onepassword:
    "{secretKey: mail, remoteRef: {key: smtp, property: login/password}, sourceRef: {storeRef: {name: onepassword}}}",
} as const satisfies Record<StoreName, string>;

const first = { database: "db-1", payment: "pay-1", mail: "mail-1" };
const nameOf = { vault: "database", aws: "payment", onepassword: "mail" } as const;

const externalSecret = (name: string, data: readonly string[], refreshInterval: string): string => `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: ${name}, namespace: shop}
spec:
  refreshInterval: ${refreshInterval}
  data:
${data.map((entry) => `    - ${entry}`).join("\n")}
`;

/** The same request as a class of keyferry's own; the logins are those that the stores name. */
const ownClass = {
  identity: "Store",
  data: Object.values(entries)
    .map((entry) => `- ${entry}`)
    .join("\n"),
};

async function stores({ vault, aws, connect }: Pick<World, "vault" | "aws" | "connect">): Promise<string> {
  const issuer = await createTokenIssuer();
  aws.trust({ issuer: issuer.issuer, jwks: issuer.jwks, audiences: [audience] });
  const account = { namespace: "shop", serviceAccountName: "aws-reader", serviceAccountUid: "u-1" };
  const token = await issuer.sign(account, { audience });
  const tokenSecret = (name: string, text: string): string => `
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata: {name: ${name}-token, namespace: shop, annotations: {kubernetes.io/service-account.name: ${name}}}
stringData: {token: ${text}}
`;
  const store = (name: string, provider: object): string => `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: ${name}, namespace: shop}
spec: {provider: ${JSON.stringify(provider)}}
`;
  return [
    tokenSecret("vault-reader", "opaque-token"),
    tokenSecret("aws-reader", token),
    `
apiVersion: v1
kind: ServiceAccount
metadata: {name: aws-reader, namespace: shop, annotations: {eks.amazonaws.com/role-arn: ${roleArn}}}
`,
    `
apiVersion: v1
kind: Secret
metadata: {name: connect, namespace: shop}
stringData: {token: connect-token}
`,
    store("vault", {
      vault: {
        server: vault.url,
        path: "secret",
        auth: { kubernetes: { role: "shop", serviceAccountRef: { name: "vault-reader" } } },
      },
    }),
    store("aws", {
      aws: {
        service: "SecretsManager",
        region: "eu-central-1",
        auth: { jwt: { serviceAccountRef: { name: "aws-reader" } } },
      },
    }),
    store("onepassword", {
      onepassword: {
        connectHost: connect.url,
        vaults: { shop: 1 },
        auth: { secretRef: { connectTokenSecretRef: { name: "connect", key: "token" } } },
      },
    }),
  ].join("---");
}

/** The three stores with a value each, and the program with `manifests` beside the stores. */
async function withWorld(manifests: Readonly<Record<string, string>>, use: (world: World) => Promise<void>) {
  const [vault, aws, connect] = await Promise.all([startVaultServer(), startAwsServer(), startConnect()]);
  vault.policy("shop", ["secret/data/shop/*"]);
  vault.role("kubernetes", "shop", { policies: ["shop"], accepts: (jwt) => jwt === "opaque-token" });
  aws.role(roleArn, { subject: "system:serviceaccount:shop:aws-reader", reads: ["shop/payment"] });
  const vaultId = connect.vault("shop");
  connect.grant("connect-token", vaultId);
  const item = (value: string) => ({
    title: "smtp",
    sections: [{ id: "s1", label: "login" }],
    fields: [{ id: "f1", label: "password", value, section: { id: "s1" } }],
  });
  const itemId = connect.put(vaultId, item(first.mail));
  const rotate = {
    vault: (password: string) => void vault.put("secret/shop/db", { password }),
    aws: (key: string) => aws.put("shop/payment", JSON.stringify({ key })),
    onepassword: (value: string) => void connect.put(vaultId, item(value), itemId),
  };
  rotate.vault(first.database);
  rotate.aws(first.payment);
  try {
    const program = await startProgram({
      manifests: { "stores.yaml": await stores({ vault, aws, connect }), ...manifests },
      env: { AWS_STS_ENDPOINT: aws.url, AWS_SECRETSMANAGER_ENDPOINT: aws.url },
    });
    try {
      await use({ vault, aws, connect, rotate, program });
    } finally {
      assert.equal(await program.stop(), 0, program.printed().stderr);
    }
  } finally {
    await Promise.all([vault.close(), aws.close(), connect.close()]);
  }
}

const merged = (refreshInterval: string): Readonly<Record<string, string>> => ({
  "merged.yaml": externalSecret("merged", Object.values(entries), refreshInterval),
});

const untilSecret = (program: Program, want: Readonly<Record<string, string>>): Promise<unknown> =>
  until(async () => {
    assert.deepEqual(await program.secret("shop", "merged"), want);
    return true;
  });

async function readyOf(program: Program, name: string): Promise<string> {
  const ready = (await program.status("shop", name)).conditions.find(({ type }) => type === "Ready");
  return ready ? `${ready.status} ${ready.message}` : "";
}

const untilReady = (program: Program, name: string, want: RegExp): Promise<string> =>
  until(async () => {
    const found = await readyOf(program, name);
    assert.match(found, want);
    return found;
  });

async function filesOf(program: Program, parameters: Readonly<Record<string, string>>) {
  const { files } = await mountAsDriver(program.socket, { ...pod, parameters });
  return Object.fromEntries([...files].map(([path, { contents }]) => [path, contents.toString()]));
}

/** What each server was asked since the start, without what only asks whether a session still stands. */
function asked({ vault, aws, connect }: World): Readonly<Record<StoreName, readonly string[]>> {
  return {
    vault: vault.requests.map(({ path }) => path).filter((path) => !path.startsWith("auth/token/")),
    aws: aws.requests.map(({ action, about }) => `${action} ${about}`),
    onepassword: connect.requests.map(({ path }) =>
      path.replace(/^\/v1\/vaults/, "vaults").replace(/[a-z0-9]{26}/g, "ID"),
    ),
  };
}

interface AuditLine {
  readonly delivery: string;
  readonly serviceAccount: string;
  readonly store: string;
  readonly address: string;
  readonly storeRequestId: string;
  readonly cache: string;
}

interface Outage {
  readonly down: (world: World) => void;
  readonly up: (world: World) => void;
  /** What the condition says. */
  readonly code: string;
}

const outages: Readonly<Record<StoreName, Outage>> = {
  vault: { down: ({ vault }) => vault.seal(), up: ({ vault }) => vault.unseal(), code: "store_sealed" },
  aws: { down: ({ aws }) => aws.fail(500), up: ({ aws }) => aws.fail(undefined), code: "store_error" },
  onepassword: {
    down: ({ connect }) => connect.refuse({ status: 503 }),
    up: ({ connect }) => connect.refuse(undefined),
    code: "store_error",
  },
};

/** In place of the entry: one that its store refuses, with what is said of it. */
const refusals: Readonly<Record<StoreName, { from: string; to: string; says: RegExp }>> = {
  vault: { from: "key: shop/db", to: "key: bank/db", says: /\[store_denied\].*secret\/data\/bank\/db/ },
  aws: { from: "key: shop/payment", to: "key: bank/payment", says: /\[store_denied\].*bank\/payment/ },
  onepassword: { from: "key: smtp", to: "key: bank", says: /\[ref_not_found\].*bank/ },
};

// Each has servers and a process of its own, and waits most of its time.
describe("one request to three stores", { concurrency: 4 }, () => {
  test("a Secret and a volume hold the values of all three, by one login and one read of each store", () =>
    withWorld(merged("1h"), async (world) => {
      const { program } = world;
      await untilSecret(program, first);
      await untilReady(program, "merged", /^True/);
      assert.deepEqual(await filesOf(program, ownClass), first);
      assert.deepEqual(await filesOf(program, { externalSecret: "merged", identity: "Store" }), first);
      assert.deepEqual(asked(world), {
        vault: ["auth/kubernetes/login", "secret/data/shop/db"],
        aws: [`AssumeRoleWithWebIdentity ${roleArn}`, "GetSecretValue shop/payment"],
        // Of an item by its title: where it is, then what it holds.
        onepassword: ["vaults", 'vaults/ID/items?filter=title eq "smtp"', "vaults/ID/items/ID"],
      });
    }));

  test("the audit has a line for each store, with the id that the store gave the request", () =>
    withWorld(merged("1h"), async ({ vault, aws, connect, program }) => {
      await untilSecret(program, first);
      await filesOf(program, ownClass);
      const text = await readFile(program.at("audit.jsonl"), "utf8");
      const lines = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as AuditLine);
      const shown = (delivery: string) =>
        lines
          .filter((line) => line.delivery === delivery)
          .map(({ store, address, storeRequestId }) => [store, address, storeRequestId]);
      const itemAt = connect.requests.findIndex(({ path }) => /\/items\/[a-z0-9]{26}$/.test(path));
      const expected = [
        ["SecretStore/shop/vault", "secret/data/shop/db", vault.requestsTo("secret/data/")[0]!.requestId],
        ["SecretStore/shop/aws", "shop/payment", aws.requests.find(({ action }) => action === "GetSecretValue")!.id],
        ["SecretStore/shop/onepassword", "smtp", `request-${itemAt + 1}`],
      ];
      assert.ok(expected.every(([, , id]) => id !== undefined && id !== "" && id !== "request-0"));
      assert.deepEqual(shown("sync"), expected);
      assert.deepEqual(shown("mount"), expected);
      assert.deepEqual(
        lines.filter(({ delivery }) => delivery === "sync").map(({ serviceAccount }) => serviceAccount),
        ["shop/vault-reader", "shop/aws-reader", ""],
      );
      assert.deepEqual(
        [...new Set(lines.filter(({ delivery }) => delivery === "mount").map(({ cache }) => cache))],
        ["hit"],
      );
    }));

  test("a value that is rotated in one of them reaches the Secret and the volume, and the others stay", () =>
    withWorld(merged("1s"), async ({ program, rotate }) => {
      await untilSecret(program, first);
      const now: Record<string, string> = { ...first };
      for (const name of storeNames) {
        rotate[name](`${name}-2`);
        now[nameOf[name]] = `${name}-2`;
        await untilSecret(program, now);
        assert.deepEqual(await filesOf(program, { ...ownClass, refreshInterval: "1ms" }), now);
      }
    }));

  for (const name of storeNames)
    test(`while ${name} is down all three values stay as they were last read together, and the condition names it alone`, () =>
      withWorld(merged("1s"), async (world) => {
        const { program, rotate } = world;
        const { down, up, code } = outages[name];
        const parameters = { ...ownClass, refreshInterval: "1ms" };
        await untilSecret(program, first);
        assert.deepEqual(await filesOf(program, parameters), first);
        down(world);
        const said = await untilReady(program, "merged", new RegExp(`^False .*\\[${code}\\]`));
        for (const other of storeNames) assert.equal(said.includes(`SecretStore/shop/${other}`), other === name, said);
        // Two of three can be read, and are: but half of a request is none.
        for (const other of storeNames) rotate[other]("after-the-outage-began");
        const standing = storeNames.find((other) => other !== name)!;
        const readBefore = asked(world)[standing].length;
        await until(() => asked(world)[standing].length > readBefore);
        assert.deepEqual(await filesOf(program, parameters), first);
        assert.deepEqual(await program.secret("shop", "merged"), first);
        up(world);
        const after = Object.fromEntries(storeNames.map((one) => [nameOf[one], "after-the-outage-began"]));
        await untilSecret(program, after);
        await untilReady(program, "merged", /^True/);
        assert.deepEqual(await filesOf(program, parameters), after);
      }));

  test("with one entry that its store refuses nothing is written, and the message names exactly that entry", () =>
    withWorld({}, async ({ program }) => {
      for (const [at, name] of storeNames.entries()) {
        const { from, to, says } = refusals[name];
        const data = storeNames.map((one) => (one === name ? entries[one].replace(from, to) : entries[one]));
        const object = `without-${name}`;
        await program.put(program.at("manifests", `${object}.yaml`), externalSecret(object, data, "1h"));
        const said = await untilReady(program, object, /^False/);
        const parameters = { ...ownClass, data: data.map((entry) => `- ${entry}`).join("\n") };
        const refused = await filesOf(program, parameters).then(
          () => assert.fail("it was mounted"),
          (thrown: unknown) => String(thrown),
        );
        for (const [text, field] of [
          [said, "spec.data"],
          [refused, "parameters.data"],
        ] as const) {
          assert.match(text, says);
          assert.deepEqual(text.match(/(?:spec|parameters)\.data\[\d\]/g), [`${field}[${at}]`], text);
          for (const other of storeNames)
            assert.equal(text.includes(`SecretStore/shop/${other}`), other === name, text);
        }
        await assert.rejects(program.secret("shop", object), /ENOENT/);
      }
    }));
});
