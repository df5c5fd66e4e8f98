/** From a ref to the request that goes out: everything is rendered and checked before anything is sent. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import type { HttpRequest } from "../http.ts";
import { root } from "./config.ts";
import type { WebhookConfig } from "./config.ts";
import type { Prepared, prepareTemplate, renderTemplate } from "./engine.ts";
import { checkedHeader } from "./headers.ts";
import type { compilePath, takeFirst } from "./json-path.ts";
import { checkedUrl } from "./origin.ts";
import type { Taking } from "./result.ts";
import { templateData } from "./variables.ts";
import type { SecretVariables, Wanted } from "./variables.ts";

/** What is loaded with the first login. */
export interface Engine {
  readonly prepareTemplate: typeof prepareTemplate;
  readonly renderTemplate: typeof renderTemplate;
  readonly compilePath: typeof compilePath;
  readonly takeFirst: typeof takeFirst;
}

export interface Outgoing {
  readonly request: HttpRequest;
  /** Absent = the whole body. */
  readonly taking?: Taking;
}

/** Rejects with Failure: `template_failed`, `ref_invalid` for a url that leaves its place, or the signal's reason. */
export type Compose = (wanted: Wanted, secrets: SecretVariables, signal: AbortSignal) => Promise<Outgoing>;

/** Throws Failure `store_invalid` for templates, and paths without any, that cannot work. */
export function createComposer(config: WebhookConfig, engine: Engine, clock: Clock): Compose {
  const prepared = (name: string, text: string): Prepared => engine.prepareTemplate(`${root}.${name}`, text);
  const url = prepared("url", config.url);
  const headers = Object.entries(config.headers).map(
    ([name, text]) => [name, prepared(`headers.${name}`, text)] as const,
  );
  const body = config.body === "" ? undefined : prepared("body", config.body);
  const pathField = `${root}.result.jsonPath`;
  const jsonPath = config.jsonPath === "" ? undefined : prepared("result.jsonPath", config.jsonPath);

  /** A line break at the end of a path in block style means nothing. */
  const takingOf = (text: string, code: "store_invalid" | "template_failed"): Taking => {
    const path = engine.compilePath(text.trim());
    if (path) return { path, takeFirst: engine.takeFirst };
    const problem = 'is no JSONPath of RFC 9535: begin with $, and write unusual names as in $["a-b"]';
    throw new Failure(code, `${pathField} ${problem}`, { field: pathField });
  };
  const fixedTaking =
    jsonPath && !config.jsonPath.includes("{{") ? takingOf(config.jsonPath, "store_invalid") : undefined;

  return async (wanted, secrets, signal) => {
    const plain = templateData(wanted, secrets, false);
    const render = (template: Prepared): Promise<SecretValue> => engine.renderTemplate(template, plain, clock, signal);
    const target = await engine.renderTemplate(url, templateData(wanted, secrets, true), clock, signal);
    const rendered: Record<string, SecretValue> = {};
    for (const [name, template] of headers) rendered[name] = checkedHeader(name, await render(template));
    const content = body && (await render(body));
    const taking =
      fixedTaking ?? (jsonPath && takingOf((await render(jsonPath)).reveal().toString(), "template_failed"));
    return {
      request: {
        method: config.method,
        url: checkedUrl(target.reveal().toString("utf8"), config.origin),
        headers: rendered,
        ...(content && content.byteLength > 0 ? { body: content } : {}),
      },
      ...(taking ? { taking } : {}),
    };
  };
}
