/**
 * The version that a file of a volume is reported under. It changes when the content changes and tells nothing else:
 * it ends up in objects that others can read.
 */
import { createHmac } from "node:crypto";
import type { FileEntry } from "./file-set.ts";

export interface ObjectVersion {
  /** Unique in one answer: the file's path. */
  readonly id: string;
  readonly version: string;
}

/**
 * The store's own version id where there is one, else an HMAC of the content under the node's version key.
 * `scope` (the namespace) and the path are part of the HMAC, so that nobody can confirm a guess about another
 * namespace's secret by mounting the guess and comparing versions.
 */
export function objectVersion(file: FileEntry, storeVersion: string, scope: string, versionKey: Buffer): ObjectVersion {
  return { id: file.path, version: storeVersion === "" ? contentVersion(file, scope, versionKey) : storeVersion };
}

function contentVersion(file: FileEntry, scope: string, versionKey: Buffer): string {
  // JSON text ends unambiguously, so scope, path and content cannot run into each other.
  return createHmac("sha256", versionKey)
    .update(JSON.stringify([scope, file.path]))
    .update(file.contents.reveal())
    .digest("base64url");
}
