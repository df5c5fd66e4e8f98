/** An item as the read path keeps it: one JSON text that serves every field of it, and a document's files too. */
import { canonicalJson } from "../../core/canonical-json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Field, Item, Labelled } from "./answer.ts";

export interface KeptItem {
  readonly category: string;
  readonly sections: readonly Labelled[];
  readonly fields: readonly Field[];
  /** Contents in base64; empty for what is no document. */
  readonly files: readonly NamedContent[];
}

interface NamedContent {
  readonly name: string;
  readonly content: string;
}

/** `contents`: of its files, in their order. */
export function keepItem({ category, sections, fields, files }: Item, contents: readonly SecretValue[]): SecretValue {
  const named = contents.map((content, i) => ({
    name: files[i]!.name,
    content: content.reveal().toString("base64"),
  }));
  return SecretValue.fromText(canonicalJson({ category, sections, fields, files: named }));
}

export function keptItem(value: SecretValue): KeptItem {
  return JSON.parse(value.reveal().toString("utf8")) as KeptItem;
}
