/** The tokens of YAML's grammar. */
export type YamlToken =
  | { readonly type: SimpleType; readonly line: number }
  | { readonly type: "alias" | "anchor"; readonly line: number; readonly name: string }
  | { readonly type: "tag"; readonly line: number; readonly handle: string; readonly suffix: string }
  | { readonly type: "scalar"; readonly line: number; readonly text: string; readonly isPlain: boolean }
  | { readonly type: "version"; readonly line: number; readonly isKnown: boolean }
  | { readonly type: "tag directive"; readonly line: number; readonly handle: string; readonly prefix: string };

type SimpleType =
  | "stream start"
  | "stream end"
  | "document start"
  | "document end"
  | "block sequence"
  | "block mapping"
  | "block end"
  | "["
  | "]"
  | "{"
  | "}"
  | "-"
  | ","
  | "key"
  | "value";

export type TokenType = YamlToken["type"];
