/** A whole mount behind the socket, and everything on the socket but well-meant calls. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, suite, test } from "node:test";
import { Client, credentials, status, type ServiceError } from "@grpc/grpc-js";
import fc from "fast-check";
import { providerService, type MountResponse } from "../../proto/provider.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import { encodedBytes } from "../../plugin/mount/answer.ts";
import { mountAsDriver } from "../fakes/driver-client.ts";
import { bundleOf, callOf, mountBench, type MountBench } from "../mount/setup.ts";
import { ProviderBench } from "./setup.ts";

const canary = "canary-c0ffee";
const parameters = { secretStoreRef: "{name: vault}", data: "[{secretKey: a, remoteRef: {key: k}}]" };

suite("hostile input at the provider socket", () => {
  let bench: ProviderBench;
  let mount: MountBench;
  let path: string;
  let client: Client;
  before(async () => {
    bench = await ProviderBench.create();
    mount = mountBench(() => bundleOf({ a: ["value", "7"] }));
    ({ path } = await bench.start(mount.mount));
    client = new Client(`unix:${path}`, credentials.createInsecure());
    bench.later(() => client.close());
  });
  after(() => bench.close());

  const stillServes = async (): Promise<void> => {
    assert.equal((await mountAsDriver(path, { parameters })).versions.get("a"), "7");
  };
  const send = (bytes: Buffer): Promise<{ error?: ServiceError; answer?: MountResponse }> =>
    new Promise((resolve) => {
      const { Mount } = providerService;
      client.makeUnaryRequest(
        Mount.path,
        (raw: Buffer) => raw,
        Mount.responseDeserialize,
        bytes,
        (error, answer) => resolve(error ? { error } : { answer: answer! }),
      );
    });
  const open = async (): Promise<Socket> => {
    const line = connect(path).on("error", () => undefined).resume(); // prettier-ignore
    await once(line, "connect");
    return line;
  };
  /** Writes, then waits until the other side hangs up or all is written and taken. */
  const pour = async (...chunks: Buffer[]): Promise<void> => {
    const line = await open();
    for (const chunk of chunks) line.write(chunk);
    await new Promise<void>((resolve) => {
      line.once("close", () => resolve());
      line.end(() => setImmediate(() => resolve()));
    });
    line.destroy();
  };

  test("bytes that are no HTTP/2 end nothing but their connection", async () => {
    const anything = fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => pour(bytes)),
      { numRuns: 60 },
    );
    await pour(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    await stillServes();
  });

  test("frames that make no sense end nothing but their connection", async () => {
    const frame = fc
      .record({
        type: fc.nat(12),
        flags: fc.nat(255),
        stream: fc.constantFrom(0, 1, 2, 3, 5, 0x7fffffff),
        payload: fc.uint8Array({ maxLength: 100 }),
      })
      .map(({ type, flags, stream, payload }) => http2Frame(type, flags, stream, Buffer.from(payload)));
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 12 }), async (frames) => pour(preface, settings, ...frames)),
      { numRuns: 60 },
    );
    await stillServes();
  });

  test("messages that are no protobuf, or say nonsense in it, get a Failure or a plain gRPC error", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc.constantFrom("", "null", "{}", callOf(parameters).attributes),
    );
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(text, text, text, text).map(([attributes, secrets, target_path, permission]) =>
        providerService.Mount.requestSerialize({
          attributes,
          secrets,
          target_path,
          permission,
          current_object_version: [],
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(message, async (bytes) => {
        const { error } = await send(bytes);
        if (!error) return;
        assert.ok([status.INVALID_ARGUMENT, status.INTERNAL].includes(error.code), `${status[error.code]}`);
      }),
      { numRuns: 150 },
    );
    await stillServes();
  });

  test("a message larger than any driver sends is refused", async () => {
    const { error } = await send(Buffer.alloc(17 << 20));
    assert.equal(error?.code, status.RESOURCE_EXHAUSTED);
    await stillServes();
  });

  test("a message that claims 4 GiB is refused, unread", async () => {
    const claim = Buffer.from("00ffffffff00", "hex");
    await pour(preface, settings, callHeaders(1), http2Frame(0, 0x1, 1, claim));
    await stillServes();
  });

  test("10,000 calls begun at once and never finished do not stop others", async () => {
    const line = await open();
    line.write(Buffer.concat([preface, settings]));
    for (let i = 0; i < 10_000; i += 100)
      line.write(Buffer.concat(Array.from({ length: 100 }, (_, j) => callHeaders(2 * (i + j) + 1))));
    await stillServes();
    line.destroy();
  });

  test("clients that connect and say little do not stop others", async () => {
    const lines = await Promise.all(Array.from({ length: 200 }, open));
    for (const [i, line] of lines.entries()) line.write(preface.subarray(0, i % (preface.length + 1)));
    await stillServes();
    for (const line of lines) line.destroy();
  });

  test("nothing of tokens, secrets or attributes comes back, and nothing is logged", async () => {
    const tokens = JSON.stringify({ vault: { token: canary } });
    const tokensKey = "csi.storage.k8s.io/serviceAccount.tokens";
    const raws = [
      { attributes: `{"${canary}` },
      { attributes: `{"${canary}": {"${canary}": 1}}` },
      { attributes: callOf({ ...parameters, [canary]: "x" }).attributes.replace("web-0", `${canary} x`) },
      { attributes: callOf({ ...parameters, [tokensKey]: canary }).attributes },
      { attributes: callOf({ ...parameters, [tokensKey]: `${tokens}${canary}` }).attributes },
      { attributes: callOf({ secretStoreRef: canary, data: `[{secretKey: "${canary}` }).attributes },
      { attributes: callOf({ ...parameters, refreshInterval: canary, filePermission: canary }).attributes },
      { secrets: `["${canary}"]` },
      { secrets: `{"a":"${canary}",}` },
      { secrets: `{"${tokensKey}":"${canary}"}` },
      { permission: canary },
      { permission: `"${canary}"` },
    ];
    for (const raw of raws) {
      const outcome: unknown = await mountAsDriver(path, { parameters, raw }).catch((thrown: unknown) => thrown);
      const { details, code } = outcome as ServiceError;
      assert.ok([status.INVALID_ARGUMENT, status.PERMISSION_DENIED].includes(code), JSON.stringify(raw));
      assert.ok(!details.includes(canary), details);
    }
    assert.ok(!JSON.stringify([mount.lines, bench.lines]).includes(canary));
    assert.ok(mount.lines.filter((line) => line.sentence === "mount failed").length >= raws.length);
  });
});

