/**
 * Handlebars' code generator with one change: whatever a template prints becomes text first.
 *
 * Without escaping, Handlebars joins two values that stand side by side with `+`, and two numbers would be added up.
 */
import Handlebars from "handlebars/dist/cjs/handlebars.js";

export class TextCompiler extends Handlebars.JavaScriptCompiler {
  /** Used for the inner templates of blocks. */
  readonly compiler = TextCompiler;

  /** Prints the value on top of the stack; nothing and null print nothing. */
  override append(): void {
    this.pushSource(this.appendToBuffer(["String((", this.popStack(), ') ?? "")']));
  }
}
