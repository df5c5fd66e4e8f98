/** What is asked of the template engine, what it may use up, and what it gives back. */
import type { SecretValue } from "../core/secret-value.ts";

/** One template. */
export interface NamedTemplate {
  /** The key that its result will have; error texts call the template by it. */
  readonly key: string;
  readonly text: string;
  /** Where the text stands, e.g. `spec.target.template.data.password`: named by failures. */
  readonly field?: string;
  /** The text itself comes from a Secret: failures then name the place in it and quote none of it. */
  readonly secretText?: boolean;
}

/** What `.` is: flat for secrets (a map of strings), one level deeper for webhooks (`.remoteRef.key`). */
export type TemplateData = ReadonlyMap<string, SecretValue | ReadonlyMap<string, SecretValue>>;

export interface RenderRequest {
  /** The language of all templates of the request; never guessed. `go` where absent. */
  readonly engine?: "go" | "handlebars";
  readonly templates: readonly NamedTemplate[];
  readonly data: TemplateData;
  /** A missing key: an error (secrets), or Go's `<no value>` (key rewrites, webhooks). */
  readonly missingKey: "error" | "default";
  /** Go's alone. `{{` and `}}` where absent. */
  readonly delimiters?: { readonly left: string; readonly right: string };
}

/** What a render may use. Exceeding one is `template_failed` with the budget's name. */
export interface TemplateBudgets {
  /** Work, a key. About one a node, a function call, an item or 64 bytes. */
  readonly steps: number;
  /** Templates in templates. */
  readonly depth: number;
  /** Bytes of one key's result, and of any value on the way to it. */
  readonly outputBytes: number;
  /** Executing time of the whole request, milliseconds; waiting does not count. */
  readonly timeMs: number;
}

export const defaultBudgets: TemplateBudgets = {
  steps: 1_000_000,
  depth: 1_000,
  outputBytes: 4 * 1024 * 1024,
  timeMs: 2_000,
};

export interface Rendered {
  /** Key → result, for every template of the request. */
  readonly values: ReadonlyMap<string, SecretValue>;
  /** Executing time, milliseconds: what the next request of the same object has less. */
  readonly spentMs: number;
}
