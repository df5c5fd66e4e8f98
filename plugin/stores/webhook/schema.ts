/** The fields of a `provider.webhook` block in ESO's v1 schema: those honoured, and the one that is not supported. */
import * as v from "valibot";
import { caProvider } from "../ca-bundle.ts";
import { block, notYet, optionalText, secretKeySelector, text } from "../provider-block.ts";

export const webhookBlock = block({
  url: text,
  method: optionalText,
  headers: v.optional(v.record(v.string(), v.string("must be a string"), "must be a map of strings")),
  body: optionalText,
  timeout: optionalText,
  result: v.optional(block({ jsonPath: optionalText })),
  caBundle: optionalText,
  caProvider: v.optional(caProvider),
  secrets: v.optional(v.array(block({ name: text, secretRef: secretKeySelector }), "must be a list")),
  // NTLM proves a connection instead of a request, so it cannot go over connections that reads share.
  auth: v.optional(block({ ntlm: notYet })),
});

export type WebhookBlock = v.InferOutput<typeof webhookBlock>;