suite("the size of an answer", () => {
  test("is what the codec makes of it", () => {
    const file = fc.record({
      path: fc.string({ unit: "binary", maxLength: 300 }).map((path) => path.toWellFormed()),
      mode: fc.nat(0o777),
      contents: fc.nat(40_000).map((bytes) => new SecretValue(Buffer.alloc(bytes))),
      version: fc.string({ maxLength: 200 }),
    });
    fc.assert(
      fc.property(fc.array(file, { maxLength: 5 }), (files) => {
        const objectVersions = files.map(({ path, version }) => ({ id: path, version }));
        const encoded = providerService.Mount.responseSerialize({
          object_version: objectVersions,
          files: files.map(({ path, mode, contents }) => ({ path, mode, contents: contents.reveal() })),
        });
        assert.equal(encodedBytes({ files, objectVersions }), encoded.length);
      }),
    );
  });
});

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const settings = http2Frame(4, 0, 0, Buffer.alloc(0));

function http2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HEADERS of a Mount call: literal fields, nothing indexed, the stream left open. */
function callHeaders(stream: number): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const field = (name: string, value: string): Buffer => Buffer.concat([Buffer.from([0]), text(name), text(value)]);
  const block = Buffer.concat([
    field(":method", "POST"),
    field(":scheme", "http"),
    field(":path", providerService.Mount.path),
    field(":authority", "localhost"),
    field("content-type", "application/grpc"),
    field("te", "trailers"),
  ]);
  return http2Frame(1, 0x4, stream, block);
}
