/** What a webhook's templates see: `.remoteRef.…`, and `.<name>.<key>` for every Secret of the store. */
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { TemplateData } from "../../template/request.ts";
import type { Proof } from "../contract.ts";
import type { WebhookConfig } from "./config.ts";

/** What is asked for, and by whom. */
export interface Wanted {
  readonly key: string;
  readonly version: string;
  readonly property: string;
  readonly namespace: string;
}

type Keys = ReadonlyMap<string, SecretValue>;
export type SecretVariables = ReadonlyMap<string, Keys>;

/** By which name the proof holds the store's i-th Secret. */
export function proofName(i: number): string {
  return `secrets[${i}]`;
}

/** Throws Failure `internal` when the proof lacks what the store's need named. */
export function secretVariables({ secrets }: Pick<WebhookConfig, "secrets">, proof: Proof): SecretVariables {
  const variables = new Map<string, Keys>();
  secrets.forEach(({ name }, i) => {
    const whole = proof.kind === "static" ? proof.secrets[proofName(i)] : undefined;
    if (!whole) throw new Failure("internal", `the proof for the webhook lacks Secret "${name}"`);
    variables.set(name, new Map([...(variables.get(name) ?? []), ...keysOf(whole)]));
  });
  return variables;
}

/** `escaped`: as in a URL's query, where nothing of it may mean anything to the URL. */
export function templateData(wanted: Wanted, secrets: SecretVariables, escaped: boolean): TemplateData {
  const members = Object.entries(wanted).map(([name, value]: [string, string]) => {
    const written = escaped ? queryEscaped(value) : value;
    return [name, SecretValue.fromText(written)] as const;
  });
  return new Map([...secrets, ["remoteRef", new Map(members)]]);
}

/** As Go's url.QueryEscape. */
export function queryEscaped(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

/** A whole Secret is shown as JSON of its keys, their values in base64. */
function keysOf(whole: SecretValue): [string, SecretValue][] {
  const values = JSON.parse(whole.reveal().toString("utf8")) as Record<string, string>;
  return Object.entries(values).map(([key, base64]) => [key, new SecretValue(Buffer.from(base64, "base64"))]);
}
