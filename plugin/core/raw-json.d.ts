// Part of the language since V8 12.4 (Node 22), not yet in TypeScript's lib files.
interface JSON {
  rawJSON(text: string): { readonly rawJSON: string };
  isRawJSON(value: unknown): boolean;
  parse(
    text: string,
    reviver: (this: unknown, key: string, value: unknown, context: { source: string }) => unknown,
  ): unknown;
}
