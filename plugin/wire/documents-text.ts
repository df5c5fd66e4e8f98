/** Secrets as text: one document for one, a JSON array or several YAML documents for more. */
import { blockYaml } from "../directory/block-yaml.ts";
import { type RenderedSecret, secretDocument } from "./rendered-secret.ts";

export function documentsText(secrets: readonly RenderedSecret[], form: "yaml" | "json"): string {
  const documents = secrets.map(secretDocument);
  if (form === "yaml") return documents.map((document) => blockYaml(document)).join("---\n");
  return `${JSON.stringify(documents.length === 1 ? documents[0] : documents, undefined, 2)}\n`;
}
