/** One SDK client for each session, and the reads that go through it. */
import { canonicalJson } from "../../core/canonical-json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import { tagsArgument } from "./address.ts";
import { answerInvalid, clientSettings, hush } from "./sdk.ts";
import type { Credentials, SdkTarget } from "./sdk.ts";

/** A call to a service: its name in metrics, the right that it takes, and the call itself. */
export interface ServiceCall {
  readonly name: string;
  readonly action: string;
  readonly run: (located: Located, signal: AbortSignal) => Promise<StoreAnswer>;
}

/** Holds the credentials in closures: nothing prints them. */
export interface ServiceReads {
  readonly value: ServiceCall;
  readonly tags: ServiceCall;
}

export function callFor(located: Located, reads: ServiceReads): ServiceCall {
  return located.arguments === tagsArgument ? reads.tags : reads.value;
}

export async function secretsManagerReads(target: SdkTarget, credentials: Credentials): Promise<ServiceReads> {
  // Loaded at the first login: a process without an AWS store does not pay for it.
  const { DescribeSecretCommand, GetSecretValueCommand, SecretsManagerClient } =
    await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient(clientSettings(target, credentials));
  hush(client.middlewareStack);
  return {
    value: {
      name: "GetSecretValue",
      action: "secretsmanager:GetSecretValue",
      async run({ address, version }, abortSignal) {
        const id = version.startsWith("uuid/") ? version.slice("uuid/".length) : undefined;
        const which = id === undefined ? { VersionStage: version || "AWSCURRENT" } : { VersionId: id };
        const answer = await client.send(new GetSecretValueCommand({ SecretId: address, ...which }), { abortSignal });
        const { SecretString: text, SecretBinary: bytes, VersionId: found, $metadata } = answer;
        const value = typeof text === "string" ? SecretValue.fromText(text) : bytes && new SecretValue(bytes);
        if (!value) throw answerInvalid("neither SecretString nor SecretBinary");
        if (typeof found !== "string" || found === "") throw answerInvalid("no VersionId");
        if (id !== undefined && found !== id) throw answerInvalid("another version than was asked for");
        return { value, version: found, ...requestIdOf($metadata) };
      },
    },
    tags: {
      name: "DescribeSecret",
      action: "secretsmanager:DescribeSecret",
      async run({ address }, abortSignal) {
        const answer = await client.send(new DescribeSecretCommand({ SecretId: address }), { abortSignal });
        if (typeof answer.Name !== "string") throw answerInvalid("no Name");
        return { value: tagsJson(answer.Tags), version: "", ...requestIdOf(answer.$metadata) };
      },
    },
  };
}

export async function parameterStoreReads(target: SdkTarget, credentials: Credentials): Promise<ServiceReads> {
  const { GetParameterCommand, ListTagsForResourceCommand, SSMClient } = await import("@aws-sdk/client-ssm");
  const client = new SSMClient(clientSettings(target, credentials));
  hush(client.middlewareStack);
  return {
    value: {
      name: "GetParameter",
      action: "ssm:GetParameter",
      async run({ address, version }, abortSignal) {
        const name = version === "" ? address : `${address}:${version}`;
        const asked = new GetParameterCommand({ Name: name, WithDecryption: true });
        const { Parameter: found, $metadata } = await client.send(asked, { abortSignal });
        if (typeof found?.Value !== "string") throw answerInvalid("no Parameter.Value");
        if (typeof found.Version !== "number") throw answerInvalid("no Parameter.Version");
        const number = String(found.Version);
        if (/^\d+$/.test(version) && number !== String(Number(version)))
          throw answerInvalid("another version than was asked for");
        return { value: SecretValue.fromText(found.Value), version: number, ...requestIdOf($metadata) };
      },
    },
    tags: {
      name: "ListTagsForResource",
      action: "ssm:ListTagsForResource",
      async run({ address }, abortSignal) {
        const asked = new ListTagsForResourceCommand({ ResourceType: "Parameter", ResourceId: address });
        const { TagList: tags, $metadata } = await client.send(asked, { abortSignal });
        if (!Array.isArray(tags)) throw answerInvalid("no TagList");
        return { value: tagsJson(tags), version: "", ...requestIdOf($metadata) };
      },
    },
  };
}

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** The tags as one JSON object, sorted by key. */
function tagsJson(tags: readonly Tag[] = []): SecretValue {
  const members = tags.map(({ Key: key, Value: value }) => {
    if (typeof key !== "string") throw answerInvalid("a tag without a key");
    return [key, value ?? ""] as const;
  });
  return SecretValue.fromText(canonicalJson(Object.fromEntries(members)));
}

/** AWS's id of the request, for audit; anything that does not look like one is left out. */
function requestIdOf({ requestId: id }: { readonly requestId?: string | undefined }): { requestId?: string } {
  return typeof id === "string" && /^[A-Za-z0-9-]{1,64}$/.test(id) ? { requestId: id } : {};
}
