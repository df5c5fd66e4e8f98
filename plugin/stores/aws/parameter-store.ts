/** Parameter Store through the SDK, which comes with this module: import it when it is used. */
import {
  DescribeParametersCommand,
  GetParameterCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  ListTagsForResourceCommand,
  SSMClient,
} from "@aws-sdk/client-ssm";
import type { Parameter, ParameterStringFilter } from "@aws-sdk/client-ssm";
import { SecretValue } from "../../core/secret-value.ts";
import type { StoreAnswer } from "../contract.ts";
import type { Narrowed } from "./find.ts";
import { everyPage, nameOf, requestIdOf, tagsJson } from "./reads.ts";
import type { Ask, ServiceReads } from "./reads.ts";
import { lacksRight } from "./refusal.ts";
import { refusalOf } from "./request-handler.ts";
import type { Refusal } from "./request-handler.ts";
import { answerInvalid, clientSettings, hush } from "./sdk.ts";
import type { Credentials, SdkTarget } from "./sdk.ts";

export function openReads(target: SdkTarget, credentials: Credentials): ServiceReads {
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
        const answer = answerOf(found, $metadata);
        if (/^\d+$/.test(version) && answer.version !== String(Number(version)))
          throw answerInvalid("another version than was asked for");
        return answer;
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
    async list(narrowed, ask, signal) {
      if (Object.keys(narrowed.tags).length > 0) return describedNames(client, narrowed, ask, signal);
      let mayNot = false;
      const onRefused = (refused: Refusal): void => void (mayNot = lacksRight(refused));
      try {
        return await namesByPath(client, narrowed, (call, work) => ask({ ...call, onRefused }, work), signal);
      } catch (thrown) {
        if (!mayNot || signal.aborted) throw thrown;
        return describedNames(client, narrowed, ask, signal);
      }
    },
    async together(names, ask, abortSignal) {
      const command = new GetParametersCommand({ Names: [...names], WithDecryption: true });
      const answer = await ask({ name: "GetParameters", action: "ssm:GetParameters" }, () =>
        client.send(command, { abortSignal }),
      );
      const outcomes = new Map<string, StoreAnswer | Refusal>();
      for (const one of answer.Parameters ?? []) outcomes.set(nameOf(one), answerOf(one, answer.$metadata));
      for (const name of answer.InvalidParameters ?? []) outcomes.set(name, refusalOf("ParameterNotFound", ""));
      return outcomes;
    },
  };
}

/** For whoever may read what lies below a path; values are left encrypted, as only the names are of use. */
function namesByPath(
  client: SSMClient,
  narrowed: Narrowed,
  ask: Ask,
  abortSignal: AbortSignal,
): Promise<readonly string[]> {
  const call = { name: "GetParametersByPath", action: "ssm:GetParametersByPath" };
  return everyPage(async (NextToken) => {
    const wish = { Path: folderOf(narrowed), Recursive: true, WithDecryption: false, MaxResults: 10, NextToken };
    const answer = await ask(call, () => client.send(new GetParametersByPathCommand(wish), { abortSignal }));
    if (!Array.isArray(answer.Parameters)) throw answerInvalid("no Parameters");
    return { items: answer.Parameters.map(nameOf), next: answer.NextToken };
  });
}

/** The only call that knows tags, and for whoever may list but not read. */
function describedNames(
  client: SSMClient,
  narrowed: Narrowed,
  ask: Ask,
  abortSignal: AbortSignal,
): Promise<readonly string[]> {
  const folder = folderOf(narrowed);
  const filters: ParameterStringFilter[] = [
    ...(folder === "/" ? [] : [{ Key: "Path", Option: "Recursive", Values: [folder] }]),
    ...Object.entries(narrowed.tags).map(([key, value]) => ({ Key: `tag:${key}`, Option: "Equals", Values: [value] })),
  ];
  // In the singular, as ESO counts it.
  const call = { name: "DescribeParameter", action: "ssm:DescribeParameters" };
  return everyPage(async (NextToken) => {
    const command = new DescribeParametersCommand({ ParameterFilters: filters, MaxResults: 50, NextToken });
    const answer = await ask(call, () => client.send(command, { abortSignal }));
    if (!Array.isArray(answer.Parameters)) throw answerInvalid("no Parameters");
    return { items: answer.Parameters.map(nameOf), next: answer.NextToken };
  });
}

/** The innermost folder that holds all of it. */
function folderOf({ within }: Narrowed): string {
  return within.startsWith("/") ? within.slice(0, within.lastIndexOf("/")) || "/" : "/";
}

function answerOf(found: Parameter | undefined, metadata: object): StoreAnswer {
  if (typeof found?.Value !== "string") throw answerInvalid("no Parameter.Value");
  if (typeof found.Version !== "number") throw answerInvalid("no Parameter.Version");
  return { value: SecretValue.fromText(found.Value), version: String(found.Version), ...requestIdOf(metadata) };
}
