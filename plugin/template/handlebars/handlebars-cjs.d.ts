/** Handlebars without the package's entry, which teaches require() to load template files. */
declare module "handlebars/dist/cjs/handlebars.js" {
  import type Handlebars from "handlebars";

  /** The part of the code generator that text-compiler.ts changes; the package's own types leave it out. */
  interface CodeGenerator {
    append(): void;
    popStack(): unknown;
    appendToBuffer(source: readonly unknown[]): unknown;
    pushSource(source: unknown): void;
  }

  type Environment = typeof Handlebars & { JavaScriptCompiler: new () => CodeGenerator };
  const environment: Omit<Environment, "create"> & { create(): Environment };
  export default environment;
}
