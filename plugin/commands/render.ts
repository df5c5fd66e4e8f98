/**
 * `keyferry render`: what ExternalSecrets come to, without writing anything.
 *
 * Secrets on stdout, a line for each problem on stderr. Exit 0, or 1 when an object could not be rendered; 2 when the
 * command is wrong. Values are hidden unless asked for.
 */
import type { RenderConfig } from "../config.ts";
import { documentsText } from "../wire/documents-text.ts";
import { renderFiles } from "../wire/render.ts";
import { hidden } from "../wire/rendered-secret.ts";
import { started } from "./serve.ts";

export async function render(
  config: RenderConfig,
  stdout: NodeJS.WritableStream,
  stderr: NodeJS.WritableStream,
): Promise<number> {
  const rendered = await started(() => renderFiles(config), stderr);
  if (!rendered) return 2;
  const secrets = config.showValues ? rendered.secrets : rendered.secrets.map(hidden);
  if (secrets.length > 0) stdout.write(documentsText(secrets, config.output));
  for (const problem of rendered.problems) stderr.write(`keyferry: ${problem}\n`);
  return rendered.problems.length === 0 ? 0 : 1;
}
