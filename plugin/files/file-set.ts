/** The files of one volume, or of one output folder. Paths have passed path-rules.ts. */
import type { SecretValue } from "../core/secret-value.ts";

export interface FileEntry {
  /** Relative, cleaned, `/`-separated. */
  readonly path: string;
  /** 0–0o777. */
  readonly mode: number;
  readonly contents: SecretValue;
}

export type FileSet = readonly FileEntry[];
