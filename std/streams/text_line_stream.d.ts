// Copyright 2026 the wsgiref authors. MIT license.
/** Options for {@linkcode TextLineStream}. */
export interface TextLineStreamOptions {
  allowCR?: boolean;
}
export declare class TextLineStream extends TransformStream<string, string> {
  constructor(options?: TextLineStreamOptions);
}
