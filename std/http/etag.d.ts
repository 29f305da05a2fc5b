// Copyright 2026 the wsgiref authors. MIT license.
/** Just the part of `Deno.FileInfo` that an entity tag is made from. */
export interface FileInfo {
  mtime: Date | null;
  size: number;
}
/** Options for {@linkcode eTag}. */
export interface ETagOptions {
  algorithm?: AlgorithmIdentifier;
  weak?: boolean;
}
export declare function eTag(
  entity: string | Uint8Array,
  options?: ETagOptions,
): Promise<string>;
export declare function eTag(
  entity: FileInfo,
  options?: ETagOptions,
): Promise<string | undefined>;
export declare function ifNoneMatch(
  value: string | null,
  etag: string | undefined,
): boolean;
