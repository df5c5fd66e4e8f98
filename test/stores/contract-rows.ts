/** How a server can misbehave, and what every HTTP-speaking kind makes of it. */
import type { FailureCode } from "../../plugin/core/failure.ts";
import { answerLimitBytes } from "../../plugin/stores/http-body.ts";
import { canned, flood, gzipBomb, halfBody, raw, reset } from "../fakes/hostile-server.ts";
import type { Reply } from "../fakes/hostile-server.ts";

export type Phase = "login" | "read";

export interface ContractRow {
  readonly name: string;
  reply(at: { readonly upstream: string; readonly bystander: string }): Reply;
  readonly code: Readonly<Record<Phase, FailureCode>>;
  readonly retryAfterMs?: number;
  /** The client ends the connection rather than reading on. */
  readonly dropsConnection?: true;
  readonly sendsAtMostBytes?: number;
}

const both = (code: FailureCode): Readonly<Record<Phase, FailureCode>> => ({ login: code, read: code });
const denied = { login: "store_login_denied", read: "store_denied" } as const;
const json = { "content-type": "application/json" };
const errors = (upstream: string): string => JSON.stringify({ errors: [upstream], message: upstream });
const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): ContractRow["reply"] =>
  ({ upstream }) =>
    canned({ status: code, headers: { ...json, "x-upstream": upstream, ...headers }, body: errors(upstream) });
const ok =
  (body: (upstream: string) => string, contentType = "application/json"): ContractRow["reply"] =>
  ({ upstream }) =>
    canned({ status: 200, headers: { "content-type": contentType, "x-upstream": upstream }, body: body(upstream) });

export const httpRows = [
  { name: "401", reply: status(401), code: denied },
  { name: "403", reply: status(403), code: denied },
  { name: "429 without Retry-After", reply: status(429), code: both("store_throttled") },
  {
    name: "429 with Retry-After",
    reply: status(429, { "retry-after": "7" }),
    code: both("store_throttled"),
    retryAfterMs: 7_000,
  },
  { name: "500", reply: status(500), code: both("store_error") },
  { name: "502", reply: status(502), code: both("store_error") },
  { name: "503", reply: status(503), code: both("store_error") },
  {
    name: "503 with Retry-After",
    reply: status(503, { "retry-after": "2" }),
    code: both("store_error"),
    retryAfterMs: 2_000,
  },
  {
    name: "a 100 MB body",
    reply: () => flood(100 * 1024 * 1024),
    code: both("answer_too_large"),
    dropsConnection: true,
    // What the system buffers between the two ends comes on top of what the client takes.
    sendsAtMostBytes: answerLimitBytes + 32 * 1024 * 1024,
  },
  {
    name: "a body that says it has 100 MB",
    reply: () => raw("HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n{"),
    code: both("answer_too_large"),
    dropsConnection: true,
  },
  { name: "a gzip bomb", reply: () => gzipBomb(64 * 1024 * 1024), code: both("answer_too_large") },
  {
    name: "broken gzip",
    reply: ({ upstream }) => canned({ status: 200, headers: { ...json, "content-encoding": "gzip" }, body: upstream }),
    code: both("answer_invalid"),
  },
  {
    name: "an unknown content encoding",
    reply: ({ upstream }) =>
      canned({ status: 200, headers: { ...json, "content-encoding": upstream }, body: upstream }),
    code: both("answer_invalid"),
  },
  { name: "what is not JSON", reply: ok((upstream) => upstream), code: both("answer_invalid") },
  {
    name: "truncated JSON",
    reply: ok((upstream) => `{"data": {"data": {"a": "${upstream}`),
    code: both("answer_invalid"),
  },
  { name: "JSON of another shape", reply: ok((upstream) => `["${upstream}"]`), code: both("answer_invalid") },
  { name: "an empty object", reply: ok(() => "{}"), code: both("answer_invalid") },
  {
    name: "JSON nested 100,000 deep",
    reply: ok(() => `{"data":${"[".repeat(100_000)}`),
    code: both("answer_invalid"),
  },
  {
    name: "JSON with a million members",
    reply: ok(() => `{"data":[${"1,".repeat(1_000_000)}1]}`),
    code: both("answer_invalid"),
  },
  {
    name: "an HTML page with 200",
    reply: ok((upstream) => `<html>${upstream}</html>`, "text/html"),
    code: both("answer_invalid"),
  },
  { name: "an empty 200", reply: ok(() => ""), code: both("answer_invalid") },
  { name: "204", reply: () => canned({ status: 204 }), code: both("answer_invalid") },
  {
    name: "a redirect to another host",
    reply: ({ upstream, bystander }) => canned({ status: 307, headers: { location: `${bystander}/${upstream}` } }),
    code: both("answer_invalid"),
  },
  {
    name: "a redirect to the same host",
    reply: ({ upstream }) => canned({ status: 301, headers: { location: `/${upstream}` } }),
    code: both("answer_invalid"),
  },
  { name: "a connection reset", reply: () => reset(), code: both("store_unreachable") },
  {
    name: "a connection closed in the middle of a body",
    reply: ({ upstream }) => halfBody(upstream, "close"),
    code: both("store_unreachable"),
  },
  {
    name: "what is not HTTP",
    reply: ({ upstream }) => raw(`SSH-2.0-${upstream}\r\n\r\n`),
    code: both("answer_invalid"),
  },
] as const satisfies readonly ContractRow[];

export type RowName = (typeof httpRows)[number]["name"];
