/** Headers of a webhook: which a store may set, and what may stand in them. */
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import type { Parsed, Problem } from "../../manifests/objects.ts";
import { root } from "./config.ts";
import { syntaxProblem } from "./template-syntax.ts";

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** They say how the message travels, which is the sender's to say. */
const ofTheSender = [
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Templates by lower-case name. */
export function readHeaders(given: Readonly<Record<string, string>>): Parsed<Readonly<Record<string, string>>> {
  const problems: Problem[] = [];
  const templates: Record<string, string> = {};
  for (const [name, template] of Object.entries(given)) {
    const path = `headers.${name}`;
    const lower = name.toLowerCase();
    const problem = nameProblem(lower, templates) ?? syntaxProblem(path, template);
    if (problem !== undefined) problems.push({ path, problem });
    templates[lower] = template;
  }
  const [first, ...others] = problems;
  return first ? { ok: false, problems: [first, ...others] } : { ok: true, value: templates };
}

function nameProblem(name: string, known: Readonly<Record<string, string>>): string | undefined {
  if (!headerName.test(name)) return "is not a name that a header can have";
  if (ofTheSender.includes(name)) return "is set by the client itself; remove it";
  return Object.hasOwn(known, name) ? "is there twice, written differently" : undefined;
}

/**
 * A rendered header, as it may be sent. A line break would begin another header, and other characters than ASCII mean
 * different bytes to different servers. Throws Failure `template_failed`.
 */
export function checkedHeader(name: string, rendered: SecretValue): SecretValue {
  if (/^[\t\x20-\x7e]*$/.test(rendered.reveal().toString("latin1"))) return rendered;
  const field = `${root}.headers.${name}`;
  throw new Failure("template_failed", `${field} is not one line of printable ASCII once rendered`, { field });
}
