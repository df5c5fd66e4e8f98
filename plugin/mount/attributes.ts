/**
 * The strings of a mount call, typed: who mounts, with which tokens, what is asked for.
 *
 * Pod facts come from kubelet; everything else in here may have been written by a pod's author. Messages name the key
 * that is wrong and never show any of the text: it can hold tokens.
 */
import { Failure } from "../core/failure.ts";
import { isJsonObject, isRawNumber, JsonProblem, parseJson, type JsonLimits, type JsonValue } from "../core/json.ts";
import { isDnsLabel, isDnsSubdomain } from "../core/names.ts";
import { SecretValue } from "../core/secret-value.ts";
import type { PodFacts } from "../read/pod-token-claims.ts";

/** The strings as they came over the socket. */
export interface MountCall {
  /** JSON object of strings. */
  readonly attributes: string;
  /** JSON object of strings, `null` or empty. */
  readonly secrets: string;
  /** JSON number: the decimal of a file mode (420 = 0644). */
  readonly permission: string;
}

export interface MountAttributes {
  /** From kubelet's attributes. */
  readonly pod: PodFacts;
  /** JSON: audience → {token, expirationTimestamp}. Absent when the CSIDriver asks for no tokens. */
  readonly tokens?: SecretValue;
  /** The parameters of the class, and whatever a pod's author put over them. */
  readonly parameters: Readonly<Record<string, string>>;
  /** 0–0o777. */
  readonly permission: number;
}

/** Far above what an API object can hold (1.5 MiB), so that only nonsense meets it. */
const longestText = 2 * 1024 * 1024;
const flatObject: JsonLimits = { depth: 1, members: 10_000 };

const kubeletPrefix = "csi.storage.k8s.io/";
const tokensKey = `${kubeletPrefix}serviceAccount.tokens`;
const classNameKey = "secretProviderClass";

/** Throws Failure `manifest_invalid`. */
export function parseMountCall(call: MountCall): MountAttributes {
  const attributes = parseStrings("attributes", call.attributes);
  if (!attributes) throw invalid("attributes", "is empty; the driver must send the parameters of the class");
  const secrets = parseStrings("secrets", call.secrets) ?? {};
  // The pod's author can write the attribute, but not the secrets: those are kubelet's own.
  const tokens = secrets[tokensKey] ?? attributes[tokensKey];
  return {
    pod: podFacts(attributes),
    ...(tokens ? { tokens: SecretValue.fromText(tokens) } : {}),
    parameters: classParameters(attributes),
    permission: parsePermission(call.permission),
  };
}

/** Undefined for an empty text and for `null`. */
function parseStrings(field: string, text: string): Record<string, string> | undefined {
  if (text === "") return undefined;
  if (text.length > longestText) throw invalid(field, `is longer than ${longestText} characters`);
  const parsed = parseShape(field, text);
  if (parsed === null) return undefined;
  if (!isJsonObject(parsed)) throw invalid(field, "must be a JSON object of strings");
  const notText = Object.values(parsed).findIndex((value) => typeof value !== "string");
  if (notText !== -1) throw invalid(field, `must be a JSON object of strings; value ${notText + 1} is no string`);
  return parsed as Record<string, string>;
}

function parseShape(field: string, text: string): JsonValue {
  try {
    return parseJson(text, flatObject);
  } catch (thrown) {
    if (!(thrown instanceof JsonProblem)) throw thrown;
    throw invalid(field, `must be a JSON object of strings: ${thrown.message}`);
  }
}

function podFacts(attributes: Record<string, string>): PodFacts {
  const fact = (key: string, valid: (text: string) => boolean): string => {
    const text = attributes[kubeletPrefix + key];
    const field = `attributes: ${kubeletPrefix}${key}`;
    if (!text) throw invalid(field, "is missing; set podInfoOnMount: true in the CSIDriver object");
    if (!valid(text)) throw invalid(field, "is not such a name as Kubernetes gives");
    return text;
  };
  return {
    namespace: fact("pod.namespace", isDnsLabel),
    podName: fact("pod.name", isDnsSubdomain),
    podUid: fact("pod.uid", (text) => /^[-a-zA-Z0-9]{1,128}$/.test(text)),
    serviceAccountName: fact("serviceAccount.name", isDnsSubdomain),
  };
}

function classParameters(attributes: Record<string, string>): Record<string, string> {
  const parameters = Object.create(null) as Record<string, string>;
  for (const [key, text] of Object.entries(attributes))
    if (!key.startsWith(kubeletPrefix) && key !== classNameKey) parameters[key] = text;
  return parameters;
}

function parsePermission(text: string): number {
  const problem = "must be a JSON number from 0 to 511, the decimal of a file mode (420 = 0644)";
  if (text.length > 20) throw invalid("permission", problem);
  let parsed: JsonValue;
  try {
    parsed = parseJson(text, flatObject);
  } catch {
    throw invalid("permission", problem);
  }
  const mode = isRawNumber(parsed) ? Number(parsed.rawJSON) : NaN;
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) throw invalid("permission", problem);
  return mode;
}

function invalid(field: string, problem: string): Failure {
  return new Failure("manifest_invalid", `${field} ${problem}`);
}
