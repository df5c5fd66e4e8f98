/** What a template's own author did wrong, where in the template. */

export interface Place {
  /** From 1. */
  readonly line: number;
  /** From 0. */
  readonly column?: number;
}

/** `message` may hold parts that are marked as values (go/errors.ts). */
export class HandlebarsProblem extends Error {
  override readonly name = "HandlebarsProblem";
  readonly stage: "parse" | "exec";
  /** Absent where Handlebars does not tell. */
  readonly place: Place | undefined;

  constructor(stage: "parse" | "exec", place: Place | undefined, message: string) {
    super(message);
    this.stage = stage;
    this.place = place;
  }
}
