/** Secrets Manager through the SDK, which comes with this module: import it when it is used. */
import {
  BatchGetSecretValueCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import type { BatchGetSecretValueCommandOutput, Filter, SecretListEntry } from "@aws-sdk/client-secrets-manager";
import { SecretValue } from "../../core/secret-value.ts";
import type { StoreAnswer } from "../contract.ts";
import type { Narrowed } from "./find.ts";
import { everyPage, nameOf, requestIdOf, tagsJson } from "./reads.ts";
import type { ServiceReads } from "./reads.ts";
import { refusalOf } from "./request-handler.ts";
import type { Refusal } from "./request-handler.ts";
import { answerInvalid, clientSettings, hush } from "./sdk.ts";
import type { Credentials, SdkTarget } from "./sdk.ts";

export function openReads(target: SdkTarget, credentials: Credentials): ServiceReads {
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
        const read = answerOf(answer, answer.$metadata);
        if (id !== undefined && read.version !== id) throw answerInvalid("another version than was asked for");
        return read;
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
    list({ within, tags }, ask, abortSignal) {
      const call = { name: "ListSecrets", action: "secretsmanager:ListSecrets" };
      return everyPage(async (NextToken) => {
        const command = new ListSecretsCommand({ Filters: filtersFor({ within, tags }), MaxResults: 100, NextToken });
        const answer = await ask(call, () => client.send(command, { abortSignal }));
        if (!Array.isArray(answer.SecretList)) throw answerInvalid("no SecretList");
        return { items: answer.SecretList.filter((one) => hasTags(one, tags)).map(nameOf), next: answer.NextToken };
      });
    },
    async together(names, ask, abortSignal) {
      const call = { name: "BatchGetSecretValue", action: "secretsmanager:BatchGetSecretValue" };
      const outcomes = await everyPage(async (NextToken) => {
        const command = new BatchGetSecretValueCommand({ SecretIdList: [...names], NextToken });
        const answer = await ask(call, () => client.send(command, { abortSignal }));
        return { items: outcomesOf(answer), next: answer.NextToken };
      });
      return new Map(outcomes);
    },
  };
}

type Outcome = readonly [name: string, StoreAnswer | Refusal];

function outcomesOf({ SecretValues = [], Errors = [], $metadata }: BatchGetSecretValueCommandOutput): Outcome[] {
  return [
    ...SecretValues.map((one): Outcome => [nameOf(one), answerOf(one, $metadata)]),
    ...Errors.map((one): Outcome => [bareName(one.SecretId ?? ""), refusalOf(one.ErrorCode, one.Message)]),
  ];
}

/** In case that a name was asked for and is told as an ARN, which ends in six random characters. */
function bareName(id: string): string {
  return /^arn:[^:]+:secretsmanager:[^:]+:\d+:secret:(.+)-[A-Za-z0-9]{6}$/.exec(id)?.[1] ?? id;
}

interface Valued {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: Uint8Array | undefined;
  readonly VersionId?: string | undefined;
}

function answerOf(
  { SecretString: text, SecretBinary: bytes, VersionId: version }: Valued,
  metadata: object,
): StoreAnswer {
  const value = typeof text === "string" ? SecretValue.fromText(text) : bytes && new SecretValue(bytes);
  if (!value) throw answerInvalid("neither SecretString nor SecretBinary");
  if (typeof version !== "string" || version === "") throw answerInvalid("no VersionId");
  return { value, version, ...requestIdOf(metadata) };
}

/** What AWS takes as a filter's value; with "!" in front it means everything else. */
const filterable = /^[a-zA-Z0-9 :_@/+=.-][a-zA-Z0-9 :_@/+=.!-]{0,511}$/;
const mostFilters = 10;

/**
 * They narrow, no more: AWS compares the beginnings of names, keys and values, and does not ask whether a key and a
 * value belong together. What it cannot be asked for is left to `hasTags`, too.
 */
function filtersFor({ within, tags }: Narrowed): Filter[] {
  const wishes: readonly (readonly [Filter["Key"], string])[] = [
    ["name", within],
    ...Object.keys(tags).map((key) => ["tag-key", key] as const),
    ...Object.values(tags).map((value) => ["tag-value", value] as const),
  ];
  return wishes
    .filter(([, value]) => filterable.test(value))
    .slice(0, mostFilters)
    .map(([Key, value]) => ({ Key, Values: [value] }));
}

function hasTags({ Tags: own = [] }: SecretListEntry, tags: Narrowed["tags"]): boolean {
  return Object.entries(tags).every(([key, value]) =>
    own.some((tag) => tag.Key === key && (tag.Value ?? "") === value),
  );
}
