/** Parameter Store through the SDK, which comes with this module: import it when it is used. */
import { GetParameterCommand, ListTagsForResourceCommand, SSMClient } from "@aws-sdk/client-ssm";
import { SecretValue } from "../../core/secret-value.ts";
import { requestIdOf, tagsJson } from "./reads.ts";
import type { ServiceReads } from "./reads.ts";
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
