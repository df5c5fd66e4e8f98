import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import { Failure, type FailureCode } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { ExternalSecret, Parsed } from "../../plugin/manifests/objects.ts";
import { loadTokenKeys } from "../../plugin/read/pod-tokens.ts";
import { FakeClock } from "../fakes/clock.ts";
import { createTokenIssuer } from "../fakes/token-issuer.ts";
import { bundleOf, callOf, facts, failureOf, mountBench, neverAborted } from "./setup.ts";

const store = "{name: vault}";
const oneEntry = {
  secretStoreRef: store,
  data: "[{secretKey: db/password, remoteRef: {key: payments/db, property: password}}]",
};

function externalSecret(
  secretKeys: readonly string[],
  annotations: Readonly<Record<string, string>> = {},
): Parsed<ExternalSecret> {
  const storeRef = { kind: "SecretStore", name: "vault" } as const;
  const policies = {
    metadataPolicy: "None",
    conversionStrategy: "Default",
    decodingStrategy: "None",
    nullBytePolicy: "Ignore",
  } as const;
  return {
    ok: true,
    value: {
      meta: { namespace: "shop", name: "db", uid: "u", generation: 1, labels: {}, annotations },
      spec: {
        refreshPolicy: "Periodic",
        refreshIntervalMs: 3_600_000,
        target: {
          name: "db",
          creationPolicy: "Owner",
          deletionPolicy: "Retain",
          immutable: false,
          immediate: false,
        },
        data: secretKeys.map((secretKey) => ({ secretKey, remoteRef: { key: "k", ...policies }, storeRef })),
        dataFrom: [],
      },
    },
  };
}

