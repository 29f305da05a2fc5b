// Copyright 2026 the wsgiref authors. MIT license.
export declare function contentType(
  extensionOrType: string,
): string | undefined;
