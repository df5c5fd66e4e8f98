/** Keys and certificates, by plain requests: the public parts that a vault shows of them. */
import { isJsonObject, isRawNumber } from "../../core/json.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import { goJson, readJson } from "../json-body.ts";
import { metadataArgument, pemForm } from "./address.ts";
import { metadataJson } from "./metadata.ts";
import type { Dates } from "./metadata.ts";
import { answerInvalid, apiVersion, requestIdOf } from "./vault.ts";
import type { Ask } from "./vault.ts";

interface Public {
  readonly value: SecretValue;
  /** The object's own URL, which ends in its version. */
  readonly id: JsonValue | undefined;
}

/** A key as JWK JSON, or its public key as PEM. Rejects with Refused, or Failure. */
export async function readKey(vaultUrl: string, located: Located, ask: Ask): Promise<StoreAnswer> {
  return readObject(vaultUrl, located, ask, async ({ key }) => {
    if (!isJsonObject(key)) throw answerInvalid("no key");
    const inPem = located.arguments === pemForm;
    return { value: inPem ? (await import("./file-forms.ts")).pemOfKey(key) : goJson(key), id: key["kid"] };
  });
}

/** A certificate as DER, or as PEM. Rejects with Refused, or Failure. */
export async function readCertificate(vaultUrl: string, located: Located, ask: Ask): Promise<StoreAnswer> {
  return readObject(vaultUrl, located, ask, async ({ cer, id }) => {
    if (typeof cer !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(cer)) throw answerInvalid("no certificate");
    const der = Buffer.from(cer, "base64");
    const inPem = located.arguments === pemForm;
    return { value: inPem ? (await import("./file-forms.ts")).pemOfCertificate(der) : new SecretValue(der), id };
  });
}

async function readObject(
  vaultUrl: string,
  { address, version, arguments: wanted }: Located,
  ask: Ask,
  take: (document: JsonObject) => Promise<Public>,
): Promise<StoreAnswer> {
  const answer = await ask(new URL(`${vaultUrl}/${address}/${version}?api-version=${apiVersion}`));
  const read = readJson(answer.body);
  if (!read.ok) throw answerInvalid(read.what);
  if (!isJsonObject(read.value)) throw answerInvalid("JSON of another shape");
  const { value, id } = await take(read.value);
  const found = versionOf(id);
  if (version !== "" && found !== version) throw answerInvalid("another version than was asked for");
  if (wanted !== metadataArgument) return { value, version: found, ...requestIdOf(answer) };
  const { tags, attributes } = read.value;
  // Tags change without a new version.
  return { value: metadataJson(tags, datesOf(attributes)), version: "", ...requestIdOf(answer) };
}

function versionOf(id: JsonValue | undefined): string {
  const version = typeof id === "string" ? /\/([0-9A-Za-z]{1,64})$/.exec(id)?.[1] : undefined;
  if (version === undefined) throw answerInvalid("no version");
  return version;
}

function datesOf(attributes: JsonValue | undefined): Dates {
  const secondsOf = (name: string): number | undefined => {
    const seconds = isJsonObject(attributes) ? attributes[name] : undefined;
    return isRawNumber(seconds) ? Number(seconds.rawJSON) : undefined;
  };
  return {
    expires: secondsOf("exp"),
    created: secondsOf("created"),
    updated: secondsOf("updated"),
    notBefore: secondsOf("nbf"),
  };
}