suite("a mount", () => {
  test("of entries in the class is one read by the pod, under the mount's terms", async () => {
    const bench = mountBench(() => bundleOf({ "db/password": ["hunter2", "7"] }));
    await bench.clock.advance(100_000);
    const answer = await bench.mount.mount(callOf(oneEntry), neverAborted);
    assert.deepEqual(
      answer.files.map(({ path, mode, contents }) => [path, mode, contents.reveal().toString()]),
      [["db/password", 0o644, "hunter2"]],
    );
    assert.deepEqual(answer.objectVersions, [{ id: "db/password", version: "7" }]);
    assert.equal(bench.reads.length, 1);
    const { request, terms } = bench.reads[0]!;
    assert.deepEqual(
      request.entries.map((entry) => [entry.field, entry.store, "ref" in entry && entry.ref.key]),
      [["parameters.data[0]", { kind: "SecretStore", name: "vault" }, "payments/db"]],
    );
    assert.deepEqual(terms, {
      caller: {
        kind: "Pod",
        namespace: "shop",
        name: "web-0",
        uid: "6f1c0c34-7f2e-4c12-9a47-0f5b6f6f5b11",
        serviceAccountName: "checkout",
        tokens: [],
        proven: false,
      },
      delivery: "mount",
      identity: "Pod",
      priority: "mount",
      acceptBegunFromMs: 70_000,
      maxStaleMs: 86_400_000,
      limitMs: 20_000,
    });
  });

  test("takes age, staleness and identity from the class", async () => {
    const bench = mountBench(() => bundleOf({ "db/password": "x" }));
    await bench.clock.advance(100_000);
    const own = { refreshInterval: "5s", maxStale: "1h", identity: "Store" };
    await bench.mount.mount(callOf({ ...oneEntry, ...own }), neverAborted);
    const { acceptBegunFromMs, maxStaleMs, identity } = bench.reads[0]!.terms;
    assert.deepEqual([acceptBegunFromMs, maxStaleMs, identity], [95_000, 3_600_000, "Store"]);
  });

  test("with refreshInterval 0 reads anew each time", async () => {
    const bench = mountBench(() => bundleOf({ "db/password": "x" }));
    await bench.clock.advance(100_000);
    await bench.mount.mount(callOf({ ...oneEntry, refreshInterval: "0" }), neverAborted);
    assert.equal(bench.reads[0]!.terms.acceptBegunFromMs, 100_000);
  });

  test("gives each file the entry's mode, else the class's, else the request's", async () => {
    const data = `
      - {secretKey: own, remoteRef: {key: a}, mode: "0400"}
      - {secretKey: other, remoteRef: {key: b}}`;
    const modes = async (parameters: Readonly<Record<string, string>>, permission: string): Promise<number[]> => {
      const bench = mountBench(() => bundleOf({ own: "x", other: "y", extracted: "z" }));
      const { files } = await bench.mount.mount(callOf(parameters, { permission }), neverAborted);
      return ["own", "other", "extracted"].map((path) => files.find((file) => file.path === path)!.mode);
    };
    const parameters = { secretStoreRef: store, data };
    assert.deepEqual(await modes(parameters, "420"), [0o400, 0o644, 0o644]);
    assert.deepEqual(await modes(parameters, "288"), [0o400, 0o440, 0o440]);
    assert.deepEqual(await modes({ ...parameters, filePermission: "0600" }, "420"), [0o400, 0o600, 0o600]);
  });

  test("of a class that was seen before is understood as it was then, whoever mounts; another class is not", async () => {
    const bench = mountBench(() => bundleOf({ "db/password": "x" }));
    const other = { ...oneEntry, refreshInterval: "5s" };
    await bench.clock.advance(100_000);
    for (const parameters of [oneEntry, other, oneEntry])
      await bench.mount.mount(callOf(parameters, { permission: "256" }), neverAborted);
    const [first, second, third] = bench.reads;
    assert.equal(first!.request, third!.request);
    assert.notEqual(first!.request, second!.request);
    assert.deepEqual(
      bench.reads.map(({ terms }) => terms.acceptBegunFromMs),
      [70_000, 95_000, 70_000],
    );
  });

  test("of a broken class fails each time", async () => {
    const bench = mountBench(() => bundleOf({}));
    for (let time = 0; time < 2; time++) {
      const { code } = await failureOf(bench.mount.mount(callOf({ ...oneEntry, dta: "" }), neverAborted));
      assert.equal(code, "manifest_invalid");
    }
    assert.equal(bench.reads.length, 0);
  });

  test("of a template reads what it is made of, and its files have names of their own", async () => {
    const { values, ...rest } = bundleOf({ user: ["app", "7"] });
    const made = { value: SecretValue.fromText("app@db"), field: "parameters.template.data[db/url]" };
    const bench = mountBench(() => ({ ...rest, values: new Map([...values, ["db/url", made]]) }));
    const parameters = {
      secretStoreRef: store,
      data: "[{secretKey: ../user, remoteRef: {key: k}}]",
      template: 'data: {db/url: "{{ .user }}@db"}',
    };
    const { files, objectVersions } = await bench.mount.mount(callOf(parameters), neverAborted);
    assert.deepEqual(
      files.map(({ path }) => path),
      ["db/url", "user"],
    );
    const { request } = bench.reads[0]!;
    assert.deepEqual(
      [request.template?.field, request.template?.template.data],
      ["parameters.template", { "db/url": "{{ .user }}@db" }],
    );
    // The stores' versions say nothing of an edited template.
    assert.equal(objectVersions[1]!.version, "7");
    assert.match(objectVersions[0]!.version, /^[^7].{10}/);
  });

  test("of a template is refused before any read for a key that cannot be a file", async () => {
    const bench = mountBench(() => bundleOf({}));
    const template = 'data: {../up: "", ok: ""}';
    const failure = await failureOf(bench.mount.mount(callOf({ ...oneEntry, template }), neverAborted));
    assert.match(failure.message, /^parameters\.template\.data\["\.\.\/up"\]: cannot be a file: it /);
    const merged = { ...oneEntry, data: "[{secretKey: ../user, remoteRef: {key: k}}]", template: "mergePolicy: Merge" };
    assert.match((await failureOf(bench.mount.mount(callOf(merged), neverAborted))).message, /data\[0\]\.secretKey/);
    assert.equal(bench.reads.length, 0);
  });

  test("lists files and versions in one order, whatever order the store has", async () => {
    const answers = [bundleOf({ b: "1", a: "2", é: "3" }), bundleOf({ é: "3", a: "2", b: "1" })];
    const outcomes = await Promise.all(
      answers.map(async (bundle) => mountBench(() => bundle).mount.mount(callOf(oneEntry), neverAborted)),
    );
    for (const { files, objectVersions } of outcomes) {
      assert.deepEqual(files.map((file) => file.path), ["a", "b", "é"]); // prettier-ignore
      assert.deepEqual(objectVersions.map((object) => object.id), ["a", "b", "é"]); // prettier-ignore
    }
    assert.deepEqual(outcomes[0]!.objectVersions, outcomes[1]!.objectVersions);
  });

  test("whose optional entries are all missing still has an object version", async () => {
    const answer = await mountBench(() => bundleOf({})).mount.mount(callOf(oneEntry), neverAborted);
    assert.deepEqual(answer, { files: [], objectVersions: [{ id: "keyferry", version: "empty" }] });
  });

  test("is counted with its time", async () => {
    const bench = mountBench(async () => {
      await bench.clock.advance(1_500);
      return bundleOf({ "db/password": "x" });
    });
    await bench.mount.mount(callOf(oneEntry), neverAborted);
    assert.deepEqual(bench.counted, [["success", "", 1.5]]);
  });

  test("that serves last-good says so in the log", async () => {
    const stale = { sinceMs: 0, code: "store_sealed", message: "vault is sealed" } as const;
    const bench = mountBench(() => ({ ...bundleOf({ "db/password": "x" }), stale }));
    await bench.mount.mount(callOf(oneEntry), neverAborted);
    assert.ok(
      bench.lines.some((line) => line.level === "warn" && line.code === "store_sealed" && line.pod === "web-0"),
    );
  });
});

