/**
 * Typed codecs of provider.proto.
 *
 * provider.json is provider.proto in the form that loads without a parser and without a file at run time;
 * test/provider/proto.test.ts holds the two equal and says how to write it again.
 */
import type { ServiceDefinition, MethodDefinition } from "@grpc/grpc-js";
import { fromJSON, type Options } from "@grpc/proto-loader";
import descriptor from "./provider.json" with { type: "json" };

export interface VersionRequest {
  readonly version: string;
}

export interface VersionResponse {
  readonly version: string;
  readonly runtime_name: string;
  readonly runtime_version: string;
}

export interface WireObjectVersion {
  readonly id: string;
  readonly version: string;
}

export interface MountRequest {
  readonly attributes: string;
  readonly secrets: string;
  readonly target_path: string;
  readonly permission: string;
  readonly current_object_version: readonly WireObjectVersion[];
}

export interface WireFile {
  readonly path: string;
  readonly mode: number;
  readonly contents: Buffer;
}

export interface MountResponse {
  readonly object_version: readonly WireObjectVersion[];
  /** Null in a decoded answer that has none. */
  readonly error?: { readonly code: string } | null;
  readonly files: readonly WireFile[];
}

/** The names on the wire, every field present: an absent one has its proto3 default. */
export const codecOptions: Options = { keepCase: true, defaults: true };

type Service = ServiceDefinition & {
  readonly Version: MethodDefinition<VersionRequest, VersionResponse>;
  readonly Mount: MethodDefinition<MountRequest, MountResponse>;
};

// A JSON import has wide types ("repeated" is a string); the loader checks the content.
const contract = fromJSON(descriptor as Parameters<typeof fromJSON>[0], codecOptions);

export const providerService = contract["v1alpha1.CSIDriverProvider"] as unknown as Service;
