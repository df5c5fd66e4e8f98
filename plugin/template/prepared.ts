/**
 * Parsed templates by name, delimiters and text, bounded by bytes.
 *
 * A template is parsed once for all refreshes of its object; the text alone decides, so an edited template is another
 * entry and the old one falls out.
 */
import { LRUCache } from "lru-cache";
import type { Program } from "./go/machine.ts";
import { prepare } from "./go/program.ts";
import { fromText } from "./go/text.ts";
import type { NamedTemplate, RenderRequest } from "./request.ts";

export interface PreparedTemplates {
  /** Throws TemplateError and BudgetError as parsing does; failures are not kept. */
  get(template: NamedTemplate, delimiters: RenderRequest["delimiters"]): Program;
}

/** Nodes and closures take 75 to 110 bytes of heap for each byte of an action-heavy text. */
const bytesPerTextByte = 100;
const bytesPerTemplate = 2_000;

export function createPreparedTemplates(maxBytes = 16 * 1024 * 1024): PreparedTemplates {
  const known = new LRUCache<string, Program>({ maxSize: maxBytes });
  return {
    get({ key, text }, delimiters) {
      const id = JSON.stringify([key, delimiters?.left, delimiters?.right, text]);
      const program = known.get(id) ?? prepare(fromText(key), fromText(text), delimiters);
      known.set(id, program, { size: bytesPerTemplate + text.length * bytesPerTextByte });
      return program;
    },
  };
}
