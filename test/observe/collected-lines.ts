/** A destination for lines that a test holds in its hands. */
import type { LineWrite } from "../../plugin/observe/line-queue.ts";

export class CollectedLines {
  /** Everything written so far. */
  text = "";
  /** Writes that nobody has answered yet. */
  readonly stuck: ((error?: unknown) => void)[] = [];
  /** `take` answers at once, `hold` never by itself, an Error fails every write. */
  mode: "take" | "hold" | Error = "take";

  readonly write: LineWrite = (text, done) => {
    const finish = (error?: unknown): void => {
      if (error === undefined) this.text += text;
      done(error);
    };
    if (this.mode === "hold") this.stuck.push(finish);
    else finish(this.mode === "take" ? undefined : this.mode);
  };

  /** Answers everything that is stuck, and everything from now on. */
  release(): void {
    this.mode = "take";
    for (const finish of this.stuck.splice(0)) finish();
  }

  get lines(): readonly Record<string, unknown>[] {
    return this.text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}
