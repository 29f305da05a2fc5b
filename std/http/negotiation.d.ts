// Copyright 2026 the wsgiref authors. MIT license.
export declare function acceptsEncodings(
  request: Pick<Request, "headers">,
): string[];
export declare function acceptsEncodings(
  request: Pick<Request, "headers">,
  ...encodings: string[]
): string | undefined;
