/**
 * Parses a `provider.webhook` block of ESO's v1 schema. Knows which of its fields are honoured; everything else is a
 * problem with a path.
 */
import { parseGoDuration } from "../../core/duration.ts";
import type { Parsed, Problem } from "../../manifests/objects.ts";
import { readCaSource } from "../ca-bundle.ts";
import type { SecretKeyRef, StoreContext } from "../contract.ts";
import { namespaceProblem, parseBlock } from "../provider-block.ts";
import { root } from "./config.ts";
import type { WebhookConfig } from "./config.ts";
import { readHeaders } from "./headers.ts";
import { originOf } from "./origin.ts";
import { webhookBlock } from "./schema.ts";
import type { WebhookBlock } from "./schema.ts";
import { syntaxProblem } from "./template-syntax.ts";

/** Only Secrets that say of themselves that they are for webhooks may be put into requests. */
const label = { key: "external-secrets.io/type", value: "webhook" } as const;
/** Longer names are no method; CONNECT and TRACE are not about a resource. */
const methodName = /^(?!CONNECT$|TRACE$)[A-Z]{1,16}$/;

/** `plainHttp`: http:// servers are allowed. */
export function parseWebhookBlock(raw: unknown, context: StoreContext, plainHttp: boolean): Parsed<WebhookConfig> {
  const parsed = parseBlock(webhookBlock, raw);
  if (!parsed.ok) return parsed;
  const { url, method = "", headers = {}, body = "", timeout = "", result, secrets = [] } = parsed.value;
  const jsonPath = result?.jsonPath?.trim() ?? "";
  const problems: Problem[] = [
    ...templateProblems({ url, body, "result.jsonPath": jsonPath }),
    ...secrets.flatMap((secret, i) => secretProblems(secret, i, context)),
  ];
  const origin = originOf(url, plainHttp);
  if (!origin.ok) problems.push({ path: "url", problem: origin.problem });
  const named = readHeaders(headers);
  if (!named.ok) problems.push(...named.problems);
  const upper = method.toUpperCase() || "GET";
  if (!methodName.test(upper)) problems.push({ path: "method", problem: "is not a method to read with" });
  const timeoutMs = parseGoDuration(timeout);
  if (timeout !== "" && !(timeoutMs && timeoutMs > 0))
    problems.push({ path: "timeout", problem: "must be a duration above zero, such as 5s" });
  const ca = readCaSource(parsed.value, root, context);
  if (!ca.ok) problems.push(...ca.problems);
  const [first, ...others] = problems;
  if (first) return { ok: false, problems: [first, ...others] };
  if (!origin.ok || !named.ok || !ca.ok) throw new Error("unreachable: a part without a value has problems");
  return {
    ok: true,
    value: {
      url,
      origin: origin.origin,
      method: upper,
      headers: named.value,
      body,
      jsonPath,
      ...(timeoutMs ? { timeoutMs: Math.ceil(timeoutMs) } : {}),
      ca: ca.value,
      secrets: secrets.map(({ name, secretRef }, i) => ({ name, ref: refOf(secretRef, i, context) })),
    },
  };
}

type SecretEntry = NonNullable<WebhookBlock["secrets"]>[number];

function secretProblems({ name, secretRef }: SecretEntry, i: number, context: StoreContext): Problem[] {
  const reserved =
    name === "remoteRef"
      ? [{ path: `secrets[${i}].name`, problem: "is what templates call the key itself; take another name" }]
      : [];
  const foreign = namespaceProblem(`secrets[${i}].secretRef`, secretRef, context);
  return foreign ? [...reserved, foreign] : reserved;
}

/** The whole Secret: templates pick their keys from it, whatever `key` says. */
function refOf({ name, namespace }: SecretEntry["secretRef"], i: number, { scope }: StoreContext): SecretKeyRef {
  const foreign = scope === "ClusterSecretStore" ? namespace : undefined;
  return {
    field: `${root}.secrets[${i}].secretRef`,
    name,
    ...(foreign === undefined ? {} : { namespace: foreign }),
    label,
  };
}

function templateProblems(templates: Readonly<Record<string, string>>): Problem[] {
  return Object.entries(templates).flatMap(([path, text]) => {
    const problem = syntaxProblem(path, text);
    return problem === undefined ? [] : [{ path, problem }];
  });
}
