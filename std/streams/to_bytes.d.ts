// Copyright 2026 the wsgiref authors. MIT license.
export declare function toBytes(
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>>;