suite("a mount of an ExternalSecret", () => {
  const asked = { externalSecret: "db" };

  test("reads what the object names, from the namespace of the pod", async () => {
    const bench = mountBench(() => bundleOf({ password: "x" }), {
      externalSecrets: { "shop/db": externalSecret(["password", "user"], { "keyferry.dev/optional-keys": "user" }) },
    });
    await bench.mount.mount(callOf(asked), neverAborted);
    assert.deepEqual(bench.lookups, ["shop/db"]);
    assert.deepEqual(
      bench.reads[0]!.request.entries.map(({ field, optional }) => [field, optional]),
      [
        ["spec.data[0]", false],
        ["spec.data[1]", true],
      ],
    );
  });

  test("uses its template", async () => {
    const parsed = externalSecret(["user"]);
    const template = {
      engine: "go",
      mergePolicy: "Replace",
      labels: {},
      annotations: {},
      finalizers: [],
      templateFrom: [],
    } as const;
    if (!parsed.ok) return;
    const { target, ...spec } = parsed.value.spec;
    const data = { url: "{{ .user }}" };
    const value = { ...parsed.value, spec: { ...spec, target: { ...target, template: { ...template, data } } } };
    const externalSecrets = { "shop/db": { ok: true, value } } as const;
    const bench = mountBench(() => bundleOf({ url: "x" }), { externalSecrets });
    await bench.mount.mount(callOf({ externalSecret: "db" }), neverAborted);
    const { request } = bench.reads[0]!;
    assert.deepEqual([request.template?.field, request.template?.template.data], ["spec.target.template", data]);
  });

  test("looks the object up each time: it may have changed", async () => {
    const externalSecrets = { "shop/db": externalSecret(["db/password"]) };
    const bench = mountBench(() => bundleOf({ "db/password": "x" }), { externalSecrets });
    for (let time = 0; time < 2; time++) await bench.mount.mount(callOf({ externalSecret: "db" }), neverAborted);
    assert.deepEqual(bench.lookups, ["shop/db", "shop/db"]);
  });

  test("that is in another namespace is not found, and the way out is named", async () => {
    const bench = mountBench(() => bundleOf({}), { externalSecrets: { "bank/db": externalSecret(["password"]) } });
    const failure = await failureOf(bench.mount.mount(callOf(asked), neverAborted));
    assert.equal(failure.code, "ref_invalid");
    assert.match(failure.message, /parameters\.externalSecret: .*shop\/db; it must be in the namespace of the pod/);
    assert.equal(bench.reads.length, 0);
  });

  test("that is broken is refused with its fields", async () => {
    const broken: Parsed<ExternalSecret> = { ok: false, problems: [{ path: "spec.data[0]", problem: "is not so" }] };
    const bench = mountBench(() => bundleOf({}), { externalSecrets: { "shop/db": broken } });
    const failure = await failureOf(bench.mount.mount(callOf(asked), neverAborted));
    assert.equal(failure.code, "manifest_invalid");
    assert.equal(failure.message, "ExternalSecret shop/db: spec.data[0]: is not so");
  });

  test("whose key cannot be a file name is refused before any read", async () => {
    const bench = mountBench(() => bundleOf({}), { externalSecrets: { "shop/db": externalSecret(["ok", "..data"]) } });
    const failure = await failureOf(bench.mount.mount(callOf(asked), neverAborted));
    assert.match(failure.message, /^ExternalSecret shop\/db: spec\.data\[1\]\.secretKey: cannot be a file/);
    assert.equal(bench.reads.length, 0);
  });
});

