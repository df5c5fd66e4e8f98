/** What went wrong below HTTP on the way to the API server, in words of ours, and whether the request may have arrived. */
import { KubeHttpProblem } from "../kube/http.ts";

const unknownAuthority =
  "its certificate is signed by an authority that is not trusted here; check ca.crt or certificate-authority";

/** Before the request is sent: the handshake verifies the server. */
const tlsFaults = new Map<string, string>([
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["CERT_NOT_YET_VALID", "its certificate is not valid yet; compare the clocks"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate is for another name; use an address that it lists"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", unknownAuthority],
  ["UNABLE_TO_GET_ISSUER_CERT", unknownAuthority],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", unknownAuthority],
  ["SELF_SIGNED_CERT_IN_CHAIN", unknownAuthority],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", unknownAuthority],
]);

const unconnected = new Map<string, string>([
  ["ECONNREFUSED", "it refuses connections"],
  ["EHOSTUNREACH", "there is no route to it"],
  ["ENETUNREACH", "there is no route to it"],
  ["ENOTFOUND", "its name cannot be resolved"],
  ["EAI_AGAIN", "its name cannot be resolved"],
  ["UND_ERR_CONNECT_TIMEOUT", "no connection in time"],
  ["UND_ERR_CLOSED", "this process is shutting down"],
]);

const broken = new Map<string, string>([
  ["UND_ERR_SOCKET", "the connection closed before the answer was complete"],
  ["ECONNRESET", "the connection was reset"],
  ["EPIPE", "the connection was reset"],
  ["UND_ERR_HEADERS_TIMEOUT", "no answer in time"],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "the answer ended before its stated length"],
  ["UND_ERR_DESTROYED", "this process is shutting down"],
]);

/** `host` is the API server's own host and port. */
export function problemOf(thrown: unknown, host: string): KubeHttpProblem {
  const code = codeOf(thrown);
  const told = (text: string): string => `API server ${host}: ${text}${code === "" ? "" : ` (${code})`}`;
  const before = tlsFaults.get(code) ?? unconnected.get(code);
  if (before) return new KubeHttpProblem(told(before), false);
  return new KubeHttpProblem(told(broken.get(code) ?? "no answer"), true);
}

/** Several addresses fail as one AggregateError; the first says enough. Only what looks like a code is repeated. */
function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "";
  const own = (thrown as NodeJS.ErrnoException).code;
  if (typeof own === "string" && /^[A-Z][A-Z0-9_]{1,63}$/.test(own)) return own;
  return thrown instanceof AggregateError ? codeOf(thrown.errors[0]) : "";
}
