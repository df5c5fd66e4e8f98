/**
 * What the API server asks of Secrets of its own types, so that a write it would refuse is told before it is sent: a
 * Secret that is deleted to change its type must be able to come back.
 */
import type { SecretObject } from "./ports.ts";

interface TypeRule {
  readonly keys: readonly string[];
  /** One of the keys is enough. */
  readonly anyOf?: true;
  /** The first key holds JSON. */
  readonly json?: true;
}

const rules: Readonly<Record<string, TypeRule>> = {
  "kubernetes.io/tls": { keys: ["tls.crt", "tls.key"] },
  "kubernetes.io/dockerconfigjson": { keys: [".dockerconfigjson"], json: true },
  "kubernetes.io/dockercfg": { keys: [".dockercfg"], json: true },
  "kubernetes.io/ssh-auth": { keys: ["ssh-privatekey"] },
  "kubernetes.io/basic-auth": { keys: ["username", "password"], anyOf: true },
};

/** What is wrong, without the end of the sentence; undefined when nothing is. Shows names, never values. */
export function typeProblem({ type, data }: Pick<SecretObject, "type" | "data">): string | undefined {
  const rule = Object.hasOwn(rules, type) ? rules[type] : undefined;
  if (!rule) return undefined;
  const absent = rule.keys.filter((key) => !data.has(key));
  const isMet = rule.anyOf ? absent.length < rule.keys.length : absent.length === 0;
  if (!isMet) return `type ${type} asks for the key ${absent.join(rule.anyOf ? " or " : " and ")}: add it`;
  const [key = ""] = rule.keys;
  if (rule.json && !isJson(data.get(key)!.reveal().toString("utf8")))
    return `type ${type} asks for JSON under the key ${key}: correct it`;
  return undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
