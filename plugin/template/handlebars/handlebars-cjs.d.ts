/** Handlebars without the package's entry, which teaches require() to load template files. */
declare module "handlebars/dist/cjs/handlebars.js" {
  import Handlebars from "handlebars";

  /** The part of the code generator that text-compiler.ts changes; the package's own types leave it out. */
  class JavaScriptCompiler {
    compiler: typeof JavaScriptCompiler;
    append(): void;
    protected popStack(): unknown;
    protected appendToBuffer(source: readonly unknown[]): unknown;
    protected pushSource(source: unknown): void;
  }

  type Environment = typeof Handlebars & { JavaScriptCompiler: typeof JavaScriptCompiler };
  const environment: Omit<Environment, "create"> & { create(): Environment };
  export default environment;
}
