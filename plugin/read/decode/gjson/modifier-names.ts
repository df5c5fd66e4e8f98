/** The modifiers that exist: any other `@name` is an ordinary key. */
const names = [
  "dig",
  "flatten",
  "fromstr",
  "group",
  "join",
  "keys",
  "pretty",
  "reverse",
  "this",
  "tostr",
  "ugly",
  "valid",
  "values",
] as const;

export type ModifierName = (typeof names)[number];

export function isModifier(name: string): name is ModifierName {
  return (names as readonly string[]).includes(name);
}
