/** What goes to the worker and comes back: plain data, and failures whose texts are already safe to show. */
import { SecretValue } from "../core/secret-value.ts";
import type { RenderRequest, TemplateBudgets, TemplateData } from "./request.ts";

type PlainData = ReadonlyMap<string, Uint8Array | ReadonlyMap<string, Uint8Array>>;

export interface Job extends Pick<RenderRequest, "engine" | "templates" | "missingKey" | "delimiters"> {
  readonly id: number;
  readonly data: PlainData;
  readonly budgets: TemplateBudgets;
}

export type JobResult =
  | { readonly id: number; readonly values: ReadonlyMap<string, Uint8Array>; readonly spentMs: number }
  | { readonly id: number; readonly failure: { readonly message: string; readonly field?: string | undefined } };

export function toJob(id: number, request: RenderRequest, budgets: TemplateBudgets): Job {
  const { engine, templates, missingKey, delimiters, data } = request;
  const asked = { templates, missingKey, ...(engine && { engine }), ...(delimiters && { delimiters }) };
  return { id, ...asked, data: toPlain(data), budgets };
}

const bytesIn = (values: ReadonlyMap<string, SecretValue>): ReadonlyMap<string, Uint8Array> =>
  new Map([...values].map(([key, value]) => [key, value.reveal()] as const));

function toPlain(data: TemplateData): PlainData {
  return new Map(
    [...data].map(([key, value]) => [key, value instanceof SecretValue ? value.reveal() : bytesIn(value)] as const),
  );
}

const secretsIn = (values: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, SecretValue> =>
  new Map([...values].map(([key, value]) => [key, new SecretValue(value)] as const));

export function fromPlain(data: PlainData): TemplateData {
  return new Map(
    [...data].map(
      ([key, value]) => [key, value instanceof Uint8Array ? new SecretValue(value) : secretsIn(value)] as const,
    ),
  );
}

export { secretsIn as valuesOf };
