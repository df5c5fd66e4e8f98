/** keyferry cannot start as configured. The message is `<flag or file>: <problem>; <way out>` and safe to show. */
export class StartProblem extends Error {
  override readonly name = "StartProblem";
}
