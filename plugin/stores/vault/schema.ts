/** The fields of `provider.vault` and `provider.openBao` blocks in ESO's v1 schema: what is honoured, and what is not supported yet. */
import * as v from "valibot";
import { caProvider } from "../ca-bundle.ts";
import { block, optionalText, secretKeySelector, text } from "../provider-block.ts";
import { authBlock, openBaoAuthBlock } from "./auth-schema.ts";

const flag = v.optional(v.boolean("must be true or false"));
const version = v.optional(v.picklist(["v1", "v2"], "must be v1 or v2"), "v2");

/** ESO had texts here first, and later blocks. */
const header = v.union(
  [v.string(), block({ value: v.optional(v.string("must be a string")), secretKeyRef: v.optional(secretKeySelector) })],
  "must be a text, or a block with value or secretKeyRef",
);

export const vaultBlock = block({
  server: text,
  path: optionalText,
  version,
  namespace: optionalText,
  caBundle: optionalText,
  caProvider: v.optional(caProvider),
  tls: v.optional(block({ certSecretRef: v.optional(secretKeySelector), keySecretRef: v.optional(secretKeySelector) })),
  headers: v.optional(v.record(v.string(), header, "must be a map of header names")),
  readYourWrites: flag,
  forwardInconsistent: flag,
  // Only writes look at it.
  checkAndSet: v.optional(block({ required: flag })),
  auth: v.optional(authBlock),
});

/** The part that ESO gives to OpenBao's own block. */
export const openBaoBlock = block({
  server: text,
  path: optionalText,
  version,
  namespace: optionalText,
  caBundle: optionalText,
  caProvider: v.optional(caProvider),
  auth: v.optional(openBaoAuthBlock),
});

export type VaultBlock = v.InferOutput<typeof vaultBlock>;