suite("a mount is refused before any read", () => {
  const cases: readonly { name: string; parameters: Record<string, string>; code?: FailureCode; message: RegExp }[] = [
    { name: "without parameters", parameters: {}, message: /^parameters: names nothing to mount/ },
    {
      name: "with an unknown parameter",
      parameters: { ...oneEntry, filePermision: "0400" },
      message: /parameters\.filePermision: .*filePermission/,
    },
    {
      name: "with a way out of the volume",
      parameters: { ...oneEntry, data: "[{secretKey: ../../etc/passwd, remoteRef: {key: a}}]" },
      message: /^parameters\.data\[0\]\.secretKey: cannot be a file: it has a `\.\.` component/,
    },
    {
      name: "with several bad names, all of which are named",
      parameters: {
        ...oneEntry,
        data: "[{secretKey: /a, remoteRef: {key: a}}, {secretKey: b, remoteRef: {key: a}}, {secretKey: c/, remoteRef: {key: a}}]",
      },
      message: /data\[0\]\.secretKey: .*absolute.*; parameters\.data\[2\]\.secretKey: .*shortest form/,
    },
    {
      name: "with a file where another needs a folder",
      parameters: {
        ...oneEntry,
        data: "[{secretKey: a/b, remoteRef: {key: a}}, {secretKey: a, remoteRef: {key: a}}]",
      },
      message: /data\[1\]\.secretKey: cannot be a file: it is a file and also the folder/,
    },
    {
      name: "with one name twice",
      parameters: {
        ...oneEntry,
        data: "[{secretKey: a, remoteRef: {key: a}}, {secretKey: a, remoteRef: {key: b}}]",
      },
      message: /data\[1\]\.secretKey/,
    },
  ];
  for (const { name, parameters, message } of cases)
    test(name, async () => {
      const bench = mountBench(() => bundleOf({}));
      const failure = await failureOf(bench.mount.mount(callOf(parameters), neverAborted));
      assert.equal(failure.code, "manifest_invalid");
      assert.match(failure.message, message);
      assert.equal(bench.reads.length, 0);
      assert.deepEqual(bench.counted, [["error", "manifest_invalid", 0]]);
      assert.ok(bench.lines.some((line) => line.code === "manifest_invalid" && line.message === failure.message));
    });
});

suite("an answer that cannot be a volume", () => {
  const names: readonly { name: string; values: Record<string, string>; message: RegExp }[] = [
    {
      name: "a key that leads out",
      values: { ok: "x", "../evil": "x" },
      message: /dataFrom\[1\]: "\.\.\/evil" cannot/,
    },
    { name: "a key of the volume's own", values: { "..data": "x" }, message: /dataFrom\[0\]: "\.\.data" cannot/ },
    { name: "an empty key", values: { "": "x" }, message: /"" cannot be a file: it is empty/ },
    { name: "a key with an escape sequence", values: { "a\u001b[2J": "x" }, message: /"a\\u001b\[2J" cannot/ },
    { name: "half a character", values: { "a\ud800": "x" }, message: /not valid Unicode/ },
    { name: "a file and its folder", values: { a: "x", "a/b": "x" }, message: /"a\/b" cannot be a file: it lies in/ },
    { name: "a long key, which is cut", values: { ["x".repeat(300)]: "x" }, message: /"x{77}…" cannot/ },
  ];
  for (const { name, values, message } of names)
    test(`${name} is refused as a whole`, async () => {
      const bench = mountBench(() => bundleOf(values));
      const failure = await failureOf(bench.mount.mount(callOf(oneEntry), neverAborted));
      assert.equal(failure.code, "answer_invalid");
      assert.match(failure.message, message);
    });

  test("more than 4 MiB is refused; 1 MiB is warned about", async () => {
    const sized = (bytes: number) => mountBench(() => bundleOf({ big: "x".repeat(bytes) }));
    const small = sized(1_000_000);
    await small.mount.mount(callOf(oneEntry), neverAborted);
    assert.ok(!small.lines.some((line) => line.level === "warn"));
    const large = sized(2 << 20);
    await large.mount.mount(callOf(oneEntry), neverAborted);
    assert.ok(large.lines.some((line) => line.level === "warn" && line.bytes! > 2 << 20));
    const failure = await failureOf(sized(4 << 20).mount.mount(callOf(oneEntry), neverAborted));
    assert.equal(failure.code, "answer_too_large");
    assert.match(failure.message, /take 4194\d{3} bytes and a driver accepts 4194304; mount fewer/);
  });
});

