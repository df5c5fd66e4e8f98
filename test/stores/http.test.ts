import assert from "node:assert/strict";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { suite, test } from "node:test";
import { Failure } from "../../plugin/core/failure.ts";
import type { FailureCode } from "../../plugin/core/failure.ts";
import { createAddressCheck, isCidr } from "../../plugin/stores/http-address.ts";
import { readBody } from "../../plugin/stores/http-body.ts";
import { sendFailure } from "../../plugin/stores/http-failure.ts";
import { retryAfterMs } from "../../plugin/stores/http-retry-after.ts";
import { FakeClock } from "../fakes/clock.ts";

suite("addresses that a store may have", () => {
  const strict = createAddressCheck({ allowLoopback: false, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
  const cases: readonly [address: string, rule: string | undefined][] = [
    ["10.1.2.3", undefined],
    ["192.168.0.1", undefined],
    ["93.184.216.34", undefined],
    ["2001:db8::1", undefined],
    ["fd12:3456::1", undefined],
    ["100.64.0.1", undefined],
    ["169.254.169.254", "a link-local address"],
    ["169.254.170.2", "a link-local address"],
    ["fe80::1", "a link-local address"],
    ["fe80::1%eth0", "a link-local address"],
    ["febf::1", "a link-local address"],
    ["::ffff:169.254.169.254", "a link-local address"],
    ["::ffff:a9fe:a9fe", "a link-local address"],
    ["0:0:0:0:0:ffff:a9fe:a9fe", "a link-local address"],
    ["64:ff9b::a9fe:a9fe", "a link-local address"],
    ["fd00:ec2::254", "a metadata address"],
    ["fd00:ec2::23", "a metadata address"],
    ["fd20:ce::254", "a metadata address"],
    ["100.100.100.200", "a metadata address"],
    ["168.63.129.16", "a metadata address"],
    ["192.0.0.192", "a metadata address"],
    ["127.0.0.1", "a loopback address"],
    ["127.8.8.8", "a loopback address"],
    ["0.0.0.0", "a loopback address"],
    ["::1", "a loopback address"],
    ["::", "a loopback address"],
    ["::ffff:127.0.0.1", "a loopback address"],
  ];
  for (const [address, rule] of cases)
    test(`${address} is ${rule ? `refused as ${rule}` : "allowed"}`, () => assert.equal(strict(address, false), rule));

  test("loopback is allowed on request, link-local is not", () => {
    const check = createAddressCheck({ allowLoopback: true, allowPlainHttp: true, apiServer: [], exemptCidrs: [] });
    assert.equal(check("127.0.0.1", false), undefined);
    assert.equal(check("::1", false), undefined);
    assert.equal(check("169.254.169.254", false), "a link-local address");
  });
  test("an exempt range is allowed whatever the rules say", () => {
    const check = createAddressCheck({
      allowLoopback: false,
      allowPlainHttp: true,
      apiServer: [],
      exemptCidrs: ["169.254.20.0/24", "fe80::/16", "::1"],
    });
    assert.equal(check("169.254.20.10", false), undefined);
    assert.equal(check("::ffff:169.254.20.10", false), undefined);
    assert.equal(check("fe80::7", false), undefined);
    assert.equal(check("::1", false), undefined);
    assert.equal(check("169.254.21.10", false), "a link-local address");
    assert.equal(check("127.0.0.1", false), "a loopback address");
  });
  test("the API server's own address is refused, in every spelling", () => {
    const rules = { allowLoopback: false, allowPlainHttp: true, apiServer: ["10.96.0.1"], exemptCidrs: [] };
    const check = createAddressCheck(rules);
    assert.equal(check("10.96.0.1", false), "the address of the API server");
    assert.equal(check("::ffff:10.96.0.1", false), "the address of the API server");
    assert.equal(check("10.96.0.2", false), undefined);
    assert.equal(createAddressCheck({ ...rules, exemptCidrs: ["10.96.0.0/16"] })("10.96.0.1", false), undefined);
  });
  test("plain http reaches exempt addresses alone where it is not allowed", () => {
    const rules = { allowLoopback: false, allowPlainHttp: false, apiServer: [], exemptCidrs: ["10.0.0.5/32"] };
    const check = createAddressCheck(rules);
    assert.equal(check("10.0.0.5", true), undefined);
    assert.equal(check("10.0.0.6", true), "reached without TLS (http://)");
    assert.equal(check("10.0.0.6", false), undefined);
    assert.equal(check("169.254.169.254", true), "a link-local address");
  });
  for (const text of ["10.0.0.0/8", "10.0.0.1", "fd00::/8", "::1"])
    test(`${text} is a CIDR`, () => assert.ok(isCidr(text)));
  for (const text of ["", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/8/8", "10.0.0.0/", "example.com"])
    test(`"${text}" is no CIDR`, () => assert.ok(!isCidr(text)));
  test("a range that cannot be read is refused, not ignored", () =>
    assert.throws(
      () =>
        createAddressCheck({ allowLoopback: false, allowPlainHttp: true, apiServer: [], exemptCidrs: ["10.0.0.0/33"] }),
      RangeError,
    ));
});

suite("bodies", () => {
  const text = "the secret, the whole secret";
  async function* chunks(...parts: readonly Buffer[]) {
    yield* parts;
  }
  const encodings: readonly [name: string, encoding: string, wire: Buffer][] = [
    ["no encoding", "", Buffer.from(text)],
    ["identity", "identity", Buffer.from(text)],
    ["gzip", "gzip", gzipSync(text)],
    ["gzip in capitals", " GZIP", gzipSync(text)],
    ["deflate", "deflate", deflateSync(text)],
    ["deflate without the zlib header", "deflate", deflateRawSync(text)],
    ["br", "br", brotliCompressSync(text)],
  ];
  for (const [name, encoding, wire] of encodings)
    test(`${name} is read in whole`, async () => {
      const halves = [wire.subarray(0, 5), wire.subarray(5)];
      const body = await readBody(chunks(...halves), { "content-encoding": encoding }, 100);
      assert.equal(body.reveal().toString(), text);
    });
  test("an empty body has no encoding to break", async () => {
    assert.equal((await readBody(chunks(), { "content-encoding": "gzip" })).byteLength, 0);
  });
  test("a body of exactly the limit passes, one byte more does not", async () => {
    assert.equal((await readBody(chunks(Buffer.alloc(10)), {}, 10)).byteLength, 10);
    await fails(readBody(chunks(Buffer.alloc(10), Buffer.alloc(1)), {}, 10), "answer_too_large");
  });
  test("the limit counts after inflation too", async () => {
    const wire = gzipSync(Buffer.alloc(11));
    await fails(
      readBody(chunks(gzipSync(Buffer.alloc(1_000_000))), { "content-encoding": "gzip" }, 2_000),
      "answer_too_large",
    );
    assert.equal((await readBody(chunks(wire), { "content-encoding": "gzip" }, 1_000)).byteLength, 11);
  });
  test("nothing is read of a body that announces too much", async () => {
    let taken = 0;
    const source = (async function* () {
      taken++;
      yield Buffer.alloc(1);
    })();
    await fails(readBody(source, { "content-length": "11" }, 10), "answer_too_large");
    assert.equal(taken, 0);
  });
  test("the source of an endless body is ended", async () => {
    let ended = false;
    const source = (async function* () {
      try {
        for (;;) yield Buffer.alloc(4);
      } finally {
        ended = true;
      }
    })();
    await fails(readBody(source, {}, 10), "answer_too_large");
    assert.ok(ended);
  });
  for (const encoding of ["zstd", "gzip, gzip", "canary"])
    test(`content encoding ${encoding} is answer_invalid`, async () => {
      const failure = await fails(readBody(chunks(gzipSync(text)), { "content-encoding": encoding }), "answer_invalid");
      assert.ok(!failure.message.includes(encoding));
    });
});

suite("Retry-After", () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1, 12));
  const cases: readonly [header: string | undefined, waitMs: number | undefined][] = [
    [undefined, undefined],
    ["", undefined],
    ["0", 0],
    ["3", 3_000],
    [" 3 ", 3_000],
    ["3600", 3_600_000],
    ["86400", 3_600_000],
    ["99999999999999999999999", 3_600_000],
    ["-1", undefined],
    ["1.5", undefined],
    ["soon", undefined],
    ["Thu, 01 Jan 2026 12:00:30 GMT", 30_000],
    ["Thu, 01 Jan 2026 11:00:00 GMT", 0],
    ["Fri, 02 Jan 2026 12:00:00 GMT", 3_600_000],
    ["Thu, 99 Jan 2026 12:00:30 GMT", undefined],
  ];
  for (const [header, waitMs] of cases)
    test(`${header ?? "absent"} is ${waitMs ?? "nothing"}`, () =>
      assert.equal(retryAfterMs(header === undefined ? {} : { "retry-after": header }, clock), waitMs));
});

suite("faults below HTTP", () => {
  const withCode = (code: string): Error => Object.assign(new Error(`canary ${code}`), { code });
  const cases: readonly [thrown: unknown, code: FailureCode, words: RegExp][] = [
    [withCode("ECONNREFUSED"), "store_unreachable", /^vault:8200: no connection \(ECONNREFUSED\)$/],
    [withCode("ECONNRESET"), "store_unreachable", /ECONNRESET/],
    [withCode("ENOTFOUND"), "store_unreachable", /cannot be resolved.*ENOTFOUND/],
    [withCode("EAI_AGAIN"), "store_unreachable", /cannot be resolved.*EAI_AGAIN/],
    [withCode("CERT_HAS_EXPIRED"), "store_unreachable", /expired/],
    [withCode("CERT_NOT_YET_VALID"), "store_unreachable", /not valid yet/],
    [withCode("ERR_TLS_CERT_ALTNAME_INVALID"), "store_unreachable", /another name/],
    [withCode("SELF_SIGNED_CERT_IN_CHAIN"), "store_unreachable", /caBundle/],
    [withCode("ERR_SSL_WRONG_VERSION_NUMBER"), "store_unreachable", /handshake/],
    [withCode("EPROTO"), "store_unreachable", /handshake/],
    [withCode("UND_ERR_CONNECT_TIMEOUT"), "store_timeout", /connection/],
    [withCode("UND_ERR_HEADERS_TIMEOUT"), "store_timeout", /answer/],
    [withCode("UND_ERR_BODY_TIMEOUT"), "store_timeout", /half-way/],
    [withCode("UND_ERR_SOCKET"), "store_unreachable", /closed/],
    [withCode("UND_ERR_INVALID_ARG"), "store_invalid", /header/],
    [withCode("UND_ERR_HEADERS_OVERFLOW"), "answer_too_large", /headers/],
    [Object.assign(new Error("canary"), { name: "HTTPParserError" }), "answer_invalid", /not HTTP/],
    [new AggregateError([withCode("ECONNREFUSED"), withCode("ETIMEDOUT")]), "store_unreachable", /ECONNREFUSED/],
    [withCode("canary in the code"), "store_unreachable", /no connection$/],
    [new Error("canary"), "store_unreachable", /no connection$/],
    ["canary", "store_unreachable", /no connection$/],
    [undefined, "store_unreachable", /no connection$/],
  ];
  for (const [thrown, code, words] of cases)
    test(`${String(words)} is ${code}, in words of our own`, () => {
      const failure = sendFailure(thrown, "vault:8200");
      assert.equal(failure.code, code);
      assert.match(failure.message, words);
      assert.doesNotMatch(`${failure.message} ${failure.stack}`, /canary/);
      assert.equal(failure.cause, undefined);
    });
  test("a Failure from below passes unchanged", () => {
    const failure = new Failure("answer_too_large", "too large");
    assert.equal(sendFailure(failure, "vault:8200"), failure);
  });
});

async function fails(attempt: Promise<unknown>, code: FailureCode): Promise<Failure> {
  const thrown: unknown = await attempt.then(
    () => assert.fail("resolved"),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof Failure);
  assert.equal(thrown.code, code);
  return thrown;
}
