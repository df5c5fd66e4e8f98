/** Makes a `switch` over a closed union a compile error until every member has its case. */
export function assertNever(value: never): never {
  throw new Error(`unexpected variant: ${typeof value}`);
}