suite("who mounts", () => {
  const pod = { name: facts["csi.storage.k8s.io/pod.name"], uid: facts["csi.storage.k8s.io/pod.uid"] };
  const account = { namespace: "shop", serviceAccountName: "checkout", serviceAccountUid: "sa-uid", pod };
  const tokensKey = "csi.storage.k8s.io/serviceAccount.tokens";
  const tokensOf = (token: string): string =>
    JSON.stringify({ vault: { token, expirationTimestamp: "2099-01-01T00:00:00Z" } });
  // The issuer signs with the real time.
  const now = (): FakeClock => new FakeClock(Date.now());

  test("is proven by a token that a key of the cluster signed", async () => {
    const issuer = await createTokenIssuer();
    const bench = mountBench(() => bundleOf({ a: "x" }), { tokenKeys: loadTokenKeys(issuer.jwks), clock: now() });
    const token = await issuer.sign(account);
    await bench.mount.mount(callOf({ ...oneEntry, [tokensKey]: tokensOf(token) }), neverAborted);
    const { caller } = bench.reads[0]!.terms;
    assert.ok(caller.kind === "Pod" && caller.proven);
    assert.equal(caller.tokens[0]!.token.reveal().toString(), token);
    assert.equal(caller.tokens[0]!.serviceAccountUid, "sa-uid");
  });

  test("is proven by tokens in secrets, whatever the attribute claims", async () => {
    const issuer = await createTokenIssuer();
    const bench = mountBench(() => bundleOf({ a: "x" }), { tokenKeys: loadTokenKeys(issuer.jwks), clock: now() });
    const secrets = JSON.stringify({ [tokensKey]: tokensOf(await issuer.sign(account)) });
    await bench.mount.mount(callOf({ ...oneEntry, [tokensKey]: tokensOf("planted") }, { secrets }), neverAborted);
    assert.ok((bench.reads[0]!.terms.caller as { proven: boolean }).proven);
  });

  test("may not be forged: a planted token ends the mount before anything is looked up", async () => {
    const [issuer, forger] = [await createTokenIssuer(), await createTokenIssuer()];
    const bench = mountBench(() => bundleOf({ a: "x" }), { tokenKeys: loadTokenKeys(issuer.jwks), clock: now() });
    const token = await forger.sign(account);
    const call = callOf({ externalSecret: "db", [tokensKey]: tokensOf(token) });
    const failure = await failureOf(bench.mount.mount(call, neverAborted));
    assert.equal(failure.code, "not_allowed");
    assert.ok(!inspect([failure, bench.lines], { depth: 9 }).includes(token));
    assert.deepEqual([bench.reads.length, bench.lookups.length], [0, 0]);
  });

  test("may not be another account's pod, also where tokens are not verified", async () => {
    const issuer = await createTokenIssuer();
    const bench = mountBench(() => bundleOf({ a: "x" }), { clock: now() });
    const token = await issuer.sign({ ...account, serviceAccountName: "admin" });
    const failure = await failureOf(
      bench.mount.mount(callOf({ ...oneEntry, [tokensKey]: tokensOf(token) }), neverAborted),
    );
    assert.equal(failure.code, "not_allowed");
  });
});

suite("a mount that fails", () => {
  test("fails with the read's own failure", async () => {
    const bench = mountBench(() => Promise.reject(new Failure("store_denied", "vault refused role payments")));
    const failure = await failureOf(bench.mount.mount(callOf(oneEntry), neverAborted));
    assert.equal(failure.code, "store_denied");
    assert.deepEqual(bench.counted, [["error", "store_denied", 0]]);
  });

  test("by an accident shows nothing of it", async () => {
    const bench = mountBench(() => Promise.reject(new TypeError("canary-31")));
    const failure = await failureOf(bench.mount.mount(callOf(oneEntry), neverAborted));
    assert.equal(failure.code, "internal");
    assert.ok(!failure.message.includes("canary-31") && !JSON.stringify(bench.lines).includes("canary-31"));
  });

  test("because the driver went away is counted apart", async () => {
    const gone = new AbortController();
    const bench = mountBench(
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
          gone.abort(new Failure("internal", "the driver gave up the call"));
        }),
    );
    await failureOf(bench.mount.mount(callOf(oneEntry), gone.signal));
    assert.deepEqual(bench.counted, [["error", "cancelled", 0]]);
  });
});
