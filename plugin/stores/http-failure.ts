/**
 * What went wrong below HTTP, in words of our own: an error of a library may quote what the other side sent, so only
 * codes from the tables here, or codes that look like one, are ever repeated.
 */
import { Failure } from "../core/failure.ts";
import type { FailureCode } from "../core/failure.ts";

const unknownAuthority = "its certificate is signed by an authority that is not trusted here";

/** OpenSSL's verdicts, as Node names them. */
const tlsFaults = new Map<string, string>([
  ["CERT_HAS_EXPIRED", "its certificate has expired; renew it on the server"],
  ["CERT_NOT_YET_VALID", "its certificate is not valid yet; compare the clocks of this node and the server"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate is for another name; use a name in the URL that it lists"],
  ["CERT_REVOKED", "its certificate is revoked; renew it on the server"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", unknownAuthority],
  ["UNABLE_TO_GET_ISSUER_CERT", unknownAuthority],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", unknownAuthority],
  ["SELF_SIGNED_CERT_IN_CHAIN", unknownAuthority],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", unknownAuthority],
]);

type Fault = readonly [FailureCode, string];

const otherFaults = new Map<string, Fault>([
  ["UND_ERR_CONNECT_TIMEOUT", ["store_timeout", "no connection in time"]],
  ["UND_ERR_HEADERS_TIMEOUT", ["store_timeout", "no answer in time"]],
  ["UND_ERR_BODY_TIMEOUT", ["store_timeout", "the answer stopped half-way"]],
  ["UND_ERR_SOCKET", ["store_unreachable", "the connection closed before the answer was complete"]],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", ["store_unreachable", "the answer ended before its stated length"]],
  ["UND_ERR_HEADERS_OVERFLOW", ["answer_too_large", "the answer's headers are too large"]],
  ["UND_ERR_INVALID_ARG", ["store_invalid", "the request has a header or an address that HTTP does not allow"]],
  ["UND_ERR_DESTROYED", ["store_unreachable", "this process is shutting down"]],
  ["UND_ERR_CLOSED", ["store_unreachable", "this process is shutting down"]],
]);

/** undici's name for an answer that its parser refuses. */
const notHttp = "HTTPParserError";

/**
 * The Failure for whatever a request rejected with. `host` is the store's own host and port, `trust` says how to make an
 * authority known.
 */
export function sendFailure(thrown: unknown, host: string, trust = "give the CA in caBundle"): Failure {
  if (thrown instanceof Failure) return thrown;
  const [failureCode, what] = faultOf(systemCode(thrown), trust);
  return new Failure(failureCode, `${host}: ${what}`);
}

function faultOf(code: string, trust: string): Fault {
  const tlsFault = tlsFaults.get(code);
  const wayOut = tlsFault === unknownAuthority ? `; ${trust}` : "";
  if (tlsFault) return ["store_unreachable", `TLS: ${tlsFault}${wayOut} (${code})`];
  const other = otherFaults.get(code);
  if (other) return other;
  if (code === notHttp)
    return ["answer_invalid", "what it answers is not HTTP; check the port and whether it speaks https"];
  if (code.startsWith("ERR_SSL_") || code === "EPROTO")
    return ["store_unreachable", `TLS: no handshake; check the port and whether it speaks https (${code})`];
  if (code === "ENOTFOUND" || code.startsWith("EAI_"))
    return ["store_unreachable", `its name cannot be resolved; check the host in the URL and DNS (${code})`];
  return ["store_unreachable", code === "" ? "no connection" : `no connection (${code})`];
}

/** Several addresses fail as one AggregateError; the first says enough. */
function systemCode(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "";
  // undici leaves the code of most parser errors empty.
  if (thrown.name === notHttp) return notHttp;
  const own = (thrown as NodeJS.ErrnoException).code;
  if (typeof own === "string" && /^[A-Z][A-Z0-9_]{1,63}$/.test(own)) return own;
  return thrown instanceof AggregateError ? systemCode(thrown.errors[0]) : "";
}
