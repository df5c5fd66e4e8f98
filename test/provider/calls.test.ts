import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, suite, test } from "node:test";
import { status, type ServiceError } from "@grpc/grpc-js";
import { Failure, failureHandling } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { MountCall } from "../../plugin/mount/attributes.ts";
import { mountAsDriver, openDriverClient, type DriverClient } from "../fakes/driver-client.ts";
import { answering, listenAt, oneFile, ProviderBench } from "./setup.ts";

const canary = "canary-77aa";

suite("calls over the provider socket", () => {
  let bench: ProviderBench;
  beforeEach(async () => {
    bench = await ProviderBench.create();
  });
  afterEach(() => bench.close());

  const client = (path: string, options = {}): DriverClient => {
    const opened = openDriverClient(path, options);
    bench.later(() => opened.close());
    return opened;
  };
  const failureOf = async (mounting: Promise<unknown>): Promise<ServiceError> => {
    const outcome = await mounting.then(
      () => undefined,
      (thrown: unknown) => thrown as ServiceError,
    );
    assert.ok(outcome, "the mount fails");
    return outcome;
  };

  test("Version says the contract, who we are and our version", async () => {
    const { path } = await bench.start();
    assert.deepEqual(await client(path).version(), {
      version: "v1alpha1",
      runtime_name: "keyferry",
      runtime_version: "1.2.3",
    });
  });

  test("Mount brings paths, modes, bytes and versions", async () => {
    const contents = Buffer.from([0, 255, 10, 128]);
    const answer = {
      files: [
        { path: "db/password", mode: 0o400, contents: new SecretValue(contents) },
        { path: "empty", mode: 0, contents: SecretValue.fromText("") },
      ],
      objectVersions: [
        { id: "db/password", version: "7" },
        { id: "empty", version: "x" },
      ],
    };
    const { path } = await bench.start(answering(async () => answer));
    const mounted = await mountAsDriver(path, { parameters: {} });
    assert.deepEqual(mounted.files.get("db/password"), { mode: 0o400, contents });
    assert.deepEqual(mounted.files.get("empty"), { mode: 0, contents: Buffer.alloc(0) });
    assert.deepEqual(Object.fromEntries(mounted.versions), { "db/password": "7", empty: "x" });
  });

  test("the texts of the call reach the mount as they were sent", async () => {
    const calls: MountCall[] = [];
    const { path } = await bench.start(answering(async (call) => (calls.push(call), oneFile)));
    const raw = { attributes: "{not json", secrets: "null", permission: "0420" };
    await mountAsDriver(path, { parameters: {}, raw });
    assert.deepEqual(calls, [raw]);
  });

  for (const code of Object.keys(failureHandling) as FailureCode[])
    test(`${code} is answered with ${failureHandling[code].grpc}`, async () => {
      const { path } = await bench.start(
        answering(() => Promise.reject(new Failure(code, "which field; and the way out", { cause: canary }))),
      );
      const failure = await failureOf(mountAsDriver(path, { parameters: {} }));
      assert.equal(status[failure.code], failureHandling[code].grpc);
      assert.equal(failure.details, `[${code}] which field; and the way out`);
    });

  test("no failure code maps to a status that the driver retries or kubelet takes for still running", () => {
    const banned = ["UNAVAILABLE", "ABORTED", "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"];
    for (const code of Object.keys(failureHandling) as FailureCode[])
      assert.ok(!banned.includes(failureHandling[code].grpc), code);
  });

  const thrown: readonly (readonly [string, unknown])[] = [
    ["an Error", new Error(canary)],
    ["an Error with a gRPC code", Object.assign(new Error(canary), { code: status.UNAVAILABLE, details: canary })],
    ["a text", canary],
    ["undefined", undefined],
  ];
  for (const [what, value] of thrown)
    test(`${what} thrown by accident is INTERNAL and keeps its text to itself`, async () => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      const { path } = await bench.start(answering(() => Promise.reject(value)));
      const failure = await failureOf(mountAsDriver(path, { parameters: {} }));
      assert.equal(failure.code, status.INTERNAL);
      assert.match(failure.details, /^\[internal\] unexpected/);
      assert.ok(!failure.details.includes(canary));
    });

  for (const [what, message] of [
    ["a long message", "x".repeat(5_000)],
    ["a long message of wide characters", "é€😀".repeat(1_000)],
  ] as const)
    test(`${what} is cut to 1 KiB at a whole character`, async () => {
      const { path } = await bench.start(answering(() => Promise.reject(new Failure("store_error", message))));
      const { details } = await failureOf(mountAsDriver(path, { parameters: {} }));
      assert.ok(Buffer.byteLength(details) <= 1024 && Buffer.byteLength(details) > 1015);
      assert.ok(`[store_error] ${message}`.startsWith(details.slice(0, -1)) && details.endsWith("…"));
    });

  test("a message with half a character or a line break is answered too", async () => {
    const { path } = await bench.start(
      answering(() => Promise.reject(new Failure("ref_invalid", "key \ud800\nand\u0000more"))),
    );
    const { details, code } = await failureOf(mountAsDriver(path, { parameters: {} }));
    assert.equal(code, status.INVALID_ARGUMENT);
    assert.equal(details, "[ref_invalid] key \ufffd\nand\u0000more");
  });

  test("a call that was answered aborts nothing", async () => {
    const signals: AbortSignal[] = [];
    const { path } = await bench.start(
      answering((_call, signal) => {
        signals.push(signal);
        return Promise.resolve(oneFile);
      }),
    );
    const driver = client(path);
    for (let mounts = 0; mounts < 3; mounts++) await driver.mount({ parameters: {} });
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [false, false, false],
    );
  });

  test("a call that the driver gives up aborts the mount behind it", async () => {
    const begun = Promise.withResolvers<AbortSignal>();
    const { path } = await bench.start(
      answering(async (_call, signal) => {
        begun.resolve(signal);
        return new Promise<never>((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason as Error)),
        );
      }),
    );
    const stop = new AbortController();
    const mounting = failureOf(client(path).mount({ parameters: {}, signal: stop.signal }));
    const signal = await begun.promise;
    assert.equal(signal.aborted, false);
    stop.abort();
    assert.equal((await mounting).code, status.CANCELLED);
    await bench.when(() => signal.aborted);
  });

  test("a driver that dies aborts its mounts", async () => {
    const begun = Promise.withResolvers<AbortSignal>();
    const { path } = await bench.start(
      answering((_call, signal) => {
        begun.resolve(signal);
        return new Promise<never>(() => undefined);
      }),
    );
    const lines: Socket[] = [];
    const relay = await listenAt(bench.path("relay"), (line) => {
      const onward = connect(path);
      for (const end of [line, onward]) lines.push(end.on("error", () => undefined));
      line.pipe(onward).pipe(line);
    });
    bench.later(() => void relay.close());
    const stop = new AbortController();
    const mounting = failureOf(client(bench.path("relay")).mount({ parameters: {}, signal: stop.signal }));
    const signal = await begun.promise;
    for (const line of lines) line.destroy();
    await bench.when(() => signal.aborted);
    stop.abort();
    await mounting;
  });

  for (const authority of ["localhost", "anything", "a.b:1234", "%2Fvar%2Frun%2Fx.sock"])
    test(`the authority ${authority} is served`, async () => {
      const { path } = await bench.start();
      await client(path, { "grpc.default_authority": authority }).mount({ parameters: {} });
    });

  test("110 pods that mount at once each get their own answer", async () => {
    const { path } = await bench.start(
      answering(async (call) => {
        const { who } = JSON.parse(call.attributes) as { who: string };
        return {
          files: [{ path: "who", mode: 0o644, contents: SecretValue.fromText(who.padEnd(16_384, ".")) }],
          objectVersions: [{ id: "who", version: who }],
        };
      }),
    );
    const driver = client(path);
    const names = Array.from({ length: 110 }, (_, i) => `pod-${i}`);
    const mounts = await Promise.all(names.map((who) => driver.mount({ parameters: { who } })));
    for (const [i, { files, versions }] of mounts.entries()) {
      assert.equal(versions.get("who"), names[i]);
      assert.equal(files.get("who")!.contents.toString(), names[i]!.padEnd(16_384, "."));
    }
  });

  test("of 1,000 calls at once on one connection at most 128 run, and all are answered", async () => {
    let running = 0;
    let most = 0;
    const { path } = await bench.start(
      answering(async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return oneFile;
      }),
    );
    const driver = client(path);
    await Promise.all(Array.from({ length: 1_000 }, () => driver.mount({ parameters: {} })));
    assert.ok(most > 1 && most <= 128, `${most} ran at once`);
  });
});
