/**
 * What a store kind makes of a SecretProviderClass that was written for the store's own CSI provider: a block of the
 * kind, and the files to make of what it reads.
 */
import type { SecretValue } from "../core/secret-value.ts";
import type { Parsed } from "../manifests/objects.ts";
import type { Ref } from "./ref.ts";

/**
 * The parameters of a SecretProviderClass as a store's own CSI provider takes them. Pure: what they mean, as a block of
 * this kind and the files to make; the read path then treats it as any other store.
 */
export interface ClassDialect {
  /** What stands in the class as `provider`, and what the provider's socket is called. */
  readonly provider: string;
  /** Variables of the provider's environment that stand in for parameters: addresses and names, never a credential. */
  readonly environment?: readonly string[];
  /** Paths in problems are parameter names, and places in them: `objects[2].secretPath`. */
  parse(parameters: Readonly<Record<string, string>>, surroundings: DialectSurroundings): Parsed<ClassRequest>;
}

/** What a dialect may know beside the parameters. */
export interface DialectSurroundings {
  /** The pod's, from kubelet: annotations of it are asked for by the store that the block opens. */
  readonly namespace: string;
  readonly serviceAccountName: string;
  /**
   * Keys of nodePublishSecretRef. A block names one as the key of a Secret called `publishedSecret` (provider-block.ts);
   * the values are those that came with the mount.
   */
  readonly secretKeys: readonly string[];
  /** What this process was told by the variables that `ClassDialect.environment` lists. Absent = nothing. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The process's own identity may read for this namespace. */
  readonly processIdentity?: true;
  /** Octal mode that the driver asks for where a file has none of its own. */
  readonly filePermission: number;
}

export interface ClassRequest {
  /** As `StoreKind.open` takes it, with paths of its own for what a block of ESO cannot say. */
  readonly block: unknown;
  /** Further blocks, where one cannot say it all (another service, another region), by the names that files use. */
  readonly further?: Readonly<Record<string, unknown>>;
  readonly files: readonly DialectFile[];
  /** What `block` still lacks, and has to be put into it before it is opened. */
  readonly paths?: readonly DialectPath[];
  /** Credentials that the class itself holds, by the keys of nodePublishSecretRef that they stand in for. */
  readonly secrets?: Readonly<Record<string, SecretValue>>;
  /** The process's own identity reads, so the block is opened as that of a ClusterSecretStore. */
  readonly processIdentity?: true;
}

/** A file of the folder that the admin mounts for classes: its bytes become a text of the block. */
export interface DialectPath {
  /** By which the class names it, for messages. */
  readonly parameter: string;
  /** A plain file name, without a folder. */
  readonly name: string;
  /** Top-level field of the block that takes the bytes, in base64. */
  readonly field: string;
}

export interface DialectFile {
  /** Relative to the volume. */
  readonly path: string;
  readonly mode: number;
  readonly ref: Ref;
  /** Which of `ClassRequest.further` the ref is read by; absent = `block`. */
  readonly block?: string;
  /** Read in its place while the first cannot be asked (unavailable), never because it says no. */
  readonly failover?: { readonly ref: Ref; readonly block: string };
  /**
   * So many versions that are enabled, from that of `ref` back, each in a file of its own: `path/0`, `path/1`, …, with
   * the object ids `id/0`, `id/1`, … Absent = the one version of `ref`.
   */
  readonly history?: number;
  /** What of the answer the file holds. */
  readonly part: DialectPart;
  /** How the stored text is written; the file gets what it stands for. */
  readonly encoding: "utf-8" | "base64" | "hex";
  /** Of its object version. Files of one request that share an id are cut from one answer, which is told once. */
  readonly object: {
    readonly id: string;
    /** Where the version comes from: the store's own, where it has one, or a keyed digest of the file. */
    readonly version: "store" | "digest";
    /** Top-level members of the file's JSON that change with each read and say nothing: the digest leaves them out. */
    readonly passing?: readonly string[];
  };
}

export type DialectPart =
  | { readonly kind: "whole" }
  | { readonly kind: "property"; readonly property: string }
  /** A top-level key of a JSON or YAML document, by its very name. What is no text is taken as JSON, unless `textOnly`. */
  | { readonly kind: "key"; readonly of: "json" | "yaml"; readonly key: string; readonly textOnly?: true }
  | { readonly kind: "jmesPath"; readonly path: string };
