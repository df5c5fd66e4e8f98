/**
 * The body of an answer, whole or not at all: capped on the wire and again when inflated, so that neither an endless
 * body nor a gzip bomb costs more memory than the cap.
 */
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw } from "node:zlib";
import { Failure } from "../core/failure.ts";
import { SecretValue } from "../core/secret-value.ts";

/** Largest answer a store may give, bytes; it counts on the wire and after inflation. */
export const answerLimitBytes = 4 * 1024 * 1024;

/** What the request asks for and `readBody` understands. */
export const acceptedEncodings = "gzip, deflate, br";

/**
 * Collects and inflates. Throwing leaves the loop over `chunks`, which ends its source; a chunk that crosses the cap is
 * the last one taken. Rejects with Failure `answer_too_large` or `answer_invalid`, or what `chunks` rejects with.
 */
export async function readBody(
  chunks: AsyncIterable<Uint8Array>,
  headers: Readonly<Record<string, string>>,
  limitBytes: number = answerLimitBytes,
): Promise<SecretValue> {
  if (Number(headers["content-length"]) > limitBytes) throw tooLarge(limitBytes);
  const parts: Uint8Array[] = [];
  let wireBytes = 0;
  for await (const chunk of chunks) {
    wireBytes += chunk.length;
    if (wireBytes > limitBytes) throw tooLarge(limitBytes);
    parts.push(chunk);
  }
  return new SecretValue(
    await inflated(Buffer.concat(parts, wireBytes), headers["content-encoding"] ?? "", limitBytes),
  );
}

type Inflate = (wire: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const zlibInflate = promisify(inflate) as Inflate;
const rawInflate = promisify(inflateRaw) as Inflate;

/** "deflate" means zlib, but some servers send the bare stream. Zlib's first byte has 8 in its low half. */
const deflate: Inflate = (wire, options) => ((wire[0]! & 0x0f) === 8 ? zlibInflate : rawInflate)(wire, options);
const gzip = promisify(gunzip) as Inflate;
const brotli = promisify(brotliDecompress) as Inflate;

const encodings = new Map<string, Inflate>([
  ["gzip", gzip],
  ["x-gzip", gzip],
  ["deflate", deflate],
  ["br", brotli],
]);

async function inflated(wire: Buffer, encoding: string, limitBytes: number): Promise<Buffer> {
  const name = encoding.trim().toLowerCase();
  if (name === "" || name === "identity" || wire.length === 0) return wire;
  const decode = encodings.get(name);
  if (!decode) throw new Failure("answer_invalid", "the answer has a content encoding that was not asked for");
  try {
    return await decode(wire, { maxOutputLength: limitBytes });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(limitBytes);
    throw new Failure("answer_invalid", "the answer's content encoding is broken");
  }
}

function tooLarge(limitBytes: number): Failure {
  return new Failure(
    "answer_too_large",
    `the answer is larger than ${limitBytes} bytes; split the secret or read a part of it`,
  );
}
