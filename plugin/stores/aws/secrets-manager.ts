/** Secrets Manager through the SDK, which comes with this module: import it when it is used. */
import { DescribeSecretCommand, GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SecretValue } from "../../core/secret-value.ts";
import { requestIdOf, tagsJson } from "./reads.ts";
import type { ServiceReads } from "./reads.ts";
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
